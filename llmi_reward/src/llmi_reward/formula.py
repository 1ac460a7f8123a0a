"""The algebra of rewards: `0.2 * count + 0.3 * count * mllm + 0.5 * llm` is an object that scores samples.

A formula is a tree. Its leaves are rules and judges (`leaves.py`); its inner nodes, here, are sums, products, clips,
thresholds, names and means. `evaluation.py` tells how a tree becomes a `Score`, `plan.py` how to get there quickly.

Laws (tested): the value is what Python's own arithmetic gives for the same expression over the parts' values, to
the last bit; a product with a factor 0 is 0, whatever else is unscored; a mean that is told how many are enough
does without the rest; anything else with an unscored part is unscored.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from functools import reduce
from itertools import product
from math import isfinite
from typing import Any, Protocol

from llmi_reward.evaluation import PENDING, Known, ask_judges, summarise
from llmi_reward.notation import digits, distinct, gather, join
from llmi_reward.plan import Plan, Writer, compile_plan
from llmi_reward.sample import Sample
from llmi_reward.score import Outcome, Score, Unscored
from llmi_schema import ConfigurationError


class Reward(Protocol):
    """Anything that scores a sample."""

    async def __call__(self, sample: Sample) -> Score: ...


class Formula(ABC):
    """A reward one can do arithmetic with: `+`, `-`, `*` with other formulas and numbers."""

    __slots__ = ()

    parts: dict[str, Formula]
    """The parts that have a name, by name: they are the keys of `Score.components`."""
    labels: tuple[str, ...]
    """The keys of `Score.contributions`. A constant's label is "1"."""
    needs_judge: bool
    """Whether some leaf is a judge, so that scoring needs an event loop."""

    @abstractmethod
    def outcome(self, known: Known) -> Outcome:
        """The value over what is known; `PENDING` while it depends on a judge that has not answered."""

    @abstractmethod
    def shares(self, known: Known) -> Sequence[float]:
        """The outcome, when it is a number, broken up: one share per label, in their order."""

    def write(self, plan: Writer) -> tuple[str, list[str]]:
        """Write the lines that compute the outcome where all parts are numbers.

        Returns the expressions for it and for its shares: variables or numbers. Without this method a formula, and
        all that it is part of, is scored the general way.
        """
        raise NotImplementedError

    async def __call__(self, sample: Sample) -> Score:
        """Score a sample: judges that can matter are asked, together where none gates another."""
        if not self.needs_judge:
            return self.score(sample)
        known = Known(sample)
        await ask_judges(self, known)
        return summarise(self, known)

    def score(self, sample: Sample) -> Score:
        """Score a sample without an event loop. Raises `ConfigurationError` when the formula has a judge in it."""
        if self.needs_judge:
            raise ConfigurationError(f"{self!r} asks a judge, which takes time: use `await reward(sample)`")
        score = self._plan(sample)
        return summarise(self, Known(sample)) if score is None else score

    def _plan(self, sample: Sample) -> Score | None:
        """The quick way, where there is one."""
        return None

    def clip(self, low: float = 0.0, high: float = 1.0) -> Formula:
        """Bound the value. The part cut off appears as the contribution `clip`."""
        return Clipped(self, low, high)

    def threshold(self, at: float) -> Formula:
        """1 where the value is at least `at`, else 0."""
        return AtLeast(self, at)

    def named(self, name: str) -> Formula:
        """The same reward as one component and one contribution called `name`."""
        return Named(self, name)

    def __add__(self, other: Formula | float) -> Formula:
        return NotImplemented if (right := _as_formula(other)) is None else Sum(self, right)

    def __radd__(self, other: float) -> Formula:
        return NotImplemented if (left := _as_formula(other)) is None else Sum(left, self)

    def __mul__(self, other: Formula | float) -> Formula:
        return NotImplemented if (right := _as_formula(other)) is None else Product(self, right)

    def __rmul__(self, other: float) -> Formula:
        return NotImplemented if (left := _as_formula(other)) is None else Product(left, self)

    def __neg__(self) -> Formula:
        return Product(Constant(-1.0), self)

    def __sub__(self, other: Formula | float) -> Formula:
        return NotImplemented if (right := _as_formula(other)) is None else Sum(self, -right)

    def __rsub__(self, other: float) -> Formula:
        return NotImplemented if (left := _as_formula(other)) is None else Sum(left, -self)


class Compound(Formula):
    """A formula made of others."""

    __slots__ = ("_compiled", "labels", "needs_judge", "parts", "places")

    parts: dict[str, Formula]
    labels: tuple[str, ...]
    needs_judge: bool
    places: list[int]
    """Where each share of the formulas inside goes among the labels."""
    _compiled: Plan

    def _plan(self, sample: Sample) -> Score | None:
        try:
            plan = self._compiled
        except AttributeError:
            plan = self._compiled = compile_plan(self)
        return plan(sample)

    def __getstate__(self) -> tuple[None, dict[str, Any]]:
        """All but the plan, which is code."""
        slots = [slot for kind in type(self).__mro__ for slot in getattr(kind, "__slots__", ())]
        return None, {slot: getattr(self, slot) for slot in slots if slot != "_compiled" and hasattr(self, slot)}


class Constant(Formula):
    """A number."""

    __slots__ = ("labels", "needs_judge", "number", "parts")

    def __init__(self, number: float) -> None:
        if not isfinite(number):
            raise ConfigurationError(f"{number} has no place in a reward")
        self.number = float(number)
        self.parts = {}
        self.labels = ("1",)
        self.needs_judge = False

    def outcome(self, known: Known) -> Outcome:
        return self.number

    def shares(self, known: Known) -> Sequence[float]:
        return (self.number,)

    def write(self, plan: Writer) -> tuple[str, list[str]]:
        number = plan.constant(self.number)
        return number, [number]

    def __repr__(self) -> str:
        return digits(self.number)


class Sum(Compound):
    """Terms added from left to right. Unscored as soon as one term is."""

    __slots__ = ("terms",)

    def __init__(self, left: Formula, right: Formula) -> None:
        self.terms: tuple[Formula, ...] = (*left.terms, right) if isinstance(left, Sum) else (left, right)
        self.parts = merge_parts(part.parts for part in self.terms)
        self.labels, self.places = distinct([label for term in self.terms for label in term.labels])
        self.needs_judge = any(term.needs_judge for term in self.terms)

    def outcome(self, known: Known) -> Outcome:
        total = 0.0
        missing: Unscored | None = None
        for term in self.terms:  # all of them, so that their judges start together
            value = term.outcome(known)
            if not isinstance(value, Unscored):
                total += value
            elif missing is not PENDING:
                missing = value
        return total if missing is None else missing

    def shares(self, known: Known) -> Sequence[float]:
        return gather([share for term in self.terms for share in term.shares(known)], self.places)

    def write(self, plan: Writer) -> tuple[str, list[str]]:
        written = [term.write(plan) for term in self.terms]
        total = plan.let(" + ".join(["0.0", *(value for value, _ in written)]))
        return total, plan.added([share for _, shares in written for share in shares], self.places)

    def __repr__(self) -> str:
        first, *rest = (f"({t!r})" if isinstance(t, Sum) else str(t) for t in self.terms)
        return first + "".join(f" - {t[1:]}" if t.startswith("-") else f" + {t}" for t in rest)


class Product(Compound):
    """Factors multiplied from left to right. A factor 0 makes it 0 and spares the rest; rules go before judges."""

    __slots__ = ("factors", "order")

    def __init__(self, left: Formula, right: Formula) -> None:
        self.factors: tuple[Formula, ...] = (*left.factors, right) if isinstance(left, Product) else (left, right)
        self.parts = merge_parts(part.parts for part in self.factors)
        self.needs_judge = any(factor.needs_judge for factor in self.factors)
        self.order = sorted(range(len(self.factors)), key=lambda i: self.factors[i].needs_judge)
        labels = ["1"]
        for factor in self.factors:
            labels = [join(a, b) for a in labels for b in factor.labels]
        self.labels, self.places = distinct(labels)

    def outcome(self, known: Known) -> Outcome:
        values = [0.0] * len(self.factors)
        missing: Unscored | None = None
        for i in self.order:
            value = self.factors[i].outcome(known)
            if isinstance(value, Unscored):
                if value is PENDING:
                    return PENDING  # one judge at a time: its answer may be 0
                missing = missing or value
            elif value == 0.0:
                return 0.0
            else:
                values[i] = value
        if missing is not None:
            return missing
        result = 1.0
        for value in values:
            result *= value
        return result

    def shares(self, known: Known) -> Sequence[float]:
        value = number(self.outcome(known))
        if len(self.labels) == 1:
            return (value,)
        if value == 0.0:  # some factors may never have been computed
            return (0.0,) * len(self.labels)
        shares = [1.0]
        for factor in self.factors:
            shares = [x * y for x in shares for y in factor.shares(known)]
        return gather(shares, self.places)

    def write(self, plan: Writer) -> tuple[str, list[str]]:
        if any(isinstance(factor, Constant) and factor.number == 0.0 for factor in self.factors):
            return "0.0", ["0.0"] * len(self.labels)
        result = plan.let("0.0")
        single = len(self.labels) == 1
        added = [result] if single else [plan.let("0.0") for _ in self.labels]
        written: list[tuple[str, list[str]]] = []
        with ExitStack() as gates:
            for factor in self.factors:
                written.append(factor.write(plan))
                if not isinstance(factor, Constant):
                    gates.enter_context(plan.block(f"if {written[-1][0]}"))
            plan.line(f"{result} = {' * '.join(value for value, _ in written)}")
            if not single:
                shares = [" * ".join(factors) for factors in product(*(shares for _, shares in written))]
                with plan.block(f"if {result}"):  # a product of tiny numbers is 0, and so are its shares
                    for place, target in enumerate(added):
                        terms = [share for share, where in zip(shares, self.places, strict=True) if where == place]
                        plan.line(f"{target} = {' + '.join(terms)}")
        return result, added

    def __neg__(self) -> Formula:
        first, second, *rest = self.factors
        if not isinstance(first, Constant):
            return super().__neg__()
        return reduce(Product, rest, Product(Constant(-first.number), second))

    def __repr__(self) -> str:
        return " * ".join(f"({f!r})" if isinstance(f, Sum | Product) else str(f) for f in self.factors)


class Clipped(Compound):
    """A value held between two bounds."""

    __slots__ = ("high", "inner", "low")

    def __init__(self, inner: Formula, low: float, high: float) -> None:
        if not low <= high:
            raise ConfigurationError(f"clip({low}, {high}): the lower bound comes first")
        self.inner, self.low, self.high = inner, float(low), float(high)
        self.parts = inner.parts
        self.labels, self.places = distinct([*inner.labels, "clip"])
        self.needs_judge = inner.needs_judge

    def outcome(self, known: Known) -> Outcome:
        value = self.inner.outcome(known)
        return value if isinstance(value, Unscored) else min(max(value, self.low), self.high)

    def shares(self, known: Known) -> Sequence[float]:
        cut_off = number(self.outcome(known)) - number(self.inner.outcome(known))
        return gather([*self.inner.shares(known), cut_off], self.places)

    def write(self, plan: Writer) -> tuple[str, list[str]]:
        inner, shares = self.inner.write(plan)
        low, high = (plan.constant(bound) for bound in (self.low, self.high))
        clipped = plan.let(f"{low} if {inner} < {low} else {high} if {inner} > {high} else {inner}")
        return clipped, plan.added([*shares, plan.let(f"{clipped} - {inner}")], self.places)

    def __repr__(self) -> str:
        return f"{_atom(self.inner)}.clip({digits(self.low)}, {digits(self.high)})"


class AtLeast(Compound):
    """1 from a bound upwards, 0 below."""

    __slots__ = ("at", "inner")

    def __init__(self, inner: Formula, at: float) -> None:
        if not isfinite(at):
            raise ConfigurationError(f"threshold({at}): a finite number is needed")
        self.inner, self.at = inner, float(at)
        self.parts = inner.parts
        self.labels = (repr(self),)
        self.needs_judge = inner.needs_judge

    def outcome(self, known: Known) -> Outcome:
        value = self.inner.outcome(known)
        return value if isinstance(value, Unscored) else float(value >= self.at)

    def shares(self, known: Known) -> Sequence[float]:
        return (number(self.outcome(known)),)

    def write(self, plan: Writer) -> tuple[str, list[str]]:
        inner, _ = self.inner.write(plan)
        reached = plan.let(f"1.0 if {inner} >= {plan.constant(self.at)} else 0.0")
        return reached, [reached]

    def __repr__(self) -> str:
        return f"{_atom(self.inner)}.threshold({digits(self.at)})"


class Named(Compound):
    """A formula that is one component, and one contribution, of a larger one."""

    __slots__ = ("inner", "name")

    def __init__(self, inner: Formula, name: str) -> None:
        self.inner, self.name = inner, name
        self.parts = merge_parts([inner.parts, {name: self}])
        self.labels = (name,)
        self.needs_judge = inner.needs_judge

    def outcome(self, known: Known) -> Outcome:
        found = known.groups.get(self.name)
        if found is None:
            found = self.inner.outcome(known)
            if found is not PENDING:
                known.groups[self.name] = found
        return found

    def shares(self, known: Known) -> Sequence[float]:
        return (number(self.outcome(known)),)

    def write(self, plan: Writer) -> tuple[str, list[str]]:
        def compute(variable: str) -> None:
            plan.line(f"{variable} = {self.inner.write(plan)[0]}")

        variable = plan.part(self.name, compute)
        return variable, [variable]

    def __repr__(self) -> str:
        return f"{_atom(self.inner)}.named({self.name!r})"


def number(outcome: Outcome) -> float:
    """An outcome known to be a number."""
    if isinstance(outcome, Unscored):
        raise TypeError(f"an unscored part has no share in a value: {outcome.reason}")
    return outcome


def _as_formula(value: object) -> Formula | None:
    if isinstance(value, Formula):
        return value
    return Constant(value) if isinstance(value, int | float) else None


def merge_parts(several: Iterable[dict[str, Formula]]) -> dict[str, Formula]:
    """All named parts. Raises `ConfigurationError` when two different ones share a name."""
    merged: dict[str, Formula] = {}
    for parts in several:
        for name, part in parts.items():
            if merged.setdefault(name, part) != part:
                raise ConfigurationError(
                    f"two different rewards are called {name!r}; give one another name: .named('{name}_2')"
                )
    return merged


def _atom(formula: Formula) -> str:
    return f"({formula!r})" if isinstance(formula, Sum | Product | Constant) else str(formula)
