"""How a formula becomes a score.

The root is asked for its `outcome` over what is `Known` so far. A rule is measured the first time it is asked for. A
judge that has not answered puts itself on the list of wanted ones, and the outcome is `PENDING`. Hence a factor of 0
costs nothing behind it, the judges of a sum run together, and a part that occurs twice is computed once.
"""

from __future__ import annotations

import asyncio
from math import isfinite
from typing import TYPE_CHECKING, Any

from llmi_reward.sample import Sample
from llmi_reward.score import Outcome, Score, Unscored

if TYPE_CHECKING:
    from llmi_reward.formula import Formula
    from llmi_reward.leaves import Judge

PENDING = Unscored("a judge has not answered yet")


class Known:
    """What is known about one sample: outcomes of leaves and of named groups, judges wanted, what judges said."""

    __slots__ = ("details", "groups", "sample", "values", "wanted")

    def __init__(self, sample: Sample) -> None:
        self.sample = sample
        self.values: dict[str, Outcome] = {}
        self.groups: dict[str, Outcome] = {}
        self.wanted: dict[str, Judge] = {}
        self.details: dict[str, Any] = {}

    def learn(self, name: str, value: Outcome | None) -> Outcome:
        """Note a leaf's outcome. A value that is no finite number is unscored from here on."""
        outcome: Outcome
        if isinstance(value, Unscored):
            outcome = value
        elif value is None or not isfinite(value):
            outcome = Unscored(f"{value} is no score")
        else:
            outcome = float(value)
        self.values[name] = outcome
        return outcome


async def ask_judges(formula: Formula, known: Known) -> None:
    """Ask the judges that can still matter until the outcome is known. Leaves none running, also when cancelled."""
    running: dict[asyncio.Task[Score], str] = {}
    try:
        while formula.outcome(known) is PENDING:
            for name in known.wanted.keys() - running.values():
                running[asyncio.ensure_future(known.wanted[name].judge(known.sample))] = name
            known.wanted.clear()
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                name, score = running.pop(task), task.result()
                known.learn(name, Unscored(str(score.reason)) if score.value is None else score.value)
                if score.details:
                    known.details[name] = score.details
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def summarise(formula: Formula, known: Known) -> Score:
    """The score, once the outcome is known."""
    outcome = formula.outcome(known)
    components: dict[str, float | None] = {}
    for name in formula.parts:
        value = known.values.get(name, known.groups.get(name))
        components[name] = value if isinstance(value, float) else None
    if isinstance(outcome, Unscored):
        return Score(None, _reason(known.values), components, {}, known.details)
    contributions = dict(zip(formula.labels, formula.shares(known), strict=True))
    return Score(outcome, None, components, contributions, known.details)


def _reason(values: dict[str, Outcome]) -> str:
    """`count, tool: <reason>`; parts that failed for the same reason are named together."""
    names: dict[str, list[str]] = {}
    for name, value in values.items():
        if isinstance(value, Unscored):
            names.setdefault(value.reason, []).append(name)
    return "; ".join(f"{', '.join(parts)}: {reason}" for reason, parts in names.items())
