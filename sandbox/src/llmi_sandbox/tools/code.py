"""`CodeTool`: Python snippets to figures, through the isolated `CodeSandbox`."""

from __future__ import annotations

from collections.abc import Sequence

from llmi_sandbox.code import CodeSandbox, Kind
from llmi_sandbox.tools.base import wrong_call
from llmi_schema import CodeCall, FailureReason, Picture, ToolCall, ToolResult

_REASONS: dict[Kind, FailureReason] = {
    "no_figure": "no_result",
    "blank": "blank",
    "timeout": "timeout",
    "timeout_cpu": "timeout",
    "policy": "refused",
    "killed": "unavailable",  # by the kernel, for want of memory: a snippet cannot kill itself this way
    "sandbox_error": "unavailable",
    "sandbox_lost": "unavailable",
}


class CodeTool:
    """Answers `code` calls. The sandbox's processes start with the first one.

    Args:
        sandbox: where snippets run; it is closed with the tool.
    """

    def __init__(self, sandbox: CodeSandbox) -> None:
        self._sandbox = sandbox
        self.identity = f"code/sandbox/{sandbox.identity}"

    async def __call__(self, call: ToolCall, pictures: Sequence[Picture]) -> ToolResult:
        if not isinstance(call, CodeCall):
            return wrong_call("code", call)
        outcome = await self._sandbox.arun(call.params.code)
        if outcome.picture is not None:
            return ToolResult(picture=outcome.picture)
        return ToolResult.failed(reason_of(outcome.kind), outcome.message, detail=outcome.stderr)

    def close(self) -> None:
        self._sandbox.close()


def reason_of(kind: Kind) -> FailureReason:
    """The failure reason of an outcome. What is not listed is the snippet's own crash."""
    return _REASONS.get(kind, "crashed")
