"""How sure a number is: bootstrap intervals over tasks, two models on the same tasks, a judge against itself.

Tasks are drawn with replacement, seeded, so that equal results have equal intervals.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Any

import numpy as np

RESAMPLES = 10_000
_AT_ONCE = 2_000_000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over tasks. `low` and `high` bound it where judgements are missing; both are the mean where none is.

    Attributes:
        lower, upper: the 95 % interval; where judgements are missing, from the lower end of `low`'s interval to the
            upper end of `high`'s.
        tasks: how many there are.
        known: how many of them have all their judgements.
    """

    low: float
    high: float
    lower: float
    upper: float
    tasks: int
    known: int


@dataclass(frozen=True, slots=True)
class Difference:
    """The second model's mean minus the first's, over the tasks that are fully judged for both.

    Attributes:
        mean: None where there is no such task; the rest of the figures are None or 0 then.
        lower, upper: the 95 % paired bootstrap interval.
        better, worse, equal: on how many tasks the second is.
        p: two-sided sign test over the tasks that differ; None where none does.
        least, most: what the difference over all tasks could be, whatever the missing judgements are.
        tasks: all; `better + worse + equal` of them are compared.
    """

    mean: float | None
    lower: float | None
    upper: float | None
    better: int
    worse: int
    equal: int
    p: float | None
    least: float
    most: float
    tasks: int


@dataclass(frozen=True, slots=True)
class Repeatability:
    """A judge asked the same several times.

    Attributes:
        questions: those with at least two marks.
        same: share of pairs of marks that are equal.
        apart: mean distance between two marks, in steps of the scale.
    """

    questions: int
    same: float
    apart: float


def estimate(low: Sequence[float], high: Sequence[float], *, seed: int = 0, resamples: int = RESAMPLES) -> Estimate:
    """The mean score. Raises ValueError without tasks."""
    lows, highs = np.asarray(low, float), np.asarray(high, float)
    if not len(lows) or len(lows) != len(highs):
        raise ValueError("one low and one high score per task are needed, and at least one task")
    lower = _percentile(lows, 2.5, seed, resamples)
    upper = _percentile(highs, 97.5, seed, resamples)
    return Estimate(float(lows.mean()), float(highs.mean()), lower, upper, len(lows), int((lows == highs).sum()))


def compare(
    first: Sequence[tuple[float, float]],
    second: Sequence[tuple[float, float]],
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Difference:
    """Two models on the same tasks, each given as `(low, high)` in the same order."""
    if not first or len(first) != len(second):
        raise ValueError("both models need a score for each task, and at least one task")
    a, b = np.asarray(first, float), np.asarray(second, float)
    known = (a[:, 0] == a[:, 1]) & (b[:, 0] == b[:, 1])
    bounds = float((b[:, 0] - a[:, 1]).mean()), float((b[:, 1] - a[:, 0]).mean())
    differences = np.round(b[known, 0] - a[known, 0], 12)  # equal marks in another order of summing are equal
    if not len(differences):
        return Difference(None, None, None, 0, 0, 0, None, *bounds, len(a))
    better, worse = int((differences > 0).sum()), int((differences < 0).sum())
    return Difference(
        float(differences.mean()),
        _percentile(differences, 2.5, seed, resamples),
        _percentile(differences, 97.5, seed, resamples),
        better,
        worse,
        len(differences) - better - worse,
        sign_test(better, worse),
        *bounds,
        len(a),
    )


def sign_test(better: int, worse: int) -> float | None:
    """Two-sided p of so uneven a count where both were as likely, exact."""
    count = better + worse
    if not count:
        return None
    tail = sum(comb(count, k) for k in range(min(better, worse) + 1))
    return min(1.0, 2 * tail / 2**count)


def repeatability(given: Iterable[Sequence[int | None]]) -> Repeatability | None:
    """How well repetitions agree; None where nothing was repeated."""
    pairs, same, apart, questions = 0, 0, 0, 0
    for marks in given:
        known = [mark for mark in marks if mark is not None]
        questions += len(known) > 1
        for one, other in combinations(known, 2):
            pairs += 1
            same += one == other
            apart += abs(one - other)
    return Repeatability(questions, same / pairs, apart / pairs) if pairs else None


def _percentile(values: np.ndarray[Any, Any], percent: float, seed: int, resamples: int) -> float:
    rng = np.random.default_rng(seed)
    chunk = max(1, _AT_ONCE // len(values))
    means = [
        values[rng.integers(0, len(values), (min(chunk, resamples - start), len(values)))].mean(axis=1)
        for start in range(0, resamples, chunk)
    ]
    return float(np.percentile(np.concatenate(means), percent))
