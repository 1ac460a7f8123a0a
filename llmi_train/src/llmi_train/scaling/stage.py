"""`Stage`: from candidates to candidates, and what one reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from llmi_train.scaling.candidate import Candidate, Candidates
from llmi_train.scaling.run import Run


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a stage hands on.

    Attributes:
        candidates: best first. A stage that is given some hands on at least one.
        before: its first candidate's score by the stage's own judge as it came in; None where nobody judged.
        after: the same for the candidate that is now the first. Never less than `before`.
        judge: who that is.
        notes: what happened, in sentences.
    """

    candidates: Candidates
    before: float | None = None
    after: float | None = None
    judge: str = ""
    notes: tuple[str, ...] = ()


class Stage(Protocol):
    """One step of test-time scaling. Stages hold settings only, and may serve many questions at once."""

    @property
    def name(self) -> str: ...

    async def __call__(self, candidates: Candidates, run: Run) -> Outcome:
        """Better candidates than it was given, or the same. Raises nothing because an allowance is used up."""
        ...


def unchanged(candidates: Candidates, *notes: str) -> Outcome:
    """Nothing was to be done."""
    return Outcome(candidates, notes=notes)


def judge_name(model: object) -> str:
    """What a report calls a model."""
    endpoint = getattr(model, "endpoint", None)
    name = getattr(endpoint, "model", None) or getattr(model, "name", None)
    return str(name or type(model).__name__)


def changed(old: Candidate, new: Candidate) -> bool:
    return old.digest != new.digest
