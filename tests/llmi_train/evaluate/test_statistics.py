"""Intervals that cover, pairs that help, p values known in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from llmi_train.evaluate import compare, estimate, repeatability, sign_test


def test_an_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    covered = 0
    for _ in range(200):
        scores = rng.binomial(20, 0.7, size=60) / 20
        found = estimate(scores, scores, resamples=500)
        covered += found.lower <= 0.7 <= found.upper
    assert 180 <= covered <= 199


def test_equal_results_have_equal_intervals() -> None:
    scores = [0.1, 0.5, 0.9, 0.4]
    assert estimate(scores, scores) == estimate(scores, scores)


def test_resampling_in_chunks_is_as_good_as_at_once() -> None:
    scores = np.random.default_rng(0).random(30_000)
    found = estimate(scores, scores, resamples=200)
    assert found.lower == pytest.approx(0.5 - 1.96 * scores.std() / 173, abs=0.002)


def test_missing_judgements_widen_and_never_raise_the_lower_bound() -> None:
    whole = estimate([0.5] * 10, [0.5] * 10)
    holes = estimate([0.4] * 10, [0.6] * 10)
    assert (whole.low, whole.high, whole.known) == (0.5, 0.5, 10)
    assert (holes.low, holes.high, holes.known) == (pytest.approx(0.4), pytest.approx(0.6), 0)
    assert holes.lower < whole.lower
    assert holes.upper > whole.upper


def test_pairs_show_what_two_intervals_hide() -> None:
    rng = np.random.default_rng(1)
    hard = rng.random(40)
    first = [(float(x), float(x)) for x in hard * 0.9]
    second = [(float(x), float(x)) for x in hard * 0.9 + 0.05]
    found = compare(first, second)
    a, b = (estimate([low for low, _ in one], [high for _, high in one]) for one in (first, second))
    assert a.upper > b.lower  # each alone says nothing
    assert found.lower is not None
    assert found.lower > 0.04
    assert (found.better, found.worse, found.equal) == (40, 0, 0)
    assert found.p == pytest.approx(2 / 2**40)


def test_tasks_that_are_not_fully_judged_are_bounds_not_evidence() -> None:
    found = compare([(0.5, 0.5), (0.2, 0.8)], [(0.5, 0.5), (1.0, 1.0)])
    assert (found.mean, found.equal, found.tasks) == (0.0, 1, 2)
    assert (found.least, found.most) == (pytest.approx(0.1), pytest.approx(0.4))
    nothing = compare([(0.0, 1.0)], [(0.0, 1.0)])
    assert nothing.mean is None
    assert (nothing.least, nothing.most) == (-1.0, 1.0)


@pytest.mark.parametrize(("better", "worse", "p"), [(5, 0, 0.0625), (9, 1, 22 / 1024), (3, 3, 1.0), (0, 0, None)])
def test_the_sign_test_is_exact(better: int, worse: int, p: float | None) -> None:
    assert sign_test(better, worse) == (None if p is None else pytest.approx(p))


def test_repeatability_counts_pairs_and_skips_what_failed() -> None:
    found = repeatability([(2, 2, 1), (0, None), (None, None), (1, 1)])
    assert found is not None
    assert (found.questions, found.same, found.apart) == (2, 0.5, 0.5)
    assert repeatability([(2,), (1,)]) is None


def test_no_tasks_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one task"):
        estimate([], [])
    with pytest.raises(ValueError, match="both models"):
        compare([(0, 0)], [])
