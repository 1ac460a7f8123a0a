"""What a reward answers: a number, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite
from typing import Any


@dataclass(frozen=True, slots=True)
class Unscored:
    """Stands where a number is missing, inside formulas; `reason` is for people. It never becomes a number."""

    reason: str


Outcome = float | Unscored
"""What one rule measures."""


@dataclass(frozen=True, slots=True)
class Score:
    """A sample's reward and how it came about.

    Attributes:
        value: the reward, finite; None when the sample is unscored.
        reason: why it is unscored; set exactly when `value` is None.
        components: the raw value of each named part of the formula. None where a part is unscored, or was not
            computed because a factor of 0 made it irrelevant. The keys depend on the formula alone.
        contributions: what each term adds after weights and gates, by label (`format*count`). They sum to `value`
            within 1e-9. Empty when unscored.
        details: what judges and own rewards have to say about it, by component name.

    Raises ValueError for a value that is not finite, or a missing value without a reason.
    """

    value: float | None
    reason: str | None = None
    components: dict[str, float | None] = field(default_factory=dict)
    contributions: dict[str, float] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        value = self.value
        if (value is None) != (self.reason is not None):
            raise ValueError("a Score has either a value or the reason why there is none")
        if value is not None and not isfinite(value):
            raise ValueError(f"{value} is no score: use Score.unscored(reason) where there is no number")

    @classmethod
    def unscored(cls, reason: str, **parts: Any) -> Score:
        """No value, and why. `parts` may set `components` and `details`."""
        return cls(None, reason, **parts)
