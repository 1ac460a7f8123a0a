"""The mean of several rewards, and what becomes of it when some of them are missing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add

from llmi_reward.evaluation import PENDING, Known
from llmi_reward.formula import Compound, Formula, merge_parts
from llmi_reward.notation import distinct, gather
from llmi_reward.plan import Writer
from llmi_reward.score import Outcome, Unscored
from llmi_schema import ConfigurationError


class Mean(Compound):
    """The mean of several rewards, usually judges; see `mean`."""

    __slots__ = ("enough", "terms")

    def __init__(self, terms: tuple[Formula, ...], enough: int) -> None:
        if not 1 <= enough <= len(terms):
            raise ConfigurationError(f"a mean of {len(terms)} rewards cannot ask for {enough} of them")
        self.terms, self.enough = terms, enough
        self.parts = merge_parts(term.parts for term in terms)
        self.labels, self.places = distinct([label for term in terms for label in term.labels])
        self.needs_judge = any(term.needs_judge for term in terms)

    def outcome(self, known: Known) -> Outcome:
        outcomes = [term.outcome(known) for term in self.terms]  # all of them, so that their judges start together
        if any(value is PENDING for value in outcomes):
            return PENDING
        values = [value for value in outcomes if not isinstance(value, Unscored)]
        if len(values) < self.enough:
            return next(value for value in outcomes if isinstance(value, Unscored))
        return reduce(add, values) / len(values)

    def shares(self, known: Known) -> Sequence[float]:
        scored = [not isinstance(term.outcome(known), Unscored) for term in self.terms]
        shares: list[float] = []
        for term, counts in zip(self.terms, scored, strict=True):
            shares += [share / sum(scored) for share in term.shares(known)] if counts else [0.0] * len(term.labels)
        return gather(shares, self.places)

    def write(self, plan: Writer) -> tuple[str, list[str]]:
        written = [term.write(plan) for term in self.terms]
        total = " + ".join(value for value, _ in written)
        shares = [plan.let(f"{share} / {len(written)}") for _, shares in written for share in shares]
        return plan.let(f"({total}) / {len(written)}"), plan.added(shares, self.places)

    def __repr__(self) -> str:
        enough = "" if self.enough == len(self.terms) else f", enough={self.enough}"
        return f"mean({', '.join(map(str, self.terms))}{enough})"


def mean(*rewards: Formula, enough: int | None = None) -> Formula:
    """The mean of several rewards, e.g. of judges that see the same sample differently.

    Args:
        enough: how many must have a value; the mean is then over those that have one. All of them unless set, so
            that a judge that is down leaves the sample unscored.

    Raises `ConfigurationError` for no rewards, or an `enough` they cannot meet.
    """
    return Mean(rewards, len(rewards) if enough is None else enough)
