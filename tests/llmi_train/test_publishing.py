"""What is pushed, how, and that it can be loaded again, against a Hub on loopback."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hub_server import Hub
from runs_on_disk import entries, write_log
from typer.testing import CliRunner

from llmi_sandbox import Toolkit
from llmi_schema import ConfigurationError
from llmi_train.cli import app
from llmi_train.evaluate import ProjectBenchmark, load_run, run_benchmark
from llmi_train.policies import Completion
from llmi_train.publishing import prepare
from llmi_train.recipe import Recipe
from llmi_train.watching import RunRecord, write_record
from llmi_train.watching.record import record_of


@pytest.fixture
def run(base: Path, model: Any, tmp_path: Path) -> Path:
    """A finished run: an adapter that changes what the model says, its log and its record."""
    import torch
    from peft import LoraConfig, get_peft_model

    folder = tmp_path / "run"
    adapted = get_peft_model(model, LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM"))
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.5)
    adapted.peft_config["default"].base_model_name_or_path = str(base)
    adapted.save_pretrained(folder / "adapter")
    (folder / "adapter" / "training_args.bin").write_bytes(b"not for others")
    write_log(folder, entries()[:20])
    recipe = Recipe(model=str(base), data=Path("me/prompts"), output_dir=folder)
    record = record_of(recipe, reward="format * (0.6 * count + 0.4 * tool)")
    evaluation = {"in_domain": {"reward": 0.87654, "unscored": 0}}
    write_record(folder, RunRecord(**vars(record) | {"evaluation": evaluation}))
    return folder


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub().running() as hub:
        yield hub


def push(hub: Hub, run: Path, home: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own: the Hub's client reads its environment when it is imported."""
    return python(hub, home, "-m", "llmi_train", "push", str(run), "--repo", "me/fox", *flags)


def python(hub: Hub, home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = os.environ | hub.environment(home) | environment
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, env=variables, timeout=120)


def test_the_adapter_is_pushed_in_one_private_commit_and_loads_again(
    run: Path, base: Path, hub: Hub, tmp_path: Path
) -> None:
    done = push(hub, run, tmp_path / "home")
    assert done.returncode == 0, done.stderr
    repository = hub.repositories["me/fox"]
    assert repository.private
    assert len(repository.commits) == 1
    assert {"README.md", "adapter_config.json", "adapter_model.safetensors", "curves/reward.png"} <= set(
        repository.files
    )
    assert "training_args.bin" not in repository.files
    assert repository.files["curves/reward.png"].startswith(b"\x89PNG")
    code = f"""if True:
        import torch
        from peft import PeftModel
        from transformers import AutoModelForCausalLM
        ids = torch.arange(12).unsqueeze(0)
        def said(adapter):
            base = AutoModelForCausalLM.from_pretrained({str(base)!r})
            return PeftModel.from_pretrained(base, adapter).eval()(ids).logits
        with torch.no_grad():
            pushed, trained = said("me/fox"), said({str(run / "adapter")!r})
            plain = AutoModelForCausalLM.from_pretrained({str(base)!r})(ids).logits
        print(bool((pushed == trained).all()), bool((pushed - plain).abs().max() > 0.1))
    """
    loaded = python(hub, tmp_path / "other home", "-c", code)
    assert loaded.stdout.split() == ["True", "True"], loaded.stderr


def test_the_merged_model_is_whole(run: Path, base: Path) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    ids = torch.arange(12).unsqueeze(0)
    with prepare(run, "me/fox", merged=True) as folder, torch.no_grad():
        assert not (folder / "adapter_config.json").exists()
        merged = AutoModelForCausalLM.from_pretrained(folder).eval()(ids).logits
        assert AutoTokenizer.from_pretrained(folder).eos_token == "<|im_end|>"
        assert "base_model_relation" not in (folder / "README.md").read_text()  # its base is a folder here
        plain = AutoModelForCausalLM.from_pretrained(base)
        assert (merged - plain(ids).logits).abs().max() > 0.1
        adapted = PeftModel.from_pretrained(plain, run / "adapter").eval()(ids).logits
        torch.testing.assert_close(merged, adapted, atol=1e-4, rtol=1e-4)


@pytest.mark.slow
def test_the_merged_model_is_pushed_and_says_what_the_adapter_says(
    run: Path, base: Path, hub: Hub, tmp_path: Path
) -> None:
    done = push(hub, run, tmp_path / "home", "--merged", "--public")
    assert done.returncode == 0, done.stderr
    repository = hub.repositories["me/fox"]
    assert not repository.private
    assert {"model.safetensors", "config.json", "tokenizer.json"} <= set(repository.files)
    assert "adapter_config.json" not in repository.files
    code = f"""if True:
        import torch
        from peft import PeftModel
        from transformers import AutoModelForCausalLM, AutoTokenizer
        ids = torch.arange(12).unsqueeze(0)
        with torch.no_grad():
            merged = AutoModelForCausalLM.from_pretrained("me/fox").eval()(ids).logits
            base = AutoModelForCausalLM.from_pretrained({str(base)!r})
            adapted = PeftModel.from_pretrained(base, {str(run / "adapter")!r}).eval()(ids).logits
        print(float((merged - adapted).abs().max()) < 1e-4, AutoTokenizer.from_pretrained("me/fox").eos_token)
    """
    loaded = python(hub, tmp_path / "other home", "-c", code)
    assert loaded.stdout.split() == ["True", "<|im_end|>"], loaded.stderr


def test_a_token_that_may_not_write_is_told_what_to_do(run: Path, hub: Hub, tmp_path: Path) -> None:
    command = ["-m", "llmi_train", "push", str(run), "--repo", "me/fox"]
    done = python(hub, tmp_path / "home", *command, HF_TOKEN="hf_other")
    assert done.returncode == 1
    assert "hf auth login" in done.stderr
    assert "Traceback" not in done.stderr
    assert not hub.repositories


def test_without_a_network_it_says_so(run: Path) -> None:
    result = CliRunner().invoke(app, ["push", str(run), "--repo", "me/fox"])
    assert result.exit_code == 1
    assert "cannot be reached" in result.output


def test_the_card_tells_what_was_done(run: Path) -> None:
    with prepare(run, "me/fox") as folder:
        text = (folder / "README.md").read_text()
        pictures = {path.name for path in (folder / "curves").iterdir()}
    _, head, body = text.split("---\n", 2)
    assert yaml.safe_load(head) == {
        "library_name": "peft",
        "tags": ["llm-i", "grpo", "trl", "lora"],
        "datasets": ["me/prompts"],
    }
    for words in (
        "`format * (0.6 * count + 0.4 * tool)`",
        "| in_domain: reward | 0.877 |",
        "20 steps; the reward in training went from",
        'adapter="me/fox"',
        "deadline_seconds: 60.0",
        "- trl: 1.",
    ):
        assert words in body, words
    assert pictures == {"reward.png", "components.png"}
    assert all(f"curves/{name}" in body for name in pictures)


def test_a_published_base_is_named_in_head_and_adapter(run: Path) -> None:
    record = json.loads((run / "run.json").read_text())
    record["recipe"]["model"] = "Qwen/Qwen3-4B-Instruct-2507"
    (run / "run.json").write_text(json.dumps(record))
    with prepare(run, "me/fox") as folder:
        head = yaml.safe_load((folder / "README.md").read_text().split("---\n")[1])
        adapter = json.loads((folder / "adapter_config.json").read_text())
    assert (head["base_model"], head["base_model_relation"]) == ("Qwen/Qwen3-4B-Instruct-2507", "adapter")
    assert adapter["base_model_name_or_path"] == "Qwen/Qwen3-4B-Instruct-2507"


def test_nothing_is_claimed_that_was_not_measured(run: Path) -> None:
    for name in ("log.jsonl", "run.json"):
        (run / name).unlink()
    with prepare(run, "me/fox") as folder:
        text = (folder / "README.md").read_text()
    assert "Not evaluated on held-out prompts" in text
    assert "The run left no log." in text


def test_held_out_figures_go_into_card_and_report(run: Path, tmp_path: Path) -> None:
    held_out = tmp_path / "held_out.json"
    held_out.write_text(json.dumps({"reward": 0.91234, "satisfied": {"valid document": 1.0}, "answers": [1, 2, 3]}))
    command = ["push", str(run), "--repo", "me/fox", "--dry-run", "--evaluation", str(held_out)]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert "| held_out: reward | 0.912 |" in result.output
    assert "| held_out: satisfied: valid document | 1.000 |" in result.output
    assert "| in_domain: reward | 0.877 |" in result.output
    assert "answers" not in result.output
    held_out.write_text("[1]")
    assert "a JSON object" in CliRunner().invoke(app, command).output


@pytest.mark.parametrize("what", ["", "results.json"])
def test_an_evaluation_goes_into_the_card_as_its_summary(run: Path, tmp_path: Path, what: str) -> None:
    class Silent:
        identity = "silent"

        async def write(self, request: Any) -> Completion:
            return Completion("Nothing.", finished=True, tokens=1)

    async def evaluate() -> None:
        async with Toolkit.offline(workers=1) as toolkit:
            await run_benchmark(ProjectBenchmark.load(limit=2), Silent(), toolkit, tmp_path / "eval")

    asyncio.run(evaluate())
    arguments = ["push", str(run), "--repo", "me/fox", "--dry-run", "--evaluation", str(tmp_path / "eval" / what)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    score = load_run(tmp_path / "eval").score
    assert f"| project by rules: score | {score.low:.3f} |" in result.output
    assert f"| project by rules: 95 % interval | {score.lower:.3f} to {score.upper:.3f} |" in result.output
    assert "| project by rules: policy | silent |" in result.output
    assert "bakery" not in result.output


@pytest.mark.parametrize("repo", ["fox", "me/fox/cub", "me/-fox"])
def test_a_name_that_is_none(run: Path, repo: str) -> None:
    with pytest.raises(ConfigurationError, match="--repo"), prepare(run, repo):
        pass


def test_a_run_without_an_adapter(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no adapter"), prepare(tmp_path, "me/fox"):
        pass


def test_a_dry_run_shows_the_card_and_asks_nobody(run: Path) -> None:
    result = CliRunner().invoke(app, ["push", str(run), "--repo", "me/fox", "--dry-run"])
    assert result.exit_code == 0, result.output
    assert "adapter_model.safetensors" in result.output
    assert "## Evaluation" in result.output
