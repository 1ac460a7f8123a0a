from __future__ import annotations

import os
from dataclasses import fields
from pathlib import Path

import pytest

from llmi_schema import ConfigurationError
from llmi_train import RECIPES, Recipe
from llmi_train.recipe import check_keys, check_settings, shipped

ALL = sorted(RECIPES.rglob("*.yaml"))
PUBLISHED = ("qwen3-4b-instruct", "qwen3-30b-a3b-instruct", "qwen2.5-vl-7b", "qwen2.5-vl-32b")


def names(path: Path) -> str:
    return str(path.relative_to(RECIPES).with_suffix(""))


@pytest.mark.parametrize("path", ALL, ids=names)
@pytest.mark.parametrize("processes", [1, 2, 4, 8])
def test_every_recipe_resolves_on_every_rung(path: Path, processes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from trl import GRPOConfig

    recipe = Recipe.from_yaml(path)
    try:
        resolved = recipe.on(processes)
    except ConfigurationError:
        assert path.parent.name == "tiny"  # two prompts are not enough for all
        assert processes > 2
        return
    check_keys(resolved.grpo, {field.name for field in fields(GRPOConfig)}, path.name)
    for name in ("WORLD_SIZE", "RANK", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    config = GRPOConfig(**resolved.grpo | {"output_dir": "unused", "use_cpu": True, "bf16": False})
    assert resolved.on(processes) == resolved
    if recipe.prompts_per_generation:
        samples = config.per_device_train_batch_size * config.steps_per_generation * processes
        assert samples == recipe.prompts_per_generation * config.num_generations
        updates = config.steps_per_generation / config.gradient_accumulation_steps
        assert updates == recipe.updates_per_generation
    assert "WORLD_SIZE" not in os.environ


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_hyper_parameters(name: str) -> None:
    recipe = Recipe.from_yaml(shipped(Path(name)))
    moe, sees = "a3b" in name, "vl" in name
    grpo = recipe.grpo
    assert (recipe.prompts_per_generation, grpo["num_generations"]) == (16 if moe else 32, 8)
    assert (recipe.max_prompt_tokens, grpo["max_completion_length"]) == ((16384, 16384) if sees else (8192, 24576))
    assert grpo["warmup_steps"] == (6 if moe else 4 if sees else 5)
    assert (grpo["lr_scheduler_type"], grpo["lr_scheduler_kwargs"]) == ("cosine_with_min_lr", {"min_lr_rate": 0.01})
    assert (grpo["learning_rate"], grpo["weight_decay"], grpo["max_grad_norm"], grpo["beta"]) == (1e-5, 0.1, 1.0, 0.0)
    if moe:
        assert (grpo["importance_sampling_level"], grpo["loss_type"]) == ("sequence", "grpo")
        assert (grpo["epsilon"], grpo["epsilon_high"], grpo["delta"]) == (3e-4, 4e-4, None)
        assert recipe.lora.target_parameters == ["mlp.experts.gate_up_proj", "mlp.experts.down_proj"]
    else:
        assert (grpo["importance_sampling_level"], grpo["loss_type"], grpo["delta"]) == ("token", "dapo", 10.0)
    assert (recipe.judges.text_weight, recipe.judges.image_weight) == ((1.5, 0.5) if sees else (1.4, 0.6))
    assert recipe.reward == "llmi"
    assert recipe.max_pixels == (1024 * 1024 if sees else None)


@pytest.mark.parametrize("name", PUBLISHED)
def test_each_has_a_server_variant_that_differs_in_who_generates(name: str) -> None:
    here = Recipe.from_yaml(shipped(Path(name)))
    there = Recipe.from_yaml(shipped(Path(f"{name}-server")))
    assert there.grpo["vllm_mode"] == "server"
    ours = {key: value for key, value in there.grpo.items() if not key.startswith("vllm")}
    assert ours == {key: value for key, value in here.grpo.items() if not key.startswith("vllm")}


def test_a_recipe_builds_on_another(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("extends: tiny/qwen3.yaml\nseed: 5\nlora: {r: 2}\n")
    recipe = Recipe.from_yaml(mine, grpo={"max_steps": 9})
    parent = Recipe.from_yaml(RECIPES / "tiny" / "qwen3.yaml")
    assert (recipe.seed, recipe.lora.r, recipe.lora.lora_alpha) == (5, 2, parent.lora.lora_alpha)
    assert recipe.grpo == parent.grpo | {"max_steps": 9}


def test_a_shipped_recipe_is_named_as_for_the_command(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("extends: tiny/qwen3\ngrpo: {learning_rate: 2e-5}\n")
    assert Recipe.from_yaml(mine).grpo == Recipe.from_yaml(RECIPES / "tiny" / "qwen3.yaml").grpo | {
        "learning_rate": 2e-5
    }


def test_what_is_no_text_is_named(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match=r"mine.yaml: not UTF-8 text; a recipe is a YAML file"):
        Recipe.from_yaml(mine)


def test_values_are_of_the_trainers_kinds() -> None:
    from trl import GRPOConfig

    check_settings({"learning_rate": 1, "bf16": None, "report_to": ["none"], "use_cpu": True}, GRPOConfig, "grpo")
    with pytest.raises(ConfigurationError, match=r"grpo.learning_rate: 'many' is no number"):
        check_settings({"learning_rate": "many"}, GRPOConfig, "grpo")
    with pytest.raises(ConfigurationError, match=r"grpo.use_cpu: 'maybe' is neither true nor false"):
        check_settings({"use_cpu": "maybe"}, GRPOConfig, "grpo")
    with pytest.raises(ConfigurationError, match="did you mean 'learning_rate'"):
        check_settings({"lerning_rate": 1}, GRPOConfig, "grpo")


def test_what_cannot_be_built_on_is_named(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("extends: nowhere.yaml\n")
    with pytest.raises(ConfigurationError, match=r"mine.yaml: extends 'nowhere.yaml', which is neither"):
        Recipe.from_yaml(mine)
    mine.write_text("extends: tiny/qwn3\n")
    with pytest.raises(ConfigurationError, match=r"did you mean 'tiny/qwen3'\?"):
        Recipe.from_yaml(mine)
    mine.write_text("extends: mine.yaml\n")
    with pytest.raises(ConfigurationError, match="extends itself"):
        Recipe.from_yaml(mine)


def test_the_ladder_is_climbed_to_the_highest_rung_in_reach() -> None:
    recipe = Recipe(
        model="m",
        data=Path("d"),
        output_dir=Path("o"),
        ladder={2: {"zero": "zero3"}, 4: {"grpo": {"max_steps": 1}}},  # type: ignore[dict-item]
    )
    assert [recipe.on(n).zero for n in (1, 2, 3, 4)] == ["zero2", "zero3", "zero3", "zero2"]
    assert recipe.on(8).grpo == {"max_steps": 1}


def test_prompts_that_cannot_be_shared_evenly_are_refused() -> None:
    grpo = {"num_generations": 8, "per_device_train_batch_size": 3}
    recipe = Recipe(model="m", data=Path("d"), output_dir=Path("o"), prompts_per_generation=2, grpo=grpo)
    with pytest.raises(ConfigurationError, match="16 samples, which 1 updates of 1 processes"):
        recipe.on(1)
    doubled = recipe.with_grpo(gradient_accumulation_steps=2)
    with pytest.raises(ConfigurationError, match=r"grpo.gradient_accumulation_steps follows from"):
        doubled.on(1)
