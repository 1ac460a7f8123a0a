"""What a run did, as values that are written and read as JSON."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from llmi_train.scaling.cost import Cost

Stop = Literal["budget", "deadline"]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StageReport(_Value):
    """One stage.

    Attributes:
        given, handed_on: how many candidates went in and came out.
        before, after: the score, by the stage's own judge, of the candidate that would have been returned without the
            stage, and of the one after it. None where nobody judged.
        cost: of this stage.
        notes: what happened, in sentences.
    """

    name: str
    judge: str
    given: int
    handed_on: int
    before: float | None
    after: float | None
    cost: Cost
    notes: tuple[str, ...] = ()

    @property
    def gain(self) -> float | None:
        return None if self.before is None or self.after is None else self.after - self.before


class ScalingReport(_Value):
    """One question, through all stages.

    Attributes:
        policy: its identity.
        cost: of all stages.
        stopped: which limit ended something; the best up to then was returned.
        satisfied: the returned document satisfies the constraint. None where nothing was returned.
        seed: of the sample it began as.
        history: the stages that changed it since.
        digest: of its content.
        failures: what went wrong on the way, each once.
    """

    policy: str
    stages: tuple[StageReport, ...]
    cost: Cost
    stopped: Stop | None = None
    satisfied: bool | None = None
    seed: int | None = None
    history: tuple[str, ...] = ()
    digest: str | None = None
    failures: tuple[str, ...] = ()
