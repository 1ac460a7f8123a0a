"""A row without a score counts for nothing, on TRL's real computation of advantages and losses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

GROUP = 4


class Values:
    """A reward whose values the test sets."""

    __name__ = "reward"

    def __init__(self) -> None:
        self.next: list[float | None] = []

    async def __call__(self, prompts: Any, completions: Any, **columns: Any) -> list[float | None]:
        return self.next


Make = Callable[..., tuple[Any, Values]]


@pytest.fixture(scope="module")
def twin_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from llmi_train.twins import twin

    return twin("twin:qwen3", tmp_path_factory.mktemp("twins") / "qwen3")


@pytest.fixture
def make(twin_folder: Path, tmp_path: Path) -> Make:
    import torch
    from datasets import Dataset
    from peft import LoraConfig
    from trl import GRPOConfig

    from llmi_train.distributed import forget_earlier_runs
    from llmi_train.grpo.policy import load_policy
    from llmi_train.grpo.trainer import DocumentTrainer

    def trainer(**settings: Any) -> tuple[Any, Values]:
        forget_earlier_runs()
        model, tokenizer = load_policy(str(twin_folder))
        values = Values()
        made = DocumentTrainer(
            model=model,
            args=GRPOConfig(
                output_dir=str(tmp_path),
                use_cpu=True,
                bf16=False,
                gradient_checkpointing=False,
                report_to="none",
                per_device_train_batch_size=2 * GROUP,
                num_generations=GROUP,
                max_completion_length=6,
                steps_per_generation=1,
                **settings,
            ),
            reward_funcs=values,
            train_dataset=Dataset.from_list([{"prompt": [{"role": "user", "content": "a"}]}]),
            processing_class=tokenizer,
            peft_config=LoraConfig(r=2, target_modules="all-linear"),
        )
        made.current_gradient_accumulation_steps = 1
        made.model.train()
        torch.manual_seed(0)
        for name, weight in made.model.named_parameters():
            if "lora_B" in name:  # zero at the start, and so no gradient would reach A
                torch.nn.init.normal_(weight, std=0.1)
        return made, values

    return trainer


def batch() -> list[dict[str, Any]]:
    prompts = ["a fox"] * GROUP + ["two dogs"] * GROUP
    return [{"prompt": [{"role": "user", "content": prompt}], "image_count": 0} for prompt in prompts]


def gradient(trainer: Any, output: dict[str, Any]) -> Any:
    import torch

    trainer.model.zero_grad()
    trainer._compute_loss(trainer.model, output).backward()
    return torch.cat([p.grad.flatten() for p in trainer.model.parameters() if p.grad is not None])


def dropped(output: dict[str, Any], kept: list[int], values: list[float | None], mask: Any) -> dict[str, Any]:
    """The batch as if the rows without a score had never been there, advantages worked out by hand."""
    import torch

    advantages = []
    for group in range(len(values) // GROUP):
        numbers = range(group * GROUP, (group + 1) * GROUP)
        there = torch.tensor([values[n] for n in numbers if values[n] is not None])
        deviation = there.std() if len(there) > 1 else torch.tensor(0.0)
        advantages += [(values[n] - there.mean()) / (deviation + 1e-4) for n in numbers if values[n] is not None]
    fewer = {key: output[key][kept] for key in ("prompt_ids", "prompt_mask", "completion_ids")}
    completion_mask = mask[kept]
    return fewer | {
        "completion_mask": completion_mask,
        "advantages": torch.stack(advantages),
        "num_items_in_batch": completion_mask.sum(),
    }


@pytest.mark.parametrize(
    "settings",
    [
        {"loss_type": "dapo", "delta": 10.0},
        {"loss_type": "grpo", "importance_sampling_level": "sequence"},
        {"loss_type": "bnpo"},
        {"loss_type": "dr_grpo"},
    ],
    ids=lambda settings: settings["loss_type"],
)
def test_the_gradient_is_that_of_the_batch_without_them(make: Make, settings: dict[str, Any]) -> None:
    import torch

    trainer, values = make(**settings)
    values.next = [1.0, None, 0.0, 0.5, None, 0.25, None, 1.0]
    written: list[Any] = []
    generate = trainer._generate

    def remembered(prompts: Any) -> Any:
        written.append(generate(prompts))
        return written[0]

    trainer._generate = remembered
    output = trainer._generate_and_score_completions(batch())
    lengths = [len(ids) for ids in written[0][1]]
    whole = torch.arange(output["completion_ids"].shape[1]) < torch.tensor(lengths).unsqueeze(1)
    kept = [number for number, value in enumerate(values.next) if value is not None]
    ours = gradient(trainer, output)
    expected = gradient(trainer, dropped(output, kept, values.next, whole.long()))
    assert expected.abs().max() > 1e-4
    torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-7)


def test_a_group_with_one_score_or_none_teaches_nothing_and_is_counted(make: Make) -> None:
    trainer, values = make()
    values.next = [None, None, None, 0.7, None, None, None, None]
    output = trainer._generate_and_score_completions(batch())
    assert output["advantages"].tolist() == [0.0] * 8
    assert gradient(trainer, output).abs().max() == 0
    assert trainer._metrics["train"]["reward"] == [pytest.approx(0.7)]
    values.next = [None] * 8
    output = trainer._generate_and_score_completions(batch())
    assert output["completion_mask"].sum() == 0
    assert gradient(trainer, output).abs().max() == 0
    values.next = [0.1, 0.2, 0.3, 0.4, None, None, None, 0.5]
    trainer._generate_and_score_completions(batch())
    assert trainer._metrics["train"]["groups/without_signal"][-1] == 0.5


def test_a_full_batch_is_left_as_trl_made_it(make: Make) -> None:
    trainer, values = make()
    values.next = [1.0, 0.0, 0.0, 0.5, 0.5, 0.25, 0.75, 1.0]
    output = trainer._generate_and_score_completions(batch())
    assert output["num_items_in_batch"] == output["completion_mask"].sum()
    assert abs(float(output["advantages"].sum())) < 1e-5
    assert "groups/without_signal" not in trainer._metrics["train"]


def test_the_log_is_spared_the_whole_row(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    import logging

    trainer, values = make()
    values.next = [None] * 8
    logger = logging.getLogger("trl.trainer.grpo_trainer")
    logger.propagate = True
    trainer._generate_and_score_completions(batch())
    assert "returned None for the following" not in caplog.text
