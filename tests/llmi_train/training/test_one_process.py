"""Runs that follow each other in one process, as in a notebook: none decides how the next one trains."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from transformers import TrainerCallback

from llmi_sandbox import Toolkit
from llmi_train import Recipe, distributed, train


class Engine(TrainerCallback):
    """Notes of each run whether DeepSpeed trains it."""

    def __init__(self) -> None:
        self.deepspeed: list[bool] = []

    def on_train_begin(self, args: Any, state: Any, control: Any, optimizer: Any = None, **_: Any) -> None:
        self.deepspeed.append("DeepSpeed" in type(optimizer).__name__)


def test_each_run_is_trained_as_its_own_recipe_says(tiny: Callable[..., Recipe], toolkit: Toolkit) -> None:
    engine, one_step = Engine(), {"max_steps": 1}
    for zero, folder in (("zero2", "first"), ("none", "second"), ("zero2", "third")):
        train(tiny(output=folder, zero=zero, grpo=one_step), toolkit=toolkit, callbacks=[engine])
        distributed.leave()
    assert engine.deepspeed == [True, False, True]
