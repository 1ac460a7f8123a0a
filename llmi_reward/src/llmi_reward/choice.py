"""One formula for some samples, another for the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llmi_reward.evaluation import Known
from llmi_reward.formula import Compound, Formula, merge_parts
from llmi_reward.notation import distinct, gather
from llmi_reward.sample import Sample
from llmi_reward.score import Outcome


class Choice(Compound):
    """A formula that depends on the sample; see `choose`."""

    __slots__ = ("condition", "otherwise", "then")

    def __init__(self, condition: Callable[[Sample], bool], then: Formula, otherwise: Formula) -> None:
        self.condition, self.then, self.otherwise = condition, then, otherwise
        self.parts = merge_parts([then.parts, otherwise.parts])
        self.labels, self.places = distinct([*then.labels, *otherwise.labels])
        self.needs_judge = then.needs_judge or otherwise.needs_judge

    def outcome(self, known: Known) -> Outcome:
        return (self.then if self.condition(known.sample) else self.otherwise).outcome(known)

    def shares(self, known: Known) -> Sequence[float]:
        chosen = self.condition(known.sample)
        then = self.then.shares(known) if chosen else [0.0] * len(self.then.labels)
        otherwise = [0.0] * len(self.otherwise.labels) if chosen else self.otherwise.shares(known)
        return gather([*then, *otherwise], self.places)

    def __repr__(self) -> str:
        condition = getattr(self.condition, "__name__", repr(self.condition))
        return f"({self.then} if {condition} else {self.otherwise})"


def choose(condition: Callable[[Sample], bool], then: Formula, otherwise: Formula) -> Formula:
    """`then` for samples that meet the condition, `otherwise` for the others; the other one asks no judge.

    Components and contributions of both are always there, so that every row has the same columns.
    """
    return Choice(condition, then, otherwise)


def free_of_pictures(sample: Sample) -> bool:
    """No picture had to be there, none was forbidden, and none was tried: there is nothing an MLLM could judge."""
    count = sample.constraint.count
    return count.minimum == 0 and count.maximum != 0 and not sample.tags
