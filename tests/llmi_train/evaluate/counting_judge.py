"""A judge on loopback that counts what it answered, in a thread; it can fall silent after so many answers."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass
class CountingJudge:
    """Attributes:
    verdict: what it says to a request's last words.
    silent_after: so many answers are sent; later requests wait until it is None or larger.
    answered: answers by the digest of their request.
    """

    verdict: Callable[[str], Any] = lambda asked: {"reason": "it is there", "score": 2}
    silent_after: int | None = None
    answered: Counter[str] = field(default_factory=Counter)
    url: str = ""

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                length = next(
                    int(line.split(":")[1]) for line in head.splitlines() if line.startswith("content-length")
                )
                request = await reader.readexactly(length)
                while self.silent_after is not None and self.answered.total() >= self.silent_after:
                    await asyncio.sleep(0.01)
                    if reader.at_eof():
                        raise ConnectionError
                self.answered[hashlib.sha256(request).hexdigest()] += 1
                verdict = self.verdict(str(json.loads(request)["messages"][-1]["content"])[-600:])
                writer.write(_reply(verdict))
                await writer.drain()
        writer.close()


def _reply(verdict: Any) -> bytes:
    if isinstance(verdict, int):
        body = json.dumps({"error": {"message": "no"}}).encode()
        head = f"HTTP/1.1 {verdict} X"
    else:
        said = verdict if isinstance(verdict, str) else json.dumps(verdict)
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": said}}
        usage = {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}
        body = json.dumps({"model": "judge", "choices": [choice], "usage": usage}).encode()
        head = "HTTP/1.1 200 OK"
    return f"{head}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


@contextmanager
def judging(judge: CountingJudge) -> Iterator[CountingJudge]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    starting = asyncio.start_server(judge._connection, "127.0.0.1", 0, limit=2**22)
    server = asyncio.run_coroutine_threadsafe(starting, loop).result()
    judge.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield judge
    finally:
        asyncio.run_coroutine_threadsafe(_end(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _end(server: asyncio.Server) -> None:
    server.close()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
