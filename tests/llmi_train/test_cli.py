from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from llmi_train.cli import app

run = CliRunner().invoke


def test_a_wrong_recipe_ends_in_one_sentence(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("model: m\ndata: d\noutput_dir: o\nlearning_rate: 1\n")
    result = run(app, ["grpo", "--config", str(recipe)])
    assert result.exit_code == 1
    assert "there is no setting 'learning_rate'" in result.output
    assert "Traceback" not in result.output


def test_missing_weights_and_data_are_named(tmp_path: Path, base: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(f"model: {tmp_path}/none\ndata: {tmp_path}/rows\noutput_dir: {tmp_path}/out\n")
    assert "model: cannot load" in run(app, ["grpo", "--config", str(recipe)]).output
    recipe.write_text(f"model: {base}\ndata: {tmp_path}/rows\noutput_dir: {tmp_path}/out\n")
    assert "holds no dataset" in run(app, ["grpo", "--config", str(recipe)]).output


def test_write_leaves_a_page(tmp_path: Path, base: Path) -> None:
    page = tmp_path / "out.html"
    result = run(app, ["write", "A picture of a fox", "--model", str(base), "-o", str(page), "--max-new-tokens", "80"])
    assert result.exit_code == 0, result.output
    assert "A picture of a fox" in page.read_text()


def test_a_picture_that_is_none_is_named(tmp_path: Path, base: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("not a picture")
    result = run(app, ["write", "x", "--model", str(base), "--image", str(text)])
    assert result.exit_code == 1
    assert "notes.txt" in result.output


def test_a_recipe_is_trained_with_flags_that_override_it(tmp_path: Path) -> None:
    output = tmp_path / "run"
    result = run(
        app,
        [
            "grpo",
            "--config",
            "tiny/qwen3",
            "--output-dir",
            str(output),
            "--max_steps",
            "1",
            "--zero=none",
            "--lora.r",
            "2",
        ],
    )
    assert result.exit_code == 0, result.output
    assert "1/1  reward" in result.output
    assert json.loads((output / "adapter" / "adapter_config.json").read_text())["r"] == 2
    assert (output / "report.html").exists()


def test_a_misspelt_flag_is_told_what_was_meant() -> None:
    result = run(app, ["grpo", "--config", "tiny/qwen3", "--lerning_rate", "1"])
    assert result.exit_code == 1
    assert "did you mean 'learning_rate'?" in result.output
    assert "Traceback" not in result.output
