"""Stage 2: candidates whose tools failed, or that miss what was asked for, are left behind."""

from __future__ import annotations

from dataclasses import dataclass

from llmi_train.scaling.candidate import Candidates, canonical
from llmi_train.scaling.fitness import fitness
from llmi_train.scaling.run import Run
from llmi_train.scaling.stage import Outcome


@dataclass(frozen=True, slots=True)
class Filter:
    """Keeps the fittest candidates: all that are within `slack` of the best `Fitness.value`.

    Each content is kept once. What is kept depends on the set of candidates, not on their order.

    Args:
        slack: with 0.25, a candidate that fails at one of the four is kept beside perfect ones, to be mended.
    """

    slack: float = 0.0
    name: str = "filter"

    async def __call__(self, candidates: Candidates, run: Run) -> Outcome:
        if not candidates:
            return Outcome(())
        wanted = run.question.constraint
        values = {candidate.digest: fitness(candidate, wanted).value for candidate in candidates}
        best = max(values.values())
        kept = [c for c in canonical(candidates) if values[c.digest] >= best - self.slack - 1e-9]
        kept.sort(key=lambda c: -values[c.digest])
        left = len(candidates) - len(kept)
        return Outcome(
            tuple(kept),
            before=values[candidates[0].digest],
            after=best,
            judge="constraint and tool success",
            notes=(f"{left} of {len(candidates)} candidates left behind",) if left else (),
        )
