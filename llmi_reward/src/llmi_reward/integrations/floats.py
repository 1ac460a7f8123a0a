"""For frameworks that take nothing but floats: the same keys on every row, and a word on what was not scored."""

from __future__ import annotations

from collections.abc import Sequence

from llmi_reward.integrations.scorer import Scored
from llmi_schema import LLMIError


class UnscoredError(LLMIError):
    """Raised where a framework records a failed sample as failed, instead of taking a number for it."""


def value_of(scored: Scored) -> float:
    """The score. Raises `UnscoredError` with the reason where there is none."""
    if scored.score.value is None:
        raise UnscoredError(str(scored.score.reason))
    return scored.score.value


def as_floats(scored: Scored, labels: Sequence[str], unscored: float) -> dict[str, float]:
    """`score`, `valid` (1, or 0 where `score` is only the stand-in `unscored`) and every contribution.

    The keys depend on `labels` alone. An unscored row's contributions are 0, as nothing was added up.
    """
    value = scored.score.value
    given = scored.score.contributions
    parts = {f"contributions/{label}": given.get(label, 0.0) for label in labels}
    return {"score": unscored if value is None else value, "valid": float(value is not None), **parts}


def exact_parts(scored: Scored, labels: Sequence[str]) -> dict[str, float]:
    """Contributions that `sum()` adds up to the value exactly: the last part, `rounding`, is what sums leave over."""
    parts = {label: scored.score.contributions.get(label, 0.0) for label in labels}
    value = scored.score.value or 0.0
    return parts | {"rounding": value - sum(parts.values())}
