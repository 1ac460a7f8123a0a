from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llmi_schema import ConfigurationError, SearchCall
from llmi_train.callbacks import OnStep
from llmi_train.supervised import SftRecipe, load_pairs, train_sft

TAG = SearchCall(description="a fox", params={"query": "fox"}).to_tag()  # type: ignore[arg-type]
SETTINGS = {
    "max_steps": 3,
    "save_steps": 1,
    "per_device_train_batch_size": 2,
    "learning_rate": 1e-2,
    "use_cpu": True,
    "bf16": False,
    "gradient_checkpointing": False,
}


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps({"prompt": f"Show {n} foxes", "completion": TAG}) + "\n" for n in range(8)))
    return path


def recipe(pairs: Path, output: Path, **changes: Any) -> SftRecipe:
    given = {"model": "twin:qwen3", "data": pairs, "output_dir": output, "zero": "none", "sft": SETTINGS}
    return SftRecipe.model_validate(given | changes)


def weights(model: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return load_file(model / "model.safetensors")


@pytest.mark.parametrize("lora", [{"r": 2, "lora_alpha": 4}, None])
def test_the_result_is_a_model_of_its_own(pairs: Path, tmp_path: Path, lora: Any) -> None:
    from llmi_train.grpo.policy import load_policy

    given = recipe(pairs, tmp_path / "run", lora=lora)
    model = train_sft(given)
    before, after = weights(tmp_path / "run" / "twin"), weights(model)
    assert before.keys() == after.keys()
    assert any(not before[name].equal(after[name]) for name in before)
    load_policy(str(model))

    def never(step: int, log: dict[str, Any]) -> None:
        raise AssertionError("a finished run was trained again")

    train_sft(given, callbacks=[OnStep(never)])
    assert all(after[name].equal(weights(model)[name]) for name in after)


def test_a_model_that_sees_is_taught_by_text_and_sees_afterwards(pairs: Path, tmp_path: Path) -> None:
    from llmi_train.grpo.policy import load_policy

    lora = {"r": 2, "lora_alpha": 4, "exclude_modules": ".*visual.*"}
    model = train_sft(recipe(pairs, tmp_path / "run", model="twin:qwen2.5-vl", lora=lora))
    policy, processor = load_policy(str(model))
    assert hasattr(processor, "image_processor")
    assert type(policy).__name__ == "Qwen2_5_VLForConditionalGeneration"


def test_prompts_may_be_text_or_messages_and_be_taught(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text(json.dumps({"prompt": [{"role": "user", "content": "a"}], "completion": "b"}) + "\n")
    assert load_pairs(path)[0] == {
        "prompt": [{"role": "user", "content": "a"}],
        "completion": [{"role": "assistant", "content": "b"}],
    }
    taught = load_pairs(path, instruct=True)[0]["prompt"]
    assert [message["role"] for message in taught] == ["system", "user"]
    assert "<imgen>" in taught[0]["content"]


def test_data_that_are_none_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="neither a JSON Lines file nor a dataset"):
        load_pairs(tmp_path / "nowhere")
    (tmp_path / "x.jsonl").write_text('{"prompt": "a"}\n')
    with pytest.raises(ConfigurationError, match="has no column completion"):
        load_pairs(tmp_path / "x.jsonl")
