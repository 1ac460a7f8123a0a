"""`StreamedRender`: the same document as `render`, its tools started while it is written."""

import asyncio
import random

import pytest

from llmi_sandbox import StreamedRender, render
from llmi_schema import (
    DiffusionCall,
    DiffusionParams,
    EditCall,
    EditParams,
    Picture,
    Provenance,
    Tag,
    Text,
    ToolResult,
)

MINE = Picture(png=b"", sha256="mine", width=1, height=1, provenance=Provenance(tool="input", provider="user"))


def draw(prompt):
    return DiffusionCall(description="", params=DiffusionParams(prompt=prompt)).to_tag()


def change(index, prompt):
    return EditCall(description="", params=EditParams(img_index=index, prompt=prompt)).to_tag()


class Painter:
    """A picture named after its prompt and after what it was made from; "fail" fails."""

    def __init__(self):
        self.begun = []
        self.running = 0

    async def call(self, call, pictures=()):
        prompt = call.params.prompt
        self.begun.append(prompt)
        self.running += 1
        try:
            await asyncio.sleep(3600 if prompt == "never" else 0)
        finally:
            self.running -= 1
        if prompt == "fail":
            return ToolResult.failed("no_result", "nothing")
        name = "/".join([*(picture.sha256 for picture in pictures), prompt])
        origin = Provenance(tool=call.source, provider="painter")
        return ToolResult(picture=Picture(png=b"", sha256=name, width=1, height=1, provenance=origin))


TEXT = (
    f"One {draw('a')} two {change(0, 'mine, changed')} <think>{draw('no')}</think> {change(1, 'b')} {draw('fail')}"
    f"{change(4, 'of nothing')} <imgen>{{}}</imgen> {change(3, 'c')} <imgen>{{'a': '</imgen> open"
)


@pytest.mark.parametrize("seed", range(8))
async def test_any_split_is_rendered_as_the_whole(seed):
    chance = random.Random(seed)
    answered = []
    whole = await render(TEXT, Painter(), (MINE,))
    async with StreamedRender(Painter(), (MINE,), answered=lambda tag, result: answered.append(tag.index)) as rendering:
        at = 0
        while at < len(TEXT):
            size = chance.choice([1, 3, 50])
            rendering.feed(TEXT[at : at + size])
            await asyncio.sleep(0)
            at += size
        assert await rendering.finish() == whole
    assert sorted(answered) == [tag.index for tag in whole.document.tags]
    assert [result.reason for result in whole.results] == [
        None, None, None, "no_result", "missing_picture", "bad_call", None, "bad_call",
    ]  # fmt: skip


async def test_a_tool_starts_at_its_tags_last_character():
    painter = Painter()
    async with StreamedRender(painter) as rendering:
        assert rendering.feed(f"One {draw('a')[:-1]}") == []
        await asyncio.sleep(0)
        assert painter.begun == []
        assert rendering.inside == "tag"
        assert [type(segment) for segment in rendering.feed(">")] == [Text, Tag]
        await asyncio.sleep(0)
        assert painter.begun == ["a"]
        assert rendering.inside == "text"


async def test_stopping_keeps_the_pictures_there_are():
    painter = Painter()
    async with StreamedRender(painter) as rendering:
        rendering.feed(f"{draw('a')} {draw('never')} {change(1, 'b')} and <imgen>{{")
        await asyncio.sleep(0.05)
        rendered = await rendering.stop("enough")
    assert [result.reason for result in rendered.results] == [None, "unavailable", "unavailable"]
    assert rendered.results[1].message == "enough"
    assert painter.running == 0
    assert rendered.document.open_tag is not None


async def test_leaving_ends_every_tool():
    painter = Painter()
    async with StreamedRender(painter) as rendering:
        rendering.feed(draw("never"))
        await asyncio.sleep(0)
        assert painter.running == 1
    assert painter.running == 0
    assert len(asyncio.all_tasks()) == 1
