"""`Finding`: one thing that was looked at, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from llmi_schema import SystemRequirementError


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `remedy` says what to do when it is not `ok`; a `warning` does not stop a run."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""
    warning: bool = False

    @property
    def stops(self) -> bool:
        """Whether a run cannot be started like this."""
        return not self.ok and not self.warning


def require(findings: Iterable[Finding]) -> None:
    """Raise `SystemRequirementError` for the first finding that stops a run."""
    for finding in findings:
        if finding.stops:
            raise SystemRequirementError(f"{finding.name}: {finding.detail}. {finding.remedy}")
