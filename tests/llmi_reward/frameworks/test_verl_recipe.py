"""The shipped verl settings and the converted rows, through verl's own configuration and dataset."""

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from shared import framework

ROOT = Path(__file__).parents[3]


@pytest.fixture
def settings(monkeypatch):
    """verl's configuration with what `examples/verl_grpo.sh` sets."""
    framework("verl")
    for package in ("sandbox", "llmi_data", "llmi_train"):  # which the environment of the adapters has no need of
        monkeypatch.syspath_prepend(str(ROOT / package / "src"))
    import verl
    from hydra import compose, initialize_config_dir

    script = (ROOT / "examples" / "verl_grpo.sh").read_text()
    arguments = re.findall(r"^  ([a-z_.]+=.*?)(?: \\)?$", script, flags=re.M)
    assert len(arguments) > 25
    given = {"$here": str(ROOT / "examples")}
    filled = []
    for argument in arguments:
        text = re.sub(r"\$\{\w+:-(.*?)\}", r"\1", argument).replace("$here", given["$here"])
        name, _, value = text.partition("=")
        filled.append(f"{name}={value.strip(chr(34) + chr(39))}")
    with initialize_config_dir(str(Path(verl.__file__).parent / "trainer" / "config"), version_base=None):
        return compose("ppo_trainer", overrides=filled)


def test_verl_knows_every_setting(settings):
    assert settings.algorithm.adv_estimator == "grpo"
    assert settings.actor_rollout_ref.actor.clip_ratio_c == 10.0
    assert settings.actor_rollout_ref.model.lora_rank == 32
    assert Path(settings.reward.custom_reward_function.path).is_file()


def test_verl_reads_the_converted_rows(settings, tmp_path):
    framework("verl")
    from verl.utils.dataset.rl_dataset import RLHFDataset

    from llmi_data import Plan, make_dataset
    from llmi_data.conversion import convert
    from llmi_train.tiny import train_tokenizer

    rows = [row for row in make_dataset(Plan.demo(rows=76, test_share=0)).split.train if not row.images][:12]
    source = tmp_path / "rows.jsonl"
    source.write_text("".join(row.model_dump_json() + "\n" for row in rows))
    convert(source, tmp_path / "train.parquet", to="verl")
    tokenizer = train_tokenizer([row.text for row in rows])
    dataset = RLHFDataset(str(tmp_path / "train.parquet"), tokenizer, settings.data)
    assert len(dataset) == len(rows)
    item = dataset[3]
    assert item["raw_prompt"][-1]["content"] == rows[3].text
    extra = item["extra_info"]
    assert extra["image_num"] == rows[3].image_count
    assert list(extra["tools"]) == list(rows[3].required_tools)
    assert extra["question"] == rows[3].text


def test_verl_scores_a_converted_row_with_the_shipped_reward(settings, tmp_path):
    framework("verl")
    import asyncio

    from verl.trainer.ppo.reward import get_custom_reward_fn

    score = get_custom_reward_fn(settings)
    answer = '<imgen>{"source": "search", "description": "a fox", "params": {"query": "fox"}}</imgen>'
    extra = {"image_num": 1, "tools": ["search"], "split": "train", "question": "A fox, please."}
    right = asyncio.run(score("interleaved", f"A fox: {answer}", "", extra))
    wrong = asyncio.run(score("interleaved", "A fox: <image>", "", extra))
    assert right["score"] > 0.9 > wrong["score"]
    assert right["valid"] == wrong["valid"] == 1.0
