"""TRL hands the curves to TensorBoard, Trackio and W&B; a recipe only names them."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmi_train import train
from llmi_train.recipe import RECIPES, Recipe


@pytest.mark.slow
def test_tensorboard_gets_our_curves(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    recipe = Recipe.from_yaml(
        RECIPES / "tiny/qwen3.yaml",
        output_dir=tmp_path,
        zero="none",
        grpo={"max_steps": 2, "report_to": "tensorboard"},
        env={"TENSORBOARD_LOGGING_DIR": str(tmp_path / "board")},
    )
    train(recipe)
    events = EventAccumulator(str(tmp_path / "board")).Reload()
    tags = set(events.Tags()["scalars"])
    assert {"train/reward", "train/unscored", "train/components/count", "train/frac_reward_zero_std"} <= tags
    assert [event.step for event in events.Scalars("train/reward")] == [1, 2]
