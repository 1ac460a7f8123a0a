"""Scripted policies, tools and models. Quality is written in the text, as `[q=0.62]`, and pictures are of a colour."""

from __future__ import annotations

import asyncio
import io
import json
import random
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from PIL import Image

from llmi_reward.chat import Answer, ChatError, Message, Usage
from llmi_schema import (
    CodeCall,
    CodeParams,
    DiffusionCall,
    DiffusionParams,
    EditCall,
    EditParams,
    Picture,
    Provenance,
    SearchCall,
    SearchParams,
    ToolCall,
    ToolResult,
)
from llmi_train.policies import Completion, Request


def search(query: str) -> str:
    return SearchCall(description=query, params=SearchParams(query=query)).to_tag()


def diffusion(prompt: str) -> str:
    return DiffusionCall(description=prompt, params=DiffusionParams(prompt=prompt)).to_tag()


def edit(index: int, prompt: str) -> str:
    return EditCall(description=prompt, params=EditParams(img_index=index, prompt=prompt)).to_tag()


def code(text: str) -> str:
    return CodeCall(description="a figure", params=CodeParams(code=text)).to_tag()


def picture(of: str, shade: float = 0.5, tool: str = "search") -> Picture:
    """A picture of one colour, given by what it is of; `shade` is its quality, readable from its first pixel."""
    red, green = sha256(of.encode()).digest()[:2]
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (round(255 * shade), red, green)).save(file, "PNG")
    return Picture.from_png(file.getvalue(), Provenance(tool=tool, provider="scripted", request=of))


def shade(png: bytes) -> float:
    with Image.open(io.BytesIO(png)) as image:
        pixel: Any = image.convert("RGB").getpixel((0, 0))
    return float(pixel[0] / 255)


@dataclass
class Writer:
    """A policy that writes `texts[seed % len]`, or what a function of the request says.

    Attributes:
        requests: what it was asked.
    """

    texts: Sequence[str] | Callable[[Request], str]
    tokens: int = 100
    prompt_tokens: int = 20
    cost: float | None = None
    requests: list[Request] = field(default_factory=list)
    hangs: frozenset[int] = frozenset()
    fails: frozenset[int] = frozenset()
    identity: str = "scripted"
    max_tokens: int = 200

    async def write(self, request: Request) -> Completion:
        self.requests.append(request)
        if request.seed in self.hangs:
            await asyncio.Event().wait()
        if request.seed in self.fails:
            raise ChatError("server_error", "the server fell over")
        text = self.texts(request) if callable(self.texts) else self.texts[request.seed % len(self.texts)]
        return Completion(text, True, self.tokens, self.prompt_tokens, self.cost)

    async def stream(self, request: Request) -> AsyncIterator[str | Completion]:
        completion = await self.write(request)
        yield completion.text
        yield completion


@dataclass
class Tools:
    """Pictures at once. Answers of search and diffusion have the quality that `quality` gives them by their rank."""

    quality: Callable[[str, int], float | None] = lambda what, rank: 0.5
    calls: list[tuple[str, str]] = field(default_factory=list)
    hangs: frozenset[str] = frozenset()
    raises: frozenset[str] = frozenset()

    async def call(self, call: ToolCall, pictures: Sequence[Picture] = ()) -> ToolResult:
        return await self._answer(call, 0, pictures)

    async def alternative(self, call: ToolCall, number: int, pictures: Sequence[Picture] = ()) -> ToolResult:
        return await self._answer(call, number, pictures)

    async def _answer(self, call: ToolCall, number: int, pictures: Sequence[Picture]) -> ToolResult:
        what = next(str(v) for v in reversed(call.params.model_dump().values()))
        self.calls.append((call.source, f"{what}#{number}" if number else what))
        if what in self.hangs:
            await asyncio.Event().wait()
        if what in self.raises:
            raise RuntimeError(f"{what} broke the tool")
        if call.source == "edit":
            return ToolResult(picture=picture(f"{what} of {pictures[0].sha256}", shade(pictures[0].png), "edit"))
        quality = self.quality(what, number)
        if quality is None:
            return ToolResult.failed("crashed" if call.source == "code" else "no_result", f"no picture for {what}")
        return ToolResult(picture=picture(f"{what}#{number}", quality, call.source))


Script = Callable[[str, Sequence[Message], int], str | dict[str, Any]]


@dataclass
class Model:
    """A `ChatModel` that answers what a script says. The script gets all words, the messages and the call's number."""

    script: Script
    usage: Usage = field(default_factory=lambda: Usage(100, 20))
    asked: list[str] = field(default_factory=list)
    options: Mapping[str, Any] = field(default_factory=lambda: {"max_tokens": 50})
    under_way: int = 0
    most_under_way: int = 0
    name: str = "scripted model"

    async def ask(
        self,
        messages: str | Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        sample: int = 0,
        options: Mapping[str, Any] | None = None,
    ) -> Answer:
        assert not isinstance(messages, str)
        said = words(messages)
        self.asked.append(said)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            answer = self.script(said, messages, len(self.asked) - 1)
            await asyncio.sleep(0)
        finally:
            self.under_way -= 1
        return Answer(answer if isinstance(answer, str) else json.dumps(answer), self.usage)


class Slow(Model):
    """Never answers."""

    async def ask(self, messages: Any, **_: Any) -> Answer:
        self.asked.append(words(messages))
        await asyncio.Event().wait()
        raise AssertionError


def words(messages: Sequence[Message]) -> str:
    texts = []
    for message in messages:
        content = message["content"]
        if isinstance(content, str):
            texts.append(content)
        else:
            texts += [part.get("text", "<picture>") for part in content]
    return "\n".join(texts)


def shades(messages: Sequence[Message]) -> list[float]:
    """The quality of the pictures in a request, in their order."""
    from base64 import b64decode

    parts = [part for m in messages if not isinstance(m["content"], str) for part in m["content"]]
    return [shade(b64decode(p["image_url"]["url"].split(",")[1])) for p in parts if p["type"] == "image_url"]


def qualities(said: str) -> list[float]:
    return [float(q) for q in re.findall(r"\[q=([0-9.]+)\]", said)]


def comparing(noise: float = 0.0, seed: int = 0, *, stateful: bool = False, place_bias: float = 0.0) -> Model:
    """Compares by the qualities in the texts, give or take noise, and with a liking for the first place.

    The noise depends on what is asked alone, as with a server at temperature 0; `stateful` draws it anew each time.
    """
    state = random.Random(seed)

    def script(said: str, messages: Sequence[Message], number: int) -> dict[str, Any]:
        first, second = qualities(said)
        chance = state if stateful else random.Random(f"{seed} {first} {second} {sha256(said.encode()).hexdigest()}")
        difference = first - second + place_bias + chance.gauss(0, noise)
        better = "first" if difference > 0 else "second" if difference < 0 else "equal"
        return {"reason": "because", "better": better}

    return Model(script)


def picking(noise: float = 0.0, seed: int = 0) -> Model:
    """Picks the picture of the best quality, give or take noise."""

    def script(said: str, messages: Sequence[Message], number: int) -> dict[str, Any]:
        seen = shades(messages)
        chance = random.Random(f"{seed} {seen}")
        noisy = [quality + chance.gauss(0, noise) for quality in seen]
        return {"reason": "because", "best": noisy.index(max(noisy)) + 1}

    return Model(script)
