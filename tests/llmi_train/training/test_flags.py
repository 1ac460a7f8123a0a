from __future__ import annotations

from typing import Any

import pytest

from llmi_schema import ConfigurationError
from llmi_train.flags import read_flags
from llmi_train.recipe import Recipe


def read(*flags: str) -> dict[str, Any]:
    return read_flags(flags, Recipe, lambda: {"learning_rate", "max_steps", "bf16"})


@pytest.mark.parametrize(
    ("flags", "found"),
    [
        (["--seed", "3"], {"seed": 3}),
        (["--seed=3", "--output-dir", "runs/x"], {"seed": 3, "output_dir": "runs/x"}),
        (["--learning_rate", "2e-5"], {"grpo": {"learning_rate": 2e-5}}),
        (["--grpo.max_steps", "7", "--max-steps", "9"], {"grpo": {"max_steps": 9}}),
        (["--lora.r", "16"], {"lora": {"r": 16}}),
        (["--judges.llm.base_url", "http://here:1/v1"], {"judges": {"llm": {"base_url": "http://here:1/v1"}}}),
        (["--lora.target_modules", "[q_proj, v_proj]"], {"lora": {"target_modules": ["q_proj", "v_proj"]}}),
        (["--strict_counts", "--bf16", "false"], {"strict_counts": True, "grpo": {"bf16": False}}),
        (["--env.HF_HOME", "here"], {"env": {"HF_HOME": "here"}}),
        (["--model", "Qwen/Qwen3-4B"], {"model": "Qwen/Qwen3-4B"}),
    ],
)
def test_flags_become_settings(flags: list[str], found: dict[str, Any]) -> None:
    assert read(*flags) == found


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--learning_rat", "1"], "did you mean 'learning_rate'?"),
        (["--sede", "1"], "did you mean 'seed'?"),
        (["--lora.rr", "1"], "did you mean 'lora.r'?"),
        (["seed", "3"], "'seed' is no flag"),
        (["--seed", "[1"], "--seed: '[1' is no value"),
    ],
)
def test_what_is_no_setting_is_explained(flags: list[str], says: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(*flags)
    assert says in str(caught.value)


def test_the_trainer_is_asked_only_for_what_the_recipe_does_not_know() -> None:
    def never() -> set[str]:
        raise AssertionError("importing the trainer takes seconds")

    assert read_flags(["--seed", "1"], Recipe, never) == {"seed": 1}
