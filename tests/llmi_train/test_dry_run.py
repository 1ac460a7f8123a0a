"""Every shipped recipe resolves, scores one rollout and has its memory estimated, without weights and without a GPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from llmi_schema import ConfigurationError
from llmi_train.dry_run import dry_run
from llmi_train.recipe import RECIPES, Recipe

SHIPPED = sorted(str(path.relative_to(RECIPES)) for path in RECIPES.rglob("*.yaml"))
ENVIRONMENT = {"SERP_API_KEY": "not shown"}


def read(name: str, base: Path, **overrides: Any) -> Recipe:
    """A recipe as a test machine can run it: offline tools, and the demo's own model where it is named."""
    if name == "demo.yaml":
        overrides["model"] = str(base)
    return Recipe.from_yaml(RECIPES / name, tools="offline", **overrides)


@pytest.mark.parametrize("name", [name for name in SHIPPED if "sft" not in name])
def test_every_recipe_dry_runs(name: str, base: Path) -> None:
    tried = dry_run(read(name, base, env=ENVIRONMENT))
    assert tried.ok, tried.findings
    assert tried.memory.peak > 0
    assert tried.rollout.score.value is not None or tried.rollout.score.reason
    text = str(tried)
    assert "not shown" not in text
    for words in ("Resolved recipe:", "prompts per generation", "weights", "One rollout:", "score"):
        assert words in text


@pytest.mark.parametrize("processes", [1, 2, 4, 8])
@pytest.mark.parametrize("name", ["qwen3-4b-instruct.yaml", "qwen2.5-vl-32b.yaml", "qwen3-30b-a3b-instruct.yaml"])
def test_every_rung_of_a_ladder_divides(name: str, processes: int, base: Path) -> None:
    from llmi_train.doctor.batches import batches

    resolved = read(name, base).on(processes)
    assert [finding.detail for finding in batches(resolved.grpo, processes) if not finding.ok] == []


def test_the_resolved_recipe_is_one_again(base: Path, tmp_path: Path) -> None:
    import yaml

    tried = dry_run(read("tiny/qwen3.yaml", base))
    path = tmp_path / "resolved.yaml"
    path.write_text(tried.yaml)
    again = Recipe.from_yaml(path, prompts_per_generation=None)
    assert again.grpo == tried.recipe.grpo
    assert yaml.safe_load(tried.yaml)["zero"] == again.zero


def test_a_twin_stands_in_for_weights_that_are_not_here(base: Path) -> None:
    tried = dry_run(read("qwen2.5-vl-7b.yaml", base, reward="rules"))
    assert any("not on this machine" in remark for remark in tried.rollout.remarks)
    assert tried.rollout.tags >= 1  # written under the row's own constraint
    assert "qwen2.5-vl-7b-instruct" in tried.memory.source


def test_weights_that_are_here_write_the_rollout(base: Path) -> None:
    tried = dry_run(Recipe(model=str(base), data=Path("demo:76"), output_dir=Path("o"), grpo={"use_cpu": True}))
    assert tried.rollout.remarks == ()
    assert tried.rollout.formula == "format * (0.6 * count + 0.4 * tool)"
    assert str(base) in tried.memory.source


def test_judges_that_are_not_set_up_are_said_to_be_missing(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for judge in ("LLM_JUDGE", "MLLM_JUDGE"):
        monkeypatch.delenv(f"{judge}_BASE_URL", raising=False)
    tried = dry_run(read("tiny/qwen3.yaml", base, reward="llmi"))
    assert any("LLM_JUDGE_BASE_URL" in remark for remark in tried.rollout.remarks)


def test_what_is_wrong_is_said_before_anything_is_loaded(base: Path) -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'learning_rate'"):
        dry_run(read("tiny/qwen3.yaml", base).with_grpo(learning_rat=1))
    uneven = read("tiny/qwen3.yaml", base, prompts_per_generation=None).with_grpo(
        per_device_train_batch_size=3, num_generations=4, gradient_accumulation_steps=1, steps_per_generation=1
    )
    tried = dry_run(uneven)
    assert not tried.ok
    assert "steps_per_generation to a multiple of 4" in str(tried)


def test_it_writes_nothing_of_a_run(base: Path, tmp_path: Path) -> None:
    dry_run(read("tiny/qwen3.yaml", base, output_dir=tmp_path / "out"))
    assert not (tmp_path / "out").exists()
