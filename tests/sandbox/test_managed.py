"""Attempts, deadlines and rests of one tool."""

import asyncio
import time

import pytest

from llmi_sandbox import RetryPolicy, Toolkit
from llmi_sandbox.errors import ProviderError
from llmi_sandbox.managed import Managed
from llmi_sandbox.retries import Breaker
from llmi_schema import ConfigurationError, ToolResult

QUICK = RetryPolicy(first_delay=0.01, longest_delay=0.05)


class Flaky:
    """Raises these errors one after the other, then answers."""

    def __init__(self, picture, *errors: Exception):
        self.picture, self.errors, self.calls = picture, list(errors), 0

    async def __call__(self, call, pictures):
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return ToolResult(picture=self.picture)


def busy(**more):
    return ProviderError("busy", transient=True, **more)


async def test_what_will_pass_is_tried_again(calls, make_picture):
    tool = Flaky(make_picture(), busy(), busy())
    result = await Managed("search", tool, 5, QUICK)(calls.search("x"), ())
    assert result.ok
    assert (result.attempts, tool.calls) == (3, 3)


@pytest.mark.parametrize(
    ("error", "calls_made", "reason"),
    [
        (busy(), 3, "unavailable"),
        (ProviderError("no key"), 1, "unavailable"),
        (ProviderError("too late", reason="timeout", transient=True), 3, "timeout"),
        (ProviderError("not allowed", reason="refused"), 1, "refused"),
        (busy(retry_after=60), 1, "unavailable"),
        (ConnectionRefusedError("refused"), 1, "unavailable"),
        (ValueError("bug"), 1, "crashed"),
    ],
)
async def test_attempts_end(calls, make_picture, error, calls_made, reason):
    tool = Flaky(make_picture(), *[error] * 10)
    result = await Managed("search", tool, 5, QUICK)(calls.search("x"), ())
    assert (tool.calls, result.reason, result.attempts) == (calls_made, reason, calls_made)
    assert str(error) in result.message


async def test_a_server_is_given_the_time_it_asks_for(calls, make_picture):
    started = time.monotonic()
    tool = Flaky(make_picture(), busy(retry_after=0.2))
    assert (await Managed("search", tool, 5, RetryPolicy(longest_delay=1))(calls.search("x"), ())).ok
    assert 0.2 <= time.monotonic() - started < 1


async def test_no_attempt_begins_that_the_deadline_would_end(calls, make_picture):
    started = time.monotonic()
    tool = Flaky(make_picture(), *[busy(retry_after=0.5)] * 5)
    result = await Managed("search", tool, 0.3, RetryPolicy(longest_delay=1))(calls.search("x"), ())
    assert time.monotonic() - started < 0.2
    assert (result.reason, tool.calls) == ("unavailable", 1)


async def test_delays_are_spread():
    delays = [RetryPolicy(first_delay=1.0).delay(1, busy()) for _ in range(200)]
    assert min(delays) < 0.2
    assert max(delays) > 0.8
    assert all(RetryPolicy(attempts=20, longest_delay=2.0).delay(9, busy()) <= 2.0 for _ in range(50))


async def test_a_tool_that_is_down_is_left_alone_and_tried_again_later(calls, make_picture):
    tool = Flaky(make_picture(), *[ProviderError("down")] * 3)
    managed = Managed("search", tool, 5, RetryPolicy(failures=3, rest_seconds=0.2))
    for _ in range(3):
        assert (await managed(calls.search("x"), ())).message == "the search tool: down"
    resting = await asyncio.gather(*(managed(calls.search("x"), ()) for _ in range(5)))
    assert {result.reason for result in resting} == {"unavailable"}
    assert all("is down and tried again in" in result.message for result in resting)
    assert all("last: the search tool: down" in result.message for result in resting)
    assert tool.calls == 3
    await asyncio.sleep(0.25)
    assert (await managed(calls.search("x"), ())).ok
    assert (await managed(calls.search("x"), ())).ok


async def test_after_the_rest_one_call_tries_for_all():
    breaker = Breaker(RetryPolicy(failures=1, rest_seconds=0.05))
    assert breaker.enter() == 0
    breaker.leave(down=True)
    await asyncio.sleep(0.06)
    assert breaker.enter() == 0
    assert breaker.enter() > 0, "the others wait for the outcome"
    breaker.leave(down=None)  # it was cancelled: another may try
    assert breaker.enter() == 0
    breaker.leave(down=True)
    assert breaker.enter() > 0


async def test_a_call_that_takes_too_long_counts_but_not_one_that_answers_so(calls):
    async def endless(call, pictures):
        await asyncio.sleep(60)

    async def loops(call, pictures):
        return ToolResult.failed("timeout", "the snippet ran for ten seconds")

    retry = RetryPolicy(failures=2, rest_seconds=60)
    for tool, down in ((endless, True), (loops, False)):
        managed = Managed("code", tool, 0.05, retry)
        for _ in range(2):
            assert (await managed(calls.code("x"), ())).reason == "timeout"
        assert ("is down" in (await managed(calls.code("x"), ())).message) == down


@pytest.mark.parametrize(
    ("error", "runs"),
    [
        (ValueError("bug"), 2),
        (OSError("disk"), 2),
        (ProviderError("400", reason="crashed"), 2),
        (ProviderError("not allowed", reason="refused"), 1),
    ],
)
async def test_a_tool_that_broke_is_tried_again_by_the_next_call(calls, make_picture, error, runs):
    class Named(Flaky):
        identity = "named"

    tool = Named(make_picture(), error)
    toolkit = Toolkit({"search": tool})
    assert not (await toolkit.call(calls.search("x"))).ok
    assert (await toolkit.call(calls.search("x"))).ok == (runs == 2)
    assert tool.calls == runs


async def test_each_tool_has_its_own_limits(calls, make_picture):
    tools = {"search": Flaky(make_picture(), *[busy()] * 9), "code": Flaky(make_picture(), *[busy()] * 9)}
    toolkit = Toolkit(
        tools,
        deadline_seconds={"search": 1.0},
        concurrency={"code": 2},
        retry={"search": RetryPolicy(attempts=1), "code": QUICK},
    )
    await toolkit.call(calls.search("x"))
    await toolkit.call(calls.code("x"))
    assert (tools["search"].calls, tools["code"].calls) == (1, 3)


async def test_a_tools_calls_can_be_kept_out_of_the_cache(calls, make_picture):
    class Named(Flaky):
        identity = "named"

    tools = {"search": Named(make_picture()), "code": Named(make_picture())}
    toolkit = Toolkit(tools, uncached=["code"])
    for _ in range(2):
        await toolkit.call(calls.search("x"))
        await toolkit.call(calls.code("x"))
    assert (tools["search"].calls, tools["code"].calls) == (1, 2)


@pytest.mark.parametrize("wrong", [{"attempts": 0}, {"failures": 0}, {"first_delay": -1}, {"rest_seconds": -1}])
def test_policies_with_which_nothing_is_tried_are_errors(wrong):
    with pytest.raises(ConfigurationError):
        RetryPolicy(**wrong)
