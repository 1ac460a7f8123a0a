"""An OpenAI-compatible server that streams what a script says, cut where a script says.

```python
async with ScriptedServer(lambda body: Says("Hello", cut=1)) as server: ...   # server.url, server.bodies
```
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Says:
    """One answer.

    Attributes:
        text: what the model says, a word per event.
        cut: bytes per write, so that events, lines and characters are cut anywhere; 0 writes each event whole.
        finish: the finish reason; None leaves it out.
        usage: whether tokens are counted.
        breaks_after: bytes after which the connection is torn down.
        status: an error instead of an answer.
        retry_after: seconds.
        pause: seconds between events.
        line_end: of the stream's lines.
        error: what is said in the middle of the stream, in place of the rest.
    """

    text: str = ""
    cut: int = 0
    finish: str | None = "stop"
    usage: bool = True
    breaks_after: int | None = None
    status: int = 200
    retry_after: str | None = None
    pause: float = 0.0
    line_end: str = "\n"
    error: str | None = None
    streams: bool = True
    message: str = "no"


Script = Callable[[dict[str, Any]], Says]


def words(text: str) -> list[str]:
    """Pieces of about a word that add up to the text."""
    pieces = text.split(" ")
    return [piece + " " for piece in pieces[:-1]] + [pieces[-1]]


@dataclass
class ScriptedServer:
    script: Script
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)
    broken_off: int = 0

    async def __aenter__(self) -> ScriptedServer:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/v1"
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
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                length = next(
                    int(line.split(":")[1]) for line in head.lower().split("\r\n") if "content-length" in line
                )
                self.headers.append(head)
                self.bodies.append(json.loads(await reader.readexactly(length)))
                if not await self._answer(self.script(self.bodies[-1]), self.bodies[-1], writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            self.broken_off += 1
        finally:
            self._tasks.discard(task)
            with contextlib.suppress(ConnectionError, RuntimeError):
                writer.close()

    async def _answer(self, says: Says, body: dict[str, Any], writer: asyncio.StreamWriter) -> bool:
        if says.status != 200:
            self._whole(writer, says.status, {"error": {"message": says.message}}, says.retry_after)
            return True
        usage = {"prompt_tokens": 11, "completion_tokens": len(words(says.text))}
        if not body.get("stream") or not says.streams:
            message = {"role": "assistant", "content": says.text}
            choice = {"index": 0, "finish_reason": says.finish, "message": message}
            self._whole(writer, 200, {"model": "m", "choices": [choice], **({"usage": usage} if says.usage else {})})
            return True
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
        data = b""
        for event in self._events(says, usage):
            data += event
            if not says.cut and says.breaks_after is None:
                writer.write(event)
                await writer.drain()
                await asyncio.sleep(says.pause)
        if says.breaks_after is not None:
            writer.write(data[: says.breaks_after])
            await writer.drain()
            await asyncio.sleep(0.05)
            writer.transport.abort()
            return False
        for at in range(0, len(data) if says.cut else 0, says.cut or 1):
            writer.write(data[at : at + says.cut])
            await writer.drain()
            await asyncio.sleep(0)
        return False

    def _events(self, says: Says, usage: dict[str, int]) -> list[bytes]:
        def event(value: Any) -> bytes:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            return f": keep alive{says.line_end}data: {text}{says.line_end * 2}".encode()

        def delta(content: dict[str, Any], finish: str | None = None) -> bytes:
            return event({"model": "m", "choices": [{"index": 0, "delta": content, "finish_reason": finish}]})

        events = [delta({"role": "assistant", "content": ""}), *(delta({"content": word}) for word in words(says.text))]
        if says.error is not None:
            return [*events, event({"error": {"message": says.error}})]
        if says.finish is not None:
            events.append(delta({}, says.finish))
            if says.usage:
                events.append(event({"model": "m", "choices": [], "usage": usage}))
            events.append(event("[DONE]"))
        return events

    def _whole(self, writer: asyncio.StreamWriter, status: int, value: Any, retry_after: str | None = None) -> None:
        data = json.dumps(value).encode()
        extra = f"retry-after: {retry_after}\r\n" if retry_after else ""
        head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{extra}content-length: {len(data)}\r\n\r\n"
        writer.write(head.encode() + data)
