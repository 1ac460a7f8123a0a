"""Every rule of advice: a log that shows its failure, and healthy logs that none may complain of."""

from __future__ import annotations

import math
from typing import Any

import pytest
from runs_on_disk import entries

from llmi_train.watching import Curves, advise

STEPS = 40


def good(step: int) -> dict[str, Any]:
    """A step of a run that learns."""
    rise = min(1.0, step / 30)
    return {
        "step": step,
        "loss": 0.01,
        "grad_norm": 0.2,
        "reward": 0.3 + 0.6 * rise + 0.02 * math.sin(step),
        "reward_std": 0.3 - 0.2 * rise,
        "frac_reward_zero_std": 0.1 + 0.3 * rise,
        "completions/clipped_ratio": 0.05,
        "entropy": 0.6 - 0.3 * rise,
        "kl": 0.02 * rise,
        "clip_ratio/region_mean": 0.02,
        "unscored": 0.0,
        "tools/search/success": 0.9,
        "tools/search/attempts": 0.5,
        "sampling/importance_sampling_ratio/mean": 1.0,
        "sampling/importance_sampling_ratio/max": 1.4,
        "sampling/sampling_logp_difference/mean": 0.01,
        "constraint/log_ratio": -0.1,
    }


def history(**curves: Any) -> Curves:
    """A good run with some curves replaced by functions of the step."""
    names = {name.replace("__", "/"): curve for name, curve in curves.items()}
    return Curves.of(good(step) | {name: curve(step) for name, curve in names.items()} for step in range(1, STEPS + 1))


def titles(curves: Curves) -> list[str]:
    return [advice.title for advice in advise(curves)]


def test_a_healthy_run_is_left_in_peace() -> None:
    assert titles(history()) == []


def test_a_real_run_that_learnt_is_left_in_peace() -> None:
    assert titles(Curves.of(entries())) == []


def test_nor_is_its_beginning_judged() -> None:
    for length in range(1, 71):
        assert titles(Curves.of(entries()[:length])) == []


FAILURES: dict[str, tuple[str, dict[str, Any]]] = {
    "flat": (
        "The reward is flat",
        {"reward": lambda step: 0.1, "frac_reward_zero_std": lambda step: 0.95, "reward_std": lambda step: 0.01},
    ),
    "cut off": ("Answers are cut off", {"completions__clipped_ratio": lambda step: 1.0}),
    "entropy": (
        "The policy has stopped trying things",
        {"entropy": lambda step: 0.6 * math.exp(-step / 6), "reward": lambda step: 0.4 + 0.01 * math.sin(step)},
    ),
    "kl": ("The policy runs away", {"kl": lambda step: 0.01 * math.exp(step / 6)}),
    "unscored": ("Many answers have no score", {"unscored": lambda step: 0.0 if step < 20 else 0.6}),
    "tool": ("A tool fails nearly always: search", {"tools__search__success": lambda step: 0.0}),
    "ratio": ("Constrained rollouts are far", {"constraint__log_ratio": lambda step: -170.0}),
    "mismatch": (
        "What generates is not what is trained",
        {"sampling__importance_sampling_ratio__mean": lambda step: 0.1},
    ),
    "precision": (
        "What generates is not what is trained",
        {"sampling__sampling_logp_difference__mean": lambda step: 0.4},
    ),
    "too fast": (
        "The learning rate is too high",
        {
            "reward": lambda step: 0.3 + 0.02 * step if step < 20 else max(0.05, 0.7 - 0.05 * (step - 20)),
            "grad_norm": lambda step: 0.2 if step < 20 else 4.0,
        },
    ),
    "clipped": ("Most of what could be learnt is clipped away", {"clip_ratio__region_mean": lambda step: 0.6}),
    "nan": ("The loss is no number any more", {"loss": lambda step: 0.01 if step < 30 else float("nan")}),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_each_failure_is_told(failure: str) -> None:
    title, curves = FAILURES[failure]
    (advice,) = (advice for advice in advise(history(**curves)) if advice.title.startswith(title))
    assert any(digit in advice.evidence for digit in "0123456789")
    assert advice.what_to_do.endswith(".")


@pytest.mark.parametrize("failure", FAILURES)
def test_and_only_what_belongs_to_it(failure: str) -> None:
    title, curves = FAILURES[failure]
    assert [found for found in titles(history(**curves)) if not found.startswith(title)] == []


def test_groups_that_agree_at_the_top_have_learnt_all_there_is() -> None:
    assert titles(history(reward=lambda step: 0.97, frac_reward_zero_std=lambda step: 0.95)) == []


def test_a_tool_that_is_seldom_called_is_not_judged() -> None:
    curves = history(tools__edit__success=lambda step: 0.0 if step % 10 == 0 else None)
    assert titles(curves) == []


def test_a_step_logged_twice_counts_once_and_the_summary_not_at_all() -> None:
    doubled = [{"step": 1, "reward": 0.1}, {"step": 2, "reward": 0.2}, {"step": 2, "reward": 0.3}]
    curves = Curves.of([*doubled, {"step": 2, "train_runtime": 3.0, "train_loss": 0.0}, {"step": 2, "eval_loss": 1.0}])
    assert curves.steps == (1, 2)
    assert dict(curves.series) == {"reward": (0.1, 0.3)}
