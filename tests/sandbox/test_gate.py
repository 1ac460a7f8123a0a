"""`Gate`: order, limits, cancellation, and loops that are left for good."""

import asyncio
import threading
import time

import pytest

from llmi_sandbox import gate as gate_module
from llmi_sandbox.cache import ResultCache
from llmi_sandbox.gate import Gate
from llmi_schema import ToolResult


@pytest.fixture(autouse=True)
def little_patience(monkeypatch):
    monkeypatch.setattr(gate_module, "PATIENCE", 0.05)
    monkeypatch.setattr("llmi_sandbox.cache.PATIENCE", 0.05)


async def enter(gate: Gate, then: asyncio.Event | None = None) -> None:
    async with gate.place():
        if then is not None:
            await then.wait()


async def test_a_place_in_the_queue_is_not_lost_to_cancellation():
    gate, order = Gate(1), []

    async def visit(name: str) -> None:
        async with gate.place():
            order.append(name)

    first = gate.place()
    await first.__aenter__()
    waiting = [asyncio.create_task(visit(name)) for name in ("first", "second", "third")]
    await asyncio.sleep(0)
    waiting[1].cancel()
    await first.__aexit__(None, None, None)  # the place goes to the first,
    waiting[0].cancel()  # which is cancelled before it can take it
    await asyncio.wait_for(waiting[2], 5)
    assert order == ["third"]
    await asyncio.wait_for(visit("later"), 5)


async def test_first_come_first_served():
    gate, order = Gate(2), []

    async def visit(number: int) -> None:
        async with gate.place():
            order.append(number)
            await asyncio.sleep(0.001)

    await asyncio.gather(*(visit(number) for number in range(50)))
    assert order == list(range(50))


def abandoned_loop(gate: Gate, *, waiting: bool) -> tuple[asyncio.AbstractEventLoop, asyncio.Task[None]]:
    """A loop that stopped for good while a task in it held a place, or had just been handed one."""
    loop = asyncio.new_event_loop()
    task = loop.create_task(enter(gate, asyncio.Event()))
    loop.run_until_complete(asyncio.sleep(0.01))
    if waiting:
        second = loop.create_task(enter(gate, asyncio.Event()))
        loop.run_until_complete(asyncio.sleep(0.01))
        task.cancel()  # will hand its place to the second, in a loop that never runs again
        loop.call_soon(loop.stop)
        loop.run_forever()
        return loop, second
    return loop, task


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_place_held_in_a_closed_loop_is_free_again():
    gate = Gate(1)
    loop, task = abandoned_loop(gate, waiting=False)
    loop.close()
    asyncio.run(asyncio.wait_for(enter(gate), 5))
    assert not task.done(), "it is still referred to, so that its place was not freed by being thrown away"
    task._log_destroy_pending = False


def test_a_place_handed_to_a_loop_that_stopped_goes_to_the_next():
    gate = Gate(1)
    loop, task = abandoned_loop(gate, waiting=True)
    asyncio.run(asyncio.wait_for(enter(gate), 5))
    task.cancel()
    loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
    loop.close()
    asyncio.run(asyncio.wait_for(enter(gate), 5))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_turn_that_waits_in_a_closed_loop_is_passed_over():
    gate, gone = Gate(1), asyncio.new_event_loop()

    def wait_and_close() -> asyncio.Task[None]:
        task = gone.create_task(enter(gate))
        gone.run_until_complete(asyncio.sleep(0.01))
        gone.close()
        return task

    async def hold() -> asyncio.Task[None]:
        async with gate.place():
            return await asyncio.to_thread(wait_and_close)

    task = asyncio.run(hold())
    asyncio.run(asyncio.wait_for(enter(gate), 5))
    assert not task.done()
    task._log_destroy_pending = False


def test_one_who_waits_notices_a_loop_that_is_closed_later():
    gate = Gate(1)
    loop, task = abandoned_loop(gate, waiting=False)
    threading.Timer(0.1, loop.close).start()
    started = time.monotonic()
    asyncio.run(asyncio.wait_for(enter(gate), 5))
    assert time.monotonic() - started >= 0.1
    task._log_destroy_pending = False


def test_a_loop_that_runs_again_gets_its_turn():
    gate = Gate(1)
    loop, task = abandoned_loop(gate, waiting=True)
    asyncio.run(asyncio.wait_for(enter(gate), 5))  # took the place back

    async def release() -> None:
        await asyncio.sleep(0.1)  # by now the task has taken its place again
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(enter(gate), 0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    loop.run_until_complete(release())
    loop.close()
    asyncio.run(asyncio.wait_for(enter(gate), 5))


def test_an_answer_that_a_closed_loop_owed_is_made_again():
    cache = ResultCache()
    loop = asyncio.new_event_loop()

    async def never() -> ToolResult:
        await asyncio.sleep(60)
        raise AssertionError

    async def soon() -> ToolResult:
        return ToolResult.failed("no_result", "nothing")

    task = loop.create_task(cache.get_or_run("key", never))
    loop.run_until_complete(asyncio.sleep(0.01))
    loop.close()
    result = asyncio.run(asyncio.wait_for(cache.get_or_run("key", soon), 5))
    assert result.reason == "no_result"
    task._log_destroy_pending = False
