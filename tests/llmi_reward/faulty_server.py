"""An OpenAI-compatible server that answers with marks, or with the fault a script calls for.

Used in-process (`async with FaultyServer(script) as server`) and as a process of its own:

    python faulty_server.py --latency 0.2 --faults 0.3

It prints the port it listens on, and tells at `/stats` what it has seen. `paid` counts answers sent whole, by the
digest of the request, as a provider would bill them.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import random
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

ANSWER = json.dumps({"text": {"reason": "clear", "score": 4}, "image": {"reason": "apt", "score": 3}})
FAULTS = ("429", "500", "reset", "truncated", "html", "hang", "garbage", "refusal")
TRANSIENT = ("429", "500", "reset")


@dataclass
class Call:
    """One request as it arrived."""

    number: int
    headers: dict[str, str]
    body: dict[str, Any]
    digest: str


Script = Callable[[Call], "str | dict[str, Any]"]
"""What to do with a call: "ok", a fault's name, or the answer's content."""


def completion(content: str | None, finish: str = "stop", **message: Any) -> bytes:
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": content, **message}}
    value = {"id": "x", "object": "chat.completion", "model": "m", "choices": [choice], "usage": usage}
    return json.dumps(value).encode()


@dataclass
class FaultyServer:
    script: Script = lambda call: "ok"
    latency: float = 0.0
    answer: str = ANSWER
    capacity: int | None = None
    retry_after: str | None = "0"
    hang_seconds: float = 3600.0
    port: int = 0
    calls: list[Call] = field(default_factory=list)
    paid: Counter[str] = field(default_factory=Counter)
    keep_calls: bool = True
    number: int = 0
    busy: int = 0
    most: int = 0
    turned_away: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def paid_twice(self) -> int:
        """Answers paid for that had been paid for before."""
        return sum(count - 1 for count in self.paid.values())

    async def __aenter__(self) -> FaultyServer:
        self._server = await asyncio.start_server(self._connection, "127.0.0.1", self.port, backlog=4096)
        self.port = self._server.sockets[0].getsockname()[1]
        self._tasks: set[asyncio.Task[Any]] = set()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while await self._exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            with contextlib.suppress(ConnectionError, RuntimeError):
                writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        headers[":path"] = head[0].split()[1]
        if headers[":path"] == "/stats":
            counts = {"requests": self.number, "most": self.most, "paid": self.paid.total(), "twice": self.paid_twice}
            return self._send(writer, 200, json.dumps(counts).encode())
        self.number += 1
        call = Call(self.number, headers, json.loads(body), hashlib.sha256(body).hexdigest())
        if self.keep_calls:
            self.calls.append(call)
        if self.capacity is not None and self.busy >= self.capacity:
            self.turned_away += 1
            outcome: Any = "429"
        else:
            outcome = self.script(call)
        self.busy += 1
        self.most = max(self.most, self.busy)
        try:
            return await self._act(outcome, call, writer)
        finally:
            self.busy -= 1

    async def _act(self, outcome: Any, call: Call, writer: asyncio.StreamWriter) -> bool:
        if outcome == "429":
            extra = {} if self.retry_after is None else {"retry-after": self.retry_after}
            return self._send(writer, 429, b'{"error": {"message": "slow down"}}', **extra)
        if outcome == "reset":
            writer.transport.abort()
            return False
        if outcome == "hang":
            await asyncio.sleep(self.hang_seconds)
        elif self.latency:
            await asyncio.sleep(self.latency)
        match outcome:
            case "hang" | "500":
                return self._send(writer, 500, b'{"error": {"message": "internal"}}')
            case "400 schema":
                message = {"error": {"message": "response_format of type json_schema is not supported"}}
                return self._send(writer, 400, json.dumps(message).encode())
            case "400":
                return self._send(writer, 400, b'{"error": {"message": "this model does not exist"}}')
            case "quota":
                return self._send(
                    writer, 429, b'{"error": {"message": "insufficient quota", "code": "insufficient_quota"}}'
                )
            case "401":
                return self._send(writer, 401, b'{"error": {"message": "wrong key"}}')
            case "html":
                return self._send(writer, 200, b"<html>gateway</html>")
            case "truncated":
                whole = completion(self.answer)
                writer.write(f"HTTP/1.1 200 OK\r\ncontent-length: {len(whole)}\r\n\r\n".encode() + whole[:40])
                await writer.drain()
                return False
            case "garbage":
                answer = completion("Text: 100. **Image:** 5/5!! Ignore the rubric.")
            case "refusal":
                answer = completion(None, refusal="I cannot help with that.")
            case "length":
                answer = completion(self.answer[:20], finish="length")
            case "filtered":
                answer = completion("", finish="content_filter")
            case "ok":
                answer = completion(self.answer)
            case _:
                answer = completion(outcome if isinstance(outcome, str) else json.dumps(outcome))
        self.paid[call.digest] += 1
        return self._send(writer, 200, answer)

    def _send(self, writer: asyncio.StreamWriter, status: int, body: bytes, **extra: str) -> bool:
        lines = [f"HTTP/1.1 {status} X", "content-type: application/json", f"content-length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in extra.items()]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        return True


def now_and_then(share: float, faults: tuple[str, ...] = FAULTS, seed: int = 0) -> Script:
    """A script in which this share of calls meets a fault."""
    chance = random.Random(seed)
    return lambda call: chance.choice(faults) if chance.random() < share else "ok"


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--faults", type=float, default=0.0)
    parser.add_argument("--kinds", default=",".join(FAULTS))
    parser.add_argument("--hang-seconds", type=float, default=30.0)
    parser.add_argument("--retry-after", default="0")
    options = parser.parse_args()
    server = FaultyServer(
        now_and_then(options.faults, tuple(options.kinds.split(","))),
        latency=options.latency,
        hang_seconds=options.hang_seconds,
        retry_after=options.retry_after,
        port=options.port,
        keep_calls=False,
    )
    async with server:
        print(server.port, flush=True)
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)  # until the parent goes


if __name__ == "__main__":
    asyncio.run(main())
