"""`render`: order, independence of failures, cancellation."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmi_sandbox import Toolkit, render
from llmi_schema import ConfigurationError, EditCall, Picture, Provenance, ToolCall, ToolResult, parse


class Studio:
    """Answers every call at once with a picture that names its call; `wait_for` holds a call until others are done."""

    def __init__(self, wait_for: dict[str, tuple[str, ...]] | None = None, fail: frozenset[str] = frozenset()):
        self.wait_for = wait_for or {}
        self.fail = fail
        self.done: dict[str, asyncio.Event] = {}
        self.seen: dict[str, tuple[Picture, ...]] = {}

    async def call(self, call: ToolCall, pictures=()) -> ToolResult:
        name = call.description
        self.seen[name] = tuple(pictures)
        for other in self.wait_for.get(name, ()):
            await self.event(other).wait()
        self.event(name).set()
        if name in self.fail:
            return ToolResult.failed("no_result", f"{name} found nothing")
        return ToolResult(picture=named(name))

    def event(self, name: str) -> asyncio.Event:
        return self.done.setdefault(name, asyncio.Event())


def named(name: str) -> Picture:
    return Picture(
        png=name.encode(), sha256=name, width=1, height=1, provenance=Provenance(tool="search", provider=name)
    )


def document(calls: list[ToolCall | str], inputs: int = 0):
    text = "\n".join(f"some text {call if isinstance(call, str) else call.to_tag()}" for call in calls)
    return parse(text, inputs)


async def test_an_edit_starts_while_an_unrelated_call_still_runs(calls):
    # the slow search ends only after the whole chain of edits: a renderer that works in waves would never finish
    studio = Studio(wait_for={"slow": ("second edit",)})
    doc = document(
        [
            calls.search("x", "slow"),
            calls.search("y", "quick"),
            calls.edit(1, "blur", "first edit"),
            calls.edit(2, "blur", "second edit"),
        ]
    )
    rendered = await asyncio.wait_for(render(doc, studio), 5)
    assert [r.picture.sha256 for r in rendered.results] == ["slow", "quick", "first edit", "second edit"]
    assert [p.sha256 for p in studio.seen["second edit"]] == ["first edit"]
    assert studio.seen["slow"] == ()


async def test_all_independent_calls_run_at_once(calls):
    names = [f"call {i}" for i in range(8)]
    ring = {name: (names[(i + 1) % 8],) for i, name in enumerate(names)}

    class Started(Studio):
        async def call(self, call, pictures=()):
            self.event(call.description).set()
            return await super().call(call, pictures)

    doc = document([calls.search("x", name) for name in names])
    rendered = await asyncio.wait_for(render(doc, Started(wait_for=ring)), 5)
    assert len(rendered.delivered) == 8


async def test_a_failure_touches_its_segment_and_what_is_edited_from_it(calls):
    studio = Studio(fail=frozenset({"lost"}))
    doc = document(
        [
            calls.search("x", "lost"),
            calls.edit(0, "blur", "edit of lost"),
            calls.edit(1, "blur", "edit of that edit"),
            "<imgen>{not json}</imgen>",
            calls.edit(3, "blur", "edit of bad tag"),
            calls.search("y", "fine"),
            calls.edit(5, "blur", "edit of fine"),
        ]
    )
    rendered = await render(doc, studio)
    assert [r.reason for r in rendered.results] == [
        "no_result",
        "missing_picture",
        "missing_picture",
        "bad_call",
        "missing_picture",
        None,
        None,
    ]
    assert "not valid JSON" in rendered.results[3].message
    assert "picture 3" in rendered.results[4].message
    assert "edit of lost" not in studio.seen


async def test_edits_may_work_on_the_users_pictures(calls, make_picture):
    given_pictures = (make_picture("red"), make_picture("green"))
    studio = Studio()
    doc = document([calls.edit(1, "blur", "edit"), calls.edit(2, "blur", "edit of edit")], inputs=2)
    rendered = await render(doc, studio, given_pictures)
    assert studio.seen["edit"] == (given_pictures[1],)
    assert [p.sha256 for p in studio.seen["edit of edit"]] == ["edit"]
    assert rendered.inputs == given_pictures


async def test_text_is_parsed_and_text_without_tags_needs_no_tool(calls):
    rendered = await render("nothing to draw", Studio())
    assert rendered.results == ()
    rendered = await render(calls.search("x", "one").to_tag(), Studio())
    assert rendered.results[0].ok


async def test_the_number_of_inputs_must_fit(make_picture):
    with pytest.raises(ConfigurationError, match="parsed for 0 input pictures and 1 are given"):
        await render(parse("text"), Studio(), (make_picture(),))


async def test_cancellation_ends_every_call(calls):
    started = asyncio.Event()
    cancelled: list[str] = []

    async def endless(call, pictures):
        started.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(call.params.query)
            raise

    doc = document([calls.search("a"), calls.search("b"), calls.edit(0, "blur")])
    before = asyncio.all_tasks()
    task = asyncio.create_task(Toolkit({"search": endless}).render(doc))
    await started.wait()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sorted(cancelled) == ["a", "b"]
    assert asyncio.all_tasks() == before


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_every_edit_gets_exactly_the_picture_it_names(calls, data):
    # any graph of edits over searches, some of which fail
    size = data.draw(st.integers(1, 12))
    targets = [data.draw(st.none() | st.integers(0, i - 1)) if i else None for i in range(size)]
    fail = frozenset(str(i) for i in data.draw(st.sets(st.integers(0, size - 1))))
    tags = [
        (calls.search("x", str(i)) if target is None else calls.edit(target, "x", str(i))).to_tag()
        for i, target in enumerate(targets)
    ]
    studio = Studio(fail=fail)
    rendered = asyncio.run(render("".join(tags), studio))
    for i, (target, call) in enumerate(zip(targets, rendered.document.calls, strict=True)):
        if target is not None and not rendered.results[target].ok:
            assert rendered.results[i].reason == "missing_picture"
        else:
            assert rendered.results[i].ok == (str(i) not in fail)
        if isinstance(call, EditCall) and str(i) in studio.seen:
            assert [p.sha256 for p in studio.seen[str(i)]] == [str(target)]
