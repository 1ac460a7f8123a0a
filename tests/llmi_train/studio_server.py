"""A studio on loopback for the tests, its policy and tools held back by the test."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import uvicorn

from llmi_reward import presets
from llmi_sandbox.pictures import encode
from llmi_schema import LLMIError, Picture, Provenance, ToolCall, ToolResult
from llmi_train.policies import Completion, Request
from llmi_train.studio import Studio, bound, studio_app

TOKEN = "a-token-of-the-tests"


def picture(shade: int, size: tuple[int, int] = (64, 48)) -> Picture:
    from PIL import Image

    origin = Provenance(
        tool="diffusion",
        provider="painter <b>of</b> tests",
        licence="CC0-1.0",
        attribution="<script>pwned = 1</script>",
    )
    return encode(Image.new("RGB", size, (shade % 256, 90, 40)), origin)


class Policy:
    """Says its pieces, waiting at each `threading.Event` among them until the test sets it."""

    identity = "scripted"

    def __init__(self, *pieces: str | threading.Event | Exception) -> None:
        self.pieces = pieces
        self.asked: list[Request] = []
        self.open = 0

    async def stream(self, request: Request) -> AsyncIterator[str | Completion]:
        self.asked.append(request)
        self.open += 1
        text = ""
        try:
            for piece in self.pieces:
                if isinstance(piece, threading.Event):
                    await passed(piece)
                elif isinstance(piece, Exception):
                    raise piece
                else:
                    text += piece
                    yield piece
                    await asyncio.sleep(0.005)
            yield Completion(text, True, 1234, cost=0.25)
        finally:
            self.open -= 1

    async def write(self, request: Request) -> Completion:
        raise LLMIError("the studio streams")


@dataclass
class Tools:
    """Paints, once `ready` is set; calls with "fail" in their prompt fail."""

    ready: threading.Event = field(default_factory=threading.Event)
    calls: list[ToolCall] = field(default_factory=list)

    async def call(self, call: ToolCall, pictures: Sequence[Picture] = ()) -> ToolResult:
        self.calls.append(call)
        number = len(self.calls)
        await passed(self.ready)
        if "fail" in str(call.params):
            return ToolResult.failed("no_result", "<img src=x onerror='pwned = 1'> nothing was found", seconds=0.5)
        return ToolResult(picture=picture(40 * number), seconds=1.25, attempts=2 if number == 2 else 1)


async def passed(event: threading.Event) -> None:
    while not event.is_set():  # noqa: ASYNC110 - it is set in another thread
        await asyncio.sleep(0.005)


@dataclass
class Running:
    url: str
    studio: Studio
    server: uvicorn.Server

    def ask(self, method: str, path: str, *, token: str | None = TOKEN, **options: Any) -> httpx2.Response:
        headers = {**({"X-Studio-Token": token} if token else {}), **options.pop("headers", {})}
        return httpx2.request(method, f"{self.url}{path}", headers=headers, timeout=20, **options)

    def begin(self, prompt: str = "A page on foxes", **fields: Any) -> str:
        answer = self.ask("POST", "sessions", json={"prompt": prompt, **fields})
        assert answer.status_code == 201, answer.text
        name: str = answer.json()["id"]
        return name


@contextmanager
def running(policy: Policy, tools: Tools | None = None, **settings: Any) -> Iterator[Running]:
    tools = tools or Tools()
    settings = {"reward": presets.rules(), "reward_name": "rules", "model": "scripted", "tools": "paint", **settings}
    studio = Studio(policy, tools, **settings)
    listening = bound(0)
    app = studio_app(studio, token=TOKEN)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        yield Running(f"http://127.0.0.1:{listening.getsockname()[1]}/", studio, server)
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        assert not thread.is_alive()
        assert policy.open == 0, "a session outlived its studio"
