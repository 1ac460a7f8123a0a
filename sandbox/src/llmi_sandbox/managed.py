"""`Managed`: one tool with a deadline, attempts and a breaker. It never raises for what the tool does."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from llmi_sandbox.errors import ProviderError
from llmi_sandbox.retries import Breaker, RetryPolicy
from llmi_sandbox.tools.base import Tool
from llmi_schema import FailureReason, LLMIError, Picture, ToolCall, ToolResult

log = logging.getLogger(__name__)

DOWN = frozenset({"unavailable"})
"""Reasons that count against a tool. A timeout the tool answers itself may be the call's fault."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a call.

    Attributes:
        broke: the tool did not answer; an equal call may fare better, so that this is not to be remembered.
        again: the seconds after which another attempt makes sense, or None.
    """

    result: ToolResult
    broke: bool = False
    again: float | None = None


class Managed:
    """Calls a tool within its limits.

    What it raises becomes a result: `unavailable` for this project's own errors and for operating system errors (a
    missing requirement, a refused connection), `timeout` for `TimeoutError`, a `ProviderError`'s own reason,
    `crashed` for the rest. Cancelling the caller cancels the tool.

    Args:
        name: what the messages call it.
        deadline_seconds: for all attempts of a call together.
    """

    def __init__(self, name: str, tool: Tool, deadline_seconds: float, retry: RetryPolicy) -> None:
        self.name = name
        self.tool = tool
        self.deadline_seconds = deadline_seconds
        self._retry = retry
        self._breaker = Breaker(retry)
        self._last = ""

    def around(self, tool: Tool) -> Managed:
        """Another tool in the same limits."""
        return Managed(self.name, tool, self.deadline_seconds, self._retry)

    async def __call__(self, call: ToolCall, pictures: Sequence[Picture]) -> ToolResult:
        return (await self.answer(call, pictures)).result

    async def answer(self, call: ToolCall, pictures: Sequence[Picture]) -> Answer:
        """The result, and whether the tool said so itself."""
        if rest := self._breaker.enter():
            message = f"the {self.name} tool is down and tried again in {rest:.0f} seconds; last: {self._last}"
            return Answer(ToolResult.failed("unavailable", message), broke=True)
        down: bool | None = None
        try:
            answer = await self._attempts(call, pictures)
            late = answer.result.reason == "timeout" and answer.result.seconds >= self.deadline_seconds
            down = late or answer.result.reason in DOWN
            if down:
                self._last = answer.result.message
            return answer
        finally:
            self._breaker.leave(down)

    async def _attempts(self, call: ToolCall, pictures: Sequence[Picture]) -> Answer:
        started = time.monotonic()
        attempt = 1
        before = ""
        try:
            async with asyncio.timeout(self.deadline_seconds) as deadline:
                while True:
                    answer = await self._once(call, pictures, attempt)
                    if answer.again is None or time.monotonic() - started + answer.again >= self.deadline_seconds:
                        break
                    before = f"; before that: {answer.result.message}"
                    await asyncio.sleep(answer.again)
                    attempt += 1
        except TimeoutError:
            if not deadline.expired():
                raise
            message = f"no answer within {self.deadline_seconds:g} seconds{before}"
            answer = Answer(ToolResult.failed("timeout", message), broke=True)
        took = {"seconds": time.monotonic() - started, "attempts": max(answer.result.attempts, attempt)}
        return replace(answer, result=answer.result.model_copy(update=took))

    async def _once(self, call: ToolCall, pictures: Sequence[Picture], attempt: int) -> Answer:
        name = self.name
        try:
            result = await self.tool(call, pictures)
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) is None or task.cancelling():
                raise
            # nobody cancelled this call: something inside the tool was, and must not pass for the caller's wish
            return _broke("crashed", f"the {name} tool was cancelled from inside")
        except ProviderError as error:
            again = self._retry.delay(attempt, error)
            result = ToolResult.failed(error.reason, f"the {name} tool: {error}")
            return Answer(result, broke=error.reason != "refused", again=again)
        except TimeoutError as error:
            return _broke("timeout", f"the {name} tool timed out: {error or 'no detail'}")
        except (LLMIError, OSError) as error:
            return _broke("unavailable", f"the {name} tool is unavailable: {error}")
        except Exception as error:  # a tool is anybody's code: its faults stay in its own segment
            log.exception("the %s tool raised", name)
            return _broke("crashed", f"the {name} tool raised {type(error).__name__}: {error}")
        if not isinstance(result, ToolResult):
            return _broke("crashed", f"the {name} tool answered {type(result).__name__}, not a ToolResult")
        return Answer(result)


def _broke(reason: FailureReason, message: str) -> Answer:
    return Answer(ToolResult.failed(reason, message), broke=True)
