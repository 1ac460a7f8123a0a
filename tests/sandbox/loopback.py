"""A server on this machine that answers as told: well, badly, slowly, or with half an answer.

```python
with Loopback() as server:
    server.on("/cat.png", picture_answer)
    server.url("/cat.png")        # http://pictures.test:41234/cat.png; `server.look_up` finds pictures.test here
    server.seen                   # ["GET /cat.png"]
```

A handler is `async (request, writer) -> None` and writes bytes as it likes, or a `bytes` that is sent as it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import random
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

from PIL import Image

HOST = "pictures.test"


@dataclass
class Request:
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes = field(repr=False, default=b"")

    def json(self) -> Any:
        return json.loads(self.body)


Handler = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


def answer(body: bytes | str = b"", status: int = 200, kind: str = "image/png", **headers: str) -> bytes:
    """A whole HTTP answer. Header names are written with `_` for `-`."""
    data = body.encode() if isinstance(body, str) else body
    head = {
        "Content-Type": kind,
        "Content-Length": str(len(data)),
        **{k.replace("_", "-"): v for k, v in headers.items()},
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    return f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode() + data


def json_answer(value: Any, status: int = 200, **headers: str) -> bytes:
    return answer(json.dumps(value), status, "application/json", **headers)


def redirect(to: str, status: int = 302) -> bytes:
    return answer(b"", status, Location=to)


def png(size: tuple[int, int] = (320, 240), seed: int = 1, mode: str = "RGB", kind: str = "PNG") -> bytes:
    """A picture with something on it, different for each seed."""
    pixels = random.Random(seed).randbytes(16 * 12 * len(mode))
    out = io.BytesIO()
    Image.frombytes(mode, (16, 12), pixels).resize(size).save(out, kind)
    return out.getvalue()


class Loopback:
    """Use it with `with`; it lives in a thread of its own and leaves nothing open."""

    def __init__(self) -> None:
        self.handlers: dict[str, bytes | Handler] = {}
        self.seen: list[str] = []
        self.requests: list[Request] = []
        self.open = 0
        self._writers: set[asyncio.StreamWriter] = set()

    def __enter__(self) -> Loopback:
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)

    @property
    def hosts(self) -> frozenset[str]:
        return frozenset({HOST})

    def on(self, path: str, handler: bytes | Handler) -> str:
        """Answer requests for this path; answers the address."""
        self.handlers[path] = handler
        return self.url(path)

    def url(self, path: str = "", host: str = HOST) -> str:
        return f"http://{host}:{self.port}{path}"

    @property
    def base(self) -> str:
        """As an address that needs no look-up."""
        return f"http://127.0.0.1:{self.port}"

    async def look_up(self, host: str) -> list[Any]:
        known = {HOST: "127.0.0.1", "inside.test": "10.0.0.7", "localhost": "127.0.0.1"}
        if host not in known:
            raise OSError(f"no such host: {host}")
        return [ip_address(known[host])]

    def _run(self, ready: threading.Event) -> None:
        asyncio.run(self._serve(ready))

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._one, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await self._end.wait()
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while (request := await self._read(reader)) is not None:
                    self.seen.append(f"{request.method} {request.path}")
                    self.requests.append(request)
                    handler = self.handlers.get(request.path, answer(b"not here", 404, "text/plain"))
                    if isinstance(handler, bytes):
                        writer.write(handler)
                    elif not await self._handle(handler, request, reader, writer):
                        break
                    await writer.drain()
                    if writer.is_closing():
                        break
        finally:
            self.open -= 1
            writer.close()

    @staticmethod
    async def _handle(
        handler: Handler, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Let the handler work until the client is gone; False when it is."""
        handling = asyncio.ensure_future(handler(request, writer))
        leaving = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait((handling, leaving), return_when=asyncio.FIRST_COMPLETED)
            return handling.done() and handling.exception() is None
        finally:
            handling.cancel()
            leaving.cancel()
            await asyncio.gather(handling, leaving, return_exceptions=True)

    async def _read(self, reader: asyncio.StreamReader) -> Request | None:
        line = await reader.readline()
        if not line.strip():
            return None
        method, target, _ = line.decode("latin-1").split(" ", 2)
        headers: dict[str, str] = {}
        while (header := (await reader.readline()).strip()) != b"":
            name, _, value = header.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        path, _, query = target.partition("?")
        return Request(method, path, query, headers, await self._body(reader, headers))

    @staticmethod
    async def _body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
        if "chunked" in headers.get("transfer-encoding", ""):
            body = b""
            while size := int((await reader.readline()).strip() or b"0", 16):
                body += await reader.readexactly(size)
                await reader.readline()
            await reader.readline()
            return body
        return await reader.readexactly(int(headers.get("content-length", "0")))
