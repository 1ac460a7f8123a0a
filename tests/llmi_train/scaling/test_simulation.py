"""Each stage alone helps, where the truth is known and the scorer is another than who selects.

`benchmarks/scaling.py simulate` does the same with more tasks and reports the figures.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))

from scaling import STAGES, alone, together


@pytest.mark.parametrize("stage", STAGES)
async def test_each_stage_alone_helps(stage: str) -> None:
    """The whole 95 % interval of the paired gain is above 0, and no document is worse by the stage's own judge."""
    figures = await alone(stage, tasks=250 if stage == "pick" else 80, noise=0.1)
    assert figures["interval"][0] > 0
    assert figures["worse by its own judge"] == 0


@pytest.mark.parametrize("stage", STAGES)
async def test_a_judge_that_guesses_returns_nothing_worse_by_its_own_guess(stage: str) -> None:
    figures = await alone(stage, tasks=25, noise=50.0)
    assert figures["worse by its own judge"] == 0


async def test_more_candidates_score_more_and_cost_more() -> None:
    one, four = await together(1, 60, 0.1), await together(4, 60, 0.1)
    assert four["interval"][0] > one["interval"][1]
    assert four["tokens"] > one["tokens"]
    assert four["satisfied"] > one["satisfied"]
