"""The two kinds of reward a formula is made of: rules, computed at once, and judges, which take time."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass, replace
from typing import Any, Self

from llmi_reward.evaluation import PENDING, Known
from llmi_reward.formula import Formula, Reward, number
from llmi_reward.plan import Writer
from llmi_reward.sample import Sample
from llmi_reward.score import Outcome, Score
from llmi_schema import ConfigurationError


class Leaf(Formula):
    """A reward with no parts. Subclasses are frozen dataclasses with a field `name`; equal ones are computed once."""

    __slots__ = ()

    name: str

    # Elsewhere these are attributes. A leaf is its own only part, so it stores nothing and answers with properties;
    # mypy calls that an override because an attribute could also be assigned to, which nobody does.
    @property
    def parts(self) -> dict[str, Formula]:  # type: ignore[override]  # see above
        return {self.name: self}

    @property
    def labels(self) -> tuple[str, ...]:  # type: ignore[override]  # see above
        return (self.name,)

    def shares(self, known: Known) -> Sequence[float]:
        return (number(self.outcome(known)),)

    def named(self, name: str) -> Self:
        if not is_dataclass(self):
            raise ConfigurationError(f"{type(self).__name__} must be a dataclass with a field `name` to be renamed")
        return replace(self, name=name)

    def __str__(self) -> str:
        """The name, with the settings that are not the default: `count(strict=True)`."""
        if not is_dataclass(self):
            return self.name
        changed = [
            f"{f.name}={value!r}"
            for f in fields(self)
            if f.name != "name" and f.repr and (value := getattr(self, f.name)) != _default(f)
        ]
        return f"{self.name}({', '.join(changed)})" if changed else self.name


class Rule(Leaf):
    """A reward computed from the sample alone. Subclass it to write one:

    ```python
    @dataclass(frozen=True, slots=True)
    class MentionsFox(Rule):
        name: str = "fox"

        def measure(self, sample: Sample) -> float:
            return float("fox" in sample.parsed.text)
    ```
    """

    __slots__ = ()

    needs_judge = False

    @abstractmethod
    def measure(self, sample: Sample) -> Outcome:
        """A finite number, or `Unscored` with the reason."""

    def outcome(self, known: Known) -> Outcome:
        found = known.values.get(self.name)
        return known.learn(self.name, self.measure(known.sample)) if found is None else found

    def write(self, plan: Writer) -> tuple[str, list[str]]:
        variable = plan.part(self.name, lambda variable: plan.measure(variable, self.measure))
        return variable, [variable]


class Judge(Leaf):
    """A reward that takes time, usually because a model is asked."""

    __slots__ = ()

    needs_judge = True

    @abstractmethod
    async def judge(self, sample: Sample) -> Score:
        """The verdict; its `details` end up in the score under this leaf's name."""

    def outcome(self, known: Known) -> Outcome:
        found = known.values.get(self.name)
        if found is None:
            known.wanted[self.name] = self
            return PENDING
        return found


@dataclass(frozen=True, slots=True)
class Asked(Judge):
    """Any `async (sample) -> Score` as a part of a formula."""

    name: str
    reward: Reward

    async def judge(self, sample: Sample) -> Score:
        return await self.reward(sample)


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()
