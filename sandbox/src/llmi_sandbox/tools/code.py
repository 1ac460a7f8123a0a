"""`CodeTool`: Python snippets to figures, through the isolated `CodeSandbox`."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from llmi_sandbox.tools.base import wrong_call
from llmi_schema import CodeCall, FailureReason, Picture, ToolCall, ToolResult

if TYPE_CHECKING:
    from llmi_sandbox.code import CodeSandbox

_REASONS: dict[str, FailureReason] = {
    "no_figure": "no_result",
    "blank": "blank",
    "timeout": "timeout",
    "timeout_cpu": "timeout",
    "policy": "refused",
}
"""Outcomes of the sandbox that are not simply a crash of the snippet."""


class CodeTool:
    """Answers `code` calls. The sandbox's processes start with the first one.

    Args:
        sandbox: one to use; it is closed with the tool. Without it, one is made from the other two.
        workers: snippets at a time.
        unsafe: run even where the machine allows no isolation.
    """

    identity = "code/sandbox"

    def __init__(self, sandbox: CodeSandbox | None = None, *, workers: int = 2, unsafe: bool = False) -> None:
        self._sandbox = sandbox
        self._workers = workers
        self._unsafe = unsafe
        self._lock = threading.Lock()

    async def __call__(self, call: ToolCall, pictures: Sequence[Picture]) -> ToolResult:
        if not isinstance(call, CodeCall):
            return wrong_call("code", call)
        outcome = await self._ready().arun(call.params.code)
        if outcome.picture is not None:
            return ToolResult(picture=outcome.picture)
        return ToolResult.failed(reason_of(outcome.kind), outcome.message)

    def close(self) -> None:
        with self._lock:
            if self._sandbox is not None:
                self._sandbox.close()

    def _ready(self) -> CodeSandbox:
        with self._lock:
            if self._sandbox is None:
                from llmi_sandbox.code import CodeSandbox

                self._sandbox = CodeSandbox(workers=self._workers, unsafe=self._unsafe)
            return self._sandbox


def reason_of(kind: str) -> FailureReason:
    """The failure reason for an outcome of the sandbox: `sandbox_*` is our fault, the rest the snippet's."""
    if kind.startswith("sandbox_"):
        return "unavailable"
    return _REASONS.get(kind, "crashed")
