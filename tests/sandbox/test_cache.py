"""`ResultCache`: what counts as equal, what is kept, and one run for equal calls at the same time."""

import asyncio
import threading

import pytest

from llmi_sandbox.cache import ResultCache, _write_file, cache_key
from llmi_schema import ToolResult


class Counted:
    """A run that counts how often it is started, optionally waiting for a signal."""

    def __init__(self, result: ToolResult, wait: bool = False) -> None:
        self.result = result
        self.runs = 0
        self.go = threading.Event()
        if not wait:
            self.go.set()

    async def __call__(self) -> ToolResult:
        self.runs += 1
        while not self.go.is_set():  # noqa: ASYNC110 - set from other threads, where asyncio.Event does not work
            await asyncio.sleep(0.005)
        return self.result


@pytest.fixture
def good(make_picture) -> ToolResult:
    return ToolResult(picture=make_picture())


def test_the_key_covers_what_the_answer_depends_on(calls, make_picture):
    red, green = make_picture("red"), make_picture("green")
    key = cache_key("tool", calls.edit(0, "blur", "one description"), [red])
    assert key == cache_key("tool", calls.edit(0, "blur", "another"), [red])
    assert key != cache_key("other tool", calls.edit(0, "blur"), [red])
    assert key != cache_key("tool", calls.edit(0, "sharpen"), [red])
    assert key != cache_key("tool", calls.edit(0, "blur"), [green])
    assert cache_key("tool", calls.search("a"), []) != cache_key("tool", calls.diffusion("a"), [])


async def test_an_equal_call_is_answered_from_memory(good):
    cache, run = ResultCache(), Counted(good)
    first, second = await cache.get_or_run("k", run), await cache.get_or_run("k", run)
    assert run.runs == 1
    assert (first.cached, second.cached) == (False, True)
    assert second.picture == good.picture


@pytest.mark.parametrize(
    ("reason", "kept"),
    [
        ("bad_call", True),
        ("crashed", True),
        ("no_result", True),
        ("blank", True),
        ("refused", True),
        ("timeout", False),
        ("unavailable", False),
    ],
)
async def test_only_lasting_failures_are_kept(reason, kept):
    cache, run = ResultCache(), Counted(ToolResult.failed(reason, "why"))
    await cache.get_or_run("k", run)
    again = await cache.get_or_run("k", run)
    assert run.runs == (1 if kept else 2)
    assert again.cached == kept


async def test_memory_is_bounded_and_forgets_the_least_recently_used(make_picture):
    results = {name: ToolResult(picture=make_picture(name)) for name in ("red", "green", "blue")}
    room = sum(len(r.picture.png) + 600 for r in list(results.values())[:2])
    cache = ResultCache(memory_bytes=room)
    runs = {name: Counted(result) for name, result in results.items()}
    for name in ("red", "green", "red", "blue"):  # green is now the oldest
        await cache.get_or_run(name, runs[name])
    assert len(cache) == 2
    assert cache.held_bytes <= room
    await cache.get_or_run("red", runs["red"])
    await cache.get_or_run("green", runs["green"])
    assert {name: run.runs for name, run in runs.items()} == {"red": 1, "green": 2, "blue": 1}


async def test_equal_calls_in_flight_run_once_even_when_nothing_is_kept(good):
    cache, run = ResultCache(memory_bytes=0), Counted(good, wait=True)
    tasks = [asyncio.create_task(cache.get_or_run("k", run)) for _ in range(20)]
    await asyncio.sleep(0.02)
    run.go.set()
    results = await asyncio.gather(*tasks)
    assert run.runs == 1
    assert sum(not r.cached for r in results) == 1
    assert len(cache) == 0


async def test_when_the_one_who_runs_is_cancelled_another_takes_over(good):
    cache, run = ResultCache(), Counted(good, wait=True)
    tasks = [asyncio.create_task(cache.get_or_run("k", run)) for _ in range(3)]
    await asyncio.sleep(0.02)
    tasks[0].cancel()
    await asyncio.sleep(0.02)
    run.go.set()
    with pytest.raises(asyncio.CancelledError):
        await tasks[0]
    assert all(result.ok for result in await asyncio.gather(*tasks[1:]))
    assert run.runs == 2


async def test_a_run_that_raises_leaves_nothing_behind(good):
    cache = ResultCache()

    async def broken() -> ToolResult:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        await cache.get_or_run("k", broken)
    assert (await cache.get_or_run("k", Counted(good))).ok


def test_equal_calls_in_several_event_loops_run_once(good):
    cache, run = ResultCache(), Counted(good, wait=True)
    results: list[ToolResult] = []
    threads = [
        threading.Thread(target=lambda: results.append(asyncio.run(cache.get_or_run("k", run)))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    threading.Timer(0.1, run.go.set).start()
    for thread in threads:
        thread.join(5)
    assert len(results) == 6
    assert run.runs == 1


async def test_a_folder_serves_another_process(tmp_path, good):
    first, second = Counted(good), Counted(good)
    await ResultCache(folder=tmp_path).get_or_run("abc", first)
    later = await ResultCache(folder=tmp_path).get_or_run("abc", second)
    assert (first.runs, second.runs) == (1, 0)
    assert later.cached
    assert later.picture == good.picture
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["abc.json"]


async def test_a_passing_failure_is_not_written(tmp_path):
    await ResultCache(folder=tmp_path).get_or_run("abc", Counted(ToolResult.failed("timeout", "slow")))
    assert not list(tmp_path.rglob("*.json"))


async def test_a_damaged_file_is_made_again(tmp_path, good):
    await ResultCache(folder=tmp_path).get_or_run("abc", Counted(good))
    (tmp_path / "ab" / "abc.json").write_bytes(b'{"picture": ')
    run = Counted(good)
    assert (await ResultCache(folder=tmp_path).get_or_run("abc", run)).ok
    assert run.runs == 1
    unread = Counted(good)
    assert (await ResultCache(folder=tmp_path).get_or_run("abc", unread)).cached
    assert unread.runs == 0


def test_a_file_that_cannot_be_put_in_its_place_leaves_nothing_behind(tmp_path, good):
    (tmp_path / "taken" / "by a folder").mkdir(parents=True)
    _write_file(tmp_path / "taken", good)
    assert list(tmp_path.iterdir()) == [tmp_path / "taken"]


async def test_a_folder_that_cannot_be_written_costs_no_call(tmp_path, good):
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a folder")
    assert (await ResultCache(folder=in_the_way).get_or_run("abc", Counted(good))).ok
