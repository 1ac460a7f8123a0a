from __future__ import annotations

from pathlib import Path

import pytest

from llmi_schema import ConfigurationError
from llmi_train import RECIPES, Recipe
from llmi_train.recipe import check_keys


def test_shipped_recipes_are_valid_and_name_real_settings() -> None:
    from dataclasses import fields

    from trl import GRPOConfig

    shipped = list(RECIPES.glob("*.yaml"))
    assert shipped
    for path in shipped:
        check_keys(Recipe.from_yaml(path).grpo, {field.name for field in fields(GRPOConfig)}, path.name)


def test_overrides_replace_values(tmp_path: Path) -> None:
    recipe = Recipe.from_yaml(RECIPES / "demo.yaml", output_dir=tmp_path, seed=7)
    assert (recipe.output_dir, recipe.seed, recipe.zero) == (tmp_path, 7, "zero2")
    changed = recipe.with_grpo(max_steps=3)
    assert changed.grpo["max_steps"] == 3
    assert changed.grpo["num_generations"] == recipe.grpo["num_generations"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("model: m\ndata: d\noutput_dir: o\nsede: 1\n", "there is no setting 'sede'; did you mean 'seed'?"),
        (
            "model: m\ndata: d\noutput_dir: o\nlearning_rate: 1\n",
            "there is no setting 'learning_rate'; the trainer's own settings go under grpo:",
        ),
        ("data: d\noutput_dir: o\n", "the setting 'model' is missing"),
        ("model: m\ndata: d\noutput_dir: o\nzero: zero9\n", "zero"),
        ("model: m\ndata: d\noutput_dir: o\nlora: {r: 0}\n", "lora.r"),
        ("- a list\n", "a recipe is a mapping"),
        ("a: [\n", "not valid YAML"),
    ],
)
def test_a_wrong_recipe_is_explained(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        Recipe.from_yaml(path)
    assert says in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_missing_recipe_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere.yaml: cannot read the recipe"):
        Recipe.from_yaml(tmp_path / "nowhere.yaml")


def test_unknown_trainer_settings_get_a_suggestion() -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'learning_rate'"):
        check_keys({"learning_rat": 1}, {"learning_rate", "max_steps"}, "grpo")
