"""`stream` and `render_many`: results and documents as they come, few of them in memory, nothing left behind."""

import asyncio
import gc
import weakref

import pytest

from llmi_sandbox import Toolkit, render_many, stream
from llmi_schema import ConfigurationError, ToolResult, parse


class Timed:
    """Takes as many milliseconds as its query says; notes how many calls run and in how many documents."""

    def __init__(self, picture):
        self.picture, self.running, self.most = picture, 0, 0

    async def __call__(self, call, pictures):
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            words = getattr(call.params, "query", "") or call.params.prompt
            await asyncio.sleep(float(words) / 1000)
        finally:
            self.running -= 1
        return ToolResult(picture=self.picture)


@pytest.fixture
def tool(make_picture):
    return Timed(make_picture())


@pytest.fixture
def toolkit(tool):
    return Toolkit({"search": tool, "edit": tool}, concurrency=1000)


async def test_results_come_as_they_are_done(toolkit, calls, make_picture):
    text = "".join(
        call.to_tag() for call in (calls.search("90"), calls.search("10"), calls.edit(2, "20"), calls.edit(0, "1"))
    )
    text += "<imgen>junk</imgen>"
    seen = [(index, result.ok) async for index, result in stream(text, toolkit, (make_picture(),))]
    assert seen == [(5, False), (4, True), (2, True), (3, True), (1, True)]
    assert [index async for index, _ in toolkit.stream("no tags")] == []


async def test_leaving_a_stream_ends_its_calls(toolkit, tool, calls):
    before = asyncio.all_tasks()
    results = stream(calls.search("1").to_tag() + calls.search("60000").to_tag(), toolkit)
    assert (await anext(results))[0] == 0
    await results.aclose()
    assert tool.running == 0
    assert asyncio.all_tasks() == before


async def test_documents_come_as_they_are_done_with_their_place(toolkit, calls, make_picture):
    texts = [calls.search(str(wait)).to_tag() for wait in (80, 10, 40)]
    edited = (parse(calls.edit(0, "20").to_tag(), 1), (make_picture(),))
    seen = [(n, r.results[0].ok) async for n, r in toolkit.render_many([*texts, edited])]
    assert seen == [(1, True), (3, True), (2, True), (0, True)]
    assert [n async for n, _ in toolkit.render_many([])] == []


async def test_only_a_few_documents_are_in_memory(toolkit, tool, calls):
    taken = 0
    alive: set[weakref.ref] = set()

    def endless():
        nonlocal taken
        while True:
            taken += 1
            yield calls.search("1").to_tag()

    fetched = 0
    documents = render_many(endless(), toolkit, at_once=8)
    async for _, rendered in documents:
        fetched += 1
        alive.add(weakref.ref(rendered.results[0]))
        await asyncio.sleep(0.005 if fetched < 40 else 0)  # a slow reader
        assert taken - fetched <= 2 * 8 + 1
        if fetched == 300:
            break
    await documents.aclose()
    del rendered
    gc.collect()
    assert tool.most <= 8
    assert sum(ref() is not None for ref in alive) <= 1


async def test_one_slow_document_holds_nobody_up(toolkit, calls):
    texts = [calls.search("1000").to_tag(), *(calls.search("1").to_tag() for _ in range(40))]
    documents = render_many(texts, toolkit, at_once=4)
    first = [(await anext(documents))[0] for _ in range(40)]
    assert sorted(first) == list(range(1, 41))
    await documents.aclose()


async def test_documents_may_come_from_an_async_source_and_its_fault_comes_out(toolkit, tool, calls):
    async def source():
        yield calls.search("1").to_tag()
        await asyncio.sleep(0.01)
        yield calls.search("60000").to_tag()
        raise OSError("the file ended early")

    before = asyncio.all_tasks()
    documents = render_many(source(), toolkit, at_once=2)
    assert (await anext(documents))[0] == 0
    with pytest.raises(OSError, match="ended early"):
        await anext(documents)
    assert tool.running == 0
    assert asyncio.all_tasks() == before


async def test_a_document_for_other_inputs_is_an_error(toolkit):
    with pytest.raises(ConfigurationError, match="parsed for 2 input pictures"):
        async for _ in render_many([parse("x", 2)], toolkit):
            pass
    with pytest.raises(ConfigurationError, match="at least one"):
        await anext(render_many(["x"], toolkit, at_once=0))


async def test_equal_calls_in_many_documents_run_once(calls, make_picture):
    class Named(Timed):
        identity = "timed"
        calls = 0

        async def __call__(self, call, pictures):
            self.calls += 1
            return await super().__call__(call, pictures)

    tool = Named(make_picture())
    toolkit = Toolkit({"search": tool})
    texts = [calls.search("5").to_tag() * 3] * 50
    assert len([n async for n, _ in toolkit.render_many(texts)]) == 50
    assert tool.calls == 1
    assert toolkit.statistics["search"].attempted == 150
    assert toolkit.statistics["search"].ran == 1
