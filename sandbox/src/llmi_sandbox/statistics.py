"""What became of the calls, per tool: the numbers a training log and a report show."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from llmi_schema import FailureReason, ToolResult

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True, slots=True)
class ToolStatistics:
    """One tool's calls so far.

    Attributes:
        attempted: calls made.
        ran: calls that were not answered from the cache or from an equal call in flight.
        succeeded: calls answered with a picture, cached ones included.
        seconds: time the calls that ran took together, without waiting for their turn.
        reasons: how often each failure was the answer.
    """

    attempted: int = 0
    ran: int = 0
    succeeded: int = 0
    seconds: float = 0.0
    reasons: Mapping[FailureReason, int] = field(default_factory=dict)

    def after(self, result: ToolResult) -> ToolStatistics:
        """These numbers with one more result."""
        reasons = Counter(self.reasons)
        if result.reason is not None:
            reasons[result.reason] += 1
        return ToolStatistics(
            attempted=self.attempted + 1,
            ran=self.ran + (not result.cached),
            succeeded=self.succeeded + result.ok,
            seconds=self.seconds + (0.0 if result.cached else result.seconds),
            reasons=reasons,
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "attempted": self.attempted,
            "ran": self.ran,
            "succeeded": self.succeeded,
            "seconds": round(self.seconds, 3),
            "reasons": dict(self.reasons),
        }


class Statistics(Mapping[str, ToolStatistics]):
    """A toolkit's numbers at one moment, by tool name."""

    def __init__(self, tools: Mapping[str, ToolStatistics]) -> None:
        self._tools = dict(tools)

    def __getitem__(self, tool: str) -> ToolStatistics:
        return self._tools[tool]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tools)

    def __len__(self) -> int:
        return len(self._tools)

    def __repr__(self) -> str:
        return f"Statistics({self._tools!r})"

    def as_dict(self) -> dict[str, dict[str, Any]]:
        """Plain values, ready for JSON."""
        return {tool: numbers.as_dict() for tool, numbers in self._tools.items()}

    def as_table(self) -> Table:
        """A rich table for the terminal: one row per tool."""
        from rich.table import Table

        table = Table("tool", title="tool calls")
        for heading in ("attempted", "ran", "succeeded", "seconds"):
            table.add_column(heading, justify="right")
        table.add_column("failures")
        for tool, numbers in self._tools.items():
            failures = ", ".join(f"{reason} {n}" for reason, n in sorted(numbers.reasons.items()))
            table.add_row(
                tool,
                str(numbers.attempted),
                str(numbers.ran),
                str(numbers.succeeded),
                f"{numbers.seconds:.2f}",
                failures,
            )
        return table


class Recorder:
    """Counts results from several threads; `snapshot` gives the numbers."""

    def __init__(self, tools: Mapping[str, object]) -> None:
        self._tools = {tool: ToolStatistics() for tool in tools}
        self._lock = threading.Lock()

    def record(self, tool: str, result: ToolResult) -> None:
        with self._lock:
            self._tools[tool] = self._tools.get(tool, ToolStatistics()).after(result)

    def snapshot(self) -> Statistics:
        with self._lock:
            return Statistics(self._tools)
