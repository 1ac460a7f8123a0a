"""The quick way to score: a formula of rules alone, written once as straight-line Python and compiled.

`format * (0.6 * count + 0.4 * tool)` becomes

```py
def score(sample):
    format = count = tool = None
    format = measure_format(sample)
    if format.__class__ is not float or format - format: return None
    product = 0.0; ...
    if format:
        count = measure_count(sample)
        ...
```

A plan gives the same `Score` as `evaluation.summarise`, to the last bit (tested over random formulas), or None when
a part is unscored or is no plain float: that is rare, and the general way explains it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import isfinite
from typing import TYPE_CHECKING, Any

from llmi_reward.sample import Sample
from llmi_reward.score import Score

if TYPE_CHECKING:
    from llmi_reward.formula import Formula

Plan = Callable[[Sample], Score | None]


class Writer:
    """Collects the lines of a plan. Formulas write themselves into it (`Formula.write`)."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.names: dict[str, Any] = {"Score": Score}
        self.parts: dict[str, str] = {}
        self._indent = 1
        self._numbered = 0
        self._assigned: set[str] = set()

    def line(self, text: str) -> None:
        self.lines.append("    " * self._indent + text)

    def let(self, expression: str) -> str:
        """Assign to a new variable; its name."""
        variable = self.fresh()
        self.line(f"{variable} = {expression}")
        return variable

    def fresh(self) -> str:
        self._numbered += 1
        return f"v{self._numbered}"

    def constant(self, value: float) -> str:
        """A number as an expression."""
        if isfinite(value):
            return f"({value!r})" if value < 0 else repr(value)
        name = "below" if value < 0 else "above"
        self.names[name] = value
        return name

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Lines that run on a condition: what they assign is not certain afterwards."""
        self.line(f"{head}:")
        before = set(self._assigned)
        self._indent += 1
        yield
        self._indent -= 1
        self._assigned = before

    def part(self, name: str, compute: Callable[[str], None]) -> str:
        """The variable of a named part; `compute` writes the lines that assign it, where they are still needed."""
        known = name in self.parts
        variable = self.parts.setdefault(name, f"p{len(self.parts)}")
        if variable not in self._assigned:
            if known:
                with self.block(f"if {variable} is None"):
                    compute(variable)
            else:
                compute(variable)
            self._assigned.add(variable)
        return variable

    def measure(self, variable: str, rule: Callable[[Sample], Any]) -> None:
        """Assign what a rule measures. `x - x` is 0 for finite numbers only."""
        self.names[f"measure_{variable}"] = rule
        self.line(f"{variable} = measure_{variable}(sample)")
        self.line(f"if {variable}.__class__ is not float or {variable} - {variable}: return None")

    def added(self, shares: list[str], places: list[int]) -> list[str]:
        """One variable per label: those of equal labels are added up."""
        groups: dict[int, list[str]] = {}
        for share, place in zip(shares, places, strict=True):
            groups.setdefault(place, []).append(share)
        return [group[0] if len(group) == 1 else self.let(" + ".join(group)) for _, group in sorted(groups.items())]


def compile_plan(formula: Formula) -> Plan:
    """The plan of a formula without judges; one that always answers None where there can be no other.

    That is where some part cannot be written, or Python cannot read so much nesting: a product of a hundred rules.
    """
    try:
        return _compiled(formula)
    except (NotImplementedError, SyntaxError, RecursionError, MemoryError):
        return lambda sample: None


def _compiled(formula: Formula) -> Plan:
    writer = Writer()
    value, shares = formula.write(writer)
    components = ", ".join(f"{name!r}: {writer.parts.get(name)}" for name in formula.parts)
    contributions = ", ".join(f"{label!r}: {share}" for label, share in zip(formula.labels, shares, strict=True))
    unset = " = ".join([*writer.parts.values(), "None"])
    source = "\n".join(
        [
            "def score(sample):",
            f"    {unset}",
            *writer.lines,
            f"    return Score({value}, None, {{{components}}}, {{{contributions}}}, {{}})",
        ]
    )
    exec(source, writer.names)  # noqa: S102  # every name in it is ours; the user's are quoted by repr
    plan: Plan = writer.names["score"]
    return plan
