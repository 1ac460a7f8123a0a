"""`Toolkit`: limits, faults of tools, several event loops, numbers, and the offline tools together."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

from llmi_sandbox import ResultCache, Toolkit
from llmi_schema import ConfigurationError, Picture, ToolResult


class Busy:
    """A tool that notes how many calls it has at once, over all threads."""

    def __init__(self, picture: Picture, seconds: float = 0.02) -> None:
        self.picture = picture
        self.seconds = seconds
        self.inside = self.most = self.calls = 0
        self._lock = threading.Lock()

    async def __call__(self, call, pictures) -> ToolResult:
        with self._lock:
            self.calls += 1
            self.inside += 1
            self.most = max(self.most, self.inside)
        try:
            await asyncio.sleep(self.seconds)
        finally:
            with self._lock:
                self.inside -= 1
        return ToolResult(picture=self.picture)


class Named(Busy):
    """The same with an identity, so that equal calls are run once."""

    identity = "busy/1"


def raising(error: Exception) -> Callable:
    async def tool(call, pictures):
        raise error

    return tool


async def test_a_call_past_its_deadline_times_out_and_its_tool_is_cancelled(calls):
    ended = asyncio.Event()

    async def slow(call, pictures):
        try:
            await asyncio.sleep(30)
        finally:
            ended.set()

    result = await Toolkit({"search": slow}, deadline_seconds=0.05).call(calls.search("x"))
    assert result.reason == "timeout"
    assert "0.05 seconds" in result.message
    assert result.seconds >= 0.05
    assert ended.is_set()


async def test_waiting_for_a_turn_does_not_count_as_running(calls, make_picture):
    tool = Busy(make_picture(), seconds=0.06)
    toolkit = Toolkit({"search": tool}, deadline_seconds=0.5, concurrency=1)
    results = await asyncio.gather(*(toolkit.call(calls.search(str(i))) for i in range(12)))  # 0.72 s in all
    assert all(r.ok for r in results)
    assert all(r.seconds < 0.5 for r in results)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ConfigurationError("set SERP_API_KEY"), "unavailable"),
        (ConnectionRefusedError("connection refused"), "unavailable"),
        (TimeoutError("read timed out"), "timeout"),
        (ZeroDivisionError("division by zero"), "crashed"),
    ],
)
async def test_what_a_tool_raises_becomes_a_reason(calls, error, reason):
    toolkit = Toolkit({"search": raising(error)})
    result = await toolkit.call(calls.search("x"))
    assert result.reason == reason
    assert str(error) in result.message
    # a tool's own breakdown is not the call's fault for ever: it runs again
    assert not (await toolkit.call(calls.search("x"))).cached


async def test_a_tool_that_is_not_there(calls):
    result = await Toolkit({"search": raising(ValueError())}).call(calls.diffusion("x"))
    assert result.reason == "unavailable"
    assert "no diffusion tool is configured; configured: search" in result.message


@pytest.mark.parametrize(("limit", "most"), [(1, 1), (3, 3), ({"search": 2}, 2)])
async def test_at_most_so_many_calls_run_at_once(calls, make_picture, limit, most):
    tool = Busy(make_picture())
    toolkit = Toolkit({"search": tool}, concurrency=limit)
    await asyncio.gather(*(toolkit.call(calls.search(str(i))) for i in range(10)))
    assert (tool.most, tool.calls) == (most, 10)


def test_the_limit_holds_over_threads_with_loops_of_their_own(calls, make_picture):
    tool = Busy(make_picture())
    toolkit = Toolkit({"search": tool}, concurrency=3)

    async def some(thread: int) -> list[ToolResult]:
        return await asyncio.gather(*(toolkit.call(calls.search(f"{thread} {i}")) for i in range(8)))

    results: list[ToolResult] = []
    threads = [threading.Thread(target=lambda n=n: results.extend(asyncio.run(some(n)))) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(results) == 32
    assert all(r.ok for r in results)
    assert tool.most == 3


def test_one_toolkit_serves_one_event_loop_after_another(calls, make_picture):
    tool = Busy(make_picture(), seconds=0.001)
    toolkit = Toolkit({"search": tool}, concurrency=1)

    async def some() -> list[ToolResult]:
        return await asyncio.gather(*(toolkit.call(calls.search(str(i))) for i in range(4)))

    for _ in range(3):
        assert all(r.ok for r in asyncio.run(some()))
    assert tool.calls == 12


async def test_equal_calls_of_an_identified_tool_run_once(calls, make_picture):
    named, nameless = Named(make_picture()), Busy(make_picture())
    toolkit = Toolkit({"search": named, "diffusion": nameless})
    for _ in range(2):
        await asyncio.gather(*(toolkit.call(calls.search("x", f"description {i}")) for i in range(5)))
        await asyncio.gather(*(toolkit.call(calls.diffusion("x")) for _ in range(5)))
    assert (named.calls, nameless.calls) == (1, 10)


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        ({"concurrency": 0}, "concurrency of search is 0"),
        ({"concurrency": {"serach": 4}}, "not there: serach"),
        ({"deadline_seconds": 0}, "some time to run"),
        ({"deadline_seconds": float("nan")}, "some time to run"),
    ],
)
def test_limits_that_let_nothing_run_are_errors(limits, says):
    with pytest.raises(ConfigurationError, match=says):
        Toolkit({"search": raising(ValueError())}, **limits)


async def test_two_toolkits_may_share_a_cache(calls, make_picture):
    tool, cache = Named(make_picture()), ResultCache()
    await Toolkit({"search": tool}, cache=cache).call(calls.search("x"))
    assert (await Toolkit({"search": tool}, cache=cache).call(calls.search("x"))).cached
    assert tool.calls == 1


async def test_statistics_count_what_happened(calls, make_picture):
    toolkit = Toolkit({"search": Named(make_picture(), seconds=0.01), "code": raising(ValueError("bad"))})
    for _ in range(3):
        await toolkit.call(calls.search("x"))
        await toolkit.call(calls.code("x"))
    before = toolkit.statistics
    search, code = before["search"], before["code"]
    assert (search.attempted, search.ran, search.succeeded, dict(search.reasons)) == (3, 1, 3, {})
    assert 0.01 <= search.seconds < 1
    assert (code.attempted, code.ran, code.succeeded, dict(code.reasons)) == (3, 3, 0, {"crashed": 3})
    await toolkit.call(calls.code("y"))
    assert before["code"].attempted == 3, "a snapshot stays as it was"
    assert before.as_dict()["code"]["reasons"] == {"crashed": 3}
    assert before.as_table().row_count == 2


@pytest.mark.parametrize("style", ["sync", "async"])
async def test_closing_reaches_the_tools(calls, style):
    class Open:
        closed = 0

        async def __call__(self, call, pictures):
            return ToolResult.failed("no_result", "nothing")

        def close(self):
            self.closed += 1

    tool = Open()
    toolkit = Toolkit({"search": tool})
    if style == "sync":
        with toolkit:
            pass
    else:
        async with toolkit:
            pass
    assert tool.closed == 1
    late = await toolkit.call(calls.search("x"))
    assert (late.reason, late.message) == ("unavailable", "the toolkit is closed")


def test_offline_starts_nothing_and_loads_nothing_heavy():
    code = """
import sys, threading
from llmi_sandbox import Toolkit
threads = threading.active_count()
toolkit = Toolkit.offline()
assert threading.active_count() == threads
toolkit.close()
heavy = {"matplotlib", "pandas", "numpy", "seaborn", "torch", "jinja2", "transformers", "openai"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


async def test_the_offline_tools_render_a_document(calls):
    text = "\n\n".join(
        call.to_tag()
        for call in (
            calls.search("red fox"),
            calls.edit(0, "make it black and white"),
            calls.diffusion("a lighthouse in a storm"),
            calls.code("plt.bar(['a', 'b'], [1, 2])"),
            calls.edit(3, "add a thick red frame"),
            calls.edit(2, "remove the lighthouse"),
            calls.search("quantum chromodynamics"),
            calls.code("plt.bar(["),
        )
    )
    async with Toolkit.offline(size=(200, 150)) as toolkit:
        rendered = await toolkit.render(text)
        again = await toolkit.render(text)
    reasons = [r.reason for r in rendered.results]
    assert reasons == [None, None, None, None, None, "refused", "no_result", "crashed"], [
        r.message for r in rendered.results
    ]
    assert len(rendered.delivered) == 5
    assert (rendered.results[2].picture.width, rendered.results[2].picture.height) == (200, 150)
    assert all(r.cached for r in again.results)
    assert [p.sha256 for p in again.delivered] == [p.sha256 for p in rendered.delivered]
    assert toolkit.statistics["code"].ran == 2


async def test_offline_search_takes_a_folder_or_a_tool(tmp_path, calls, make_picture):
    (tmp_path / "one.png").write_bytes(make_picture("red").png)
    (tmp_path / "one.txt").write_text("a red square")
    with Toolkit.offline(search=tmp_path) as toolkit:
        assert (await toolkit.call(calls.search("red square"))).ok
    tool = Busy(make_picture())
    with Toolkit.offline(search=tool) as toolkit:
        await toolkit.call(calls.search("x"))
    assert tool.calls == 1
    with pytest.raises(ConfigurationError, match="no folder"):
        Toolkit.offline(search=tmp_path / "nowhere")


async def test_a_tool_that_answers_nothing_has_crashed(calls):
    async def forgetful(call, pictures):
        return None

    result = await Toolkit({"search": forgetful}).call(calls.search("x"))
    assert (result.reason, result.message) == ("crashed", "the search tool answered NoneType, not a ToolResult")


async def test_a_tool_cancelled_from_inside_costs_no_neighbour(calls, make_picture):
    async def undone(call, pictures):
        task = asyncio.ensure_future(asyncio.sleep(1))
        task.cancel()
        await task

    toolkit = Toolkit({"search": undone, "code": Busy(make_picture())})
    rendered = await toolkit.render(calls.search("x").to_tag() + calls.code("y").to_tag())
    assert [result.reason for result in rendered.results] == ["crashed", None]
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(Toolkit({"code": Busy(make_picture(), 5)}).call(calls.code("y")), 0.02)


def test_closing_closes_every_tool_even_when_one_cannot():
    closed = []

    class Stubborn:
        def __init__(self, name):
            self.name = name

        async def __call__(self, call, pictures): ...

        def close(self):
            closed.append(self.name)
            raise OSError(f"{self.name} cannot close")

    toolkit = Toolkit({"search": Stubborn("search"), "code": Stubborn("code")})
    with pytest.raises(OSError, match="cannot close"):
        toolkit.close()
    assert sorted(closed) == ["code", "search"]
