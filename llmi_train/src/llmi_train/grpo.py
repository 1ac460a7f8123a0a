"""GRPO with LoRA under DeepSpeed: TRL's trainer with the least that must be added.

`train(recipe)` runs a recipe from its files; `train_grpo` is the same for a model, rows and a reward already at hand.
Both continue from the newest whole checkpoint of their folder, and do nothing when the run is already finished.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmi_schema import ConfigurationError
from llmi_train.checkpoints import newest_whole_checkpoint
from llmi_train.distributed import Zero, deepspeed_config, single_process_environment
from llmi_train.recipe import Lora, Recipe, check_keys

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainerCallback

    from llmi_sandbox import Toolkit

ADAPTER = "adapter"
LOG = "log.jsonl"


def train(recipe: Recipe, *, toolkit: Toolkit | None = None, callbacks: Sequence[TrainerCallback] = ()) -> Path:
    """Run a recipe. Returns the folder of the LoRA adapter.

    Args:
        toolkit: makes the pictures; the one the recipe names unless given. It is not closed here when given.

    Raises `ConfigurationError` when the model or the data are not where the recipe says.
    """
    from llmi_reward import presets
    from llmi_reward.integrations.trl import trl_reward
    from llmi_sandbox import Toolkit

    single_process_environment()
    model, tokenizer = load_policy(recipe.model)
    with nullcontext(toolkit) if toolkit else Toolkit.offline() as tools:
        reward = trl_reward(
            getattr(presets, recipe.reward)(strict=recipe.strict_counts),
            render=tools.render,
            deadline_seconds=recipe.deadline_seconds,
            end_tokens={tokenizer.eos_token_id},
        )
        return train_grpo(
            model,
            tokenizer,
            load_rows(recipe.data),
            reward,
            recipe.output_dir,
            lora=recipe.lora,
            zero=recipe.zero,
            seed=recipe.seed,
            callbacks=callbacks,
            **recipe.grpo,
        )


def train_grpo(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    rows: Dataset,
    reward: Callable[..., Any],
    output_dir: Path,
    *,
    lora: Lora,
    zero: Zero = "zero2",
    seed: int = 0,
    callbacks: Sequence[TrainerCallback] = (),
    **settings: Any,
) -> Path:
    """Train a LoRA adapter on `model`.

    Args:
        rows: `prompt` (chat messages) and the columns the reward reads.
        reward: one TRL reward function, e.g. from `llmi_reward.integrations.trl.trl_reward`.
        settings: fields of TRL's `GRPOConfig` that differ from the defaults here.

    Returns the adapter's folder, `output_dir / "adapter"`.
    """
    from peft import LoraConfig, TaskType
    from transformers import PrinterCallback
    from trl import GRPOConfig, GRPOTrainer

    check_keys(settings, {field.name for field in fields(GRPOConfig)}, "grpo")
    single_process_environment()
    adapter = output_dir / ADAPTER
    config = GRPOConfig(
        output_dir=str(output_dir),
        seed=seed,
        deepspeed=deepspeed_config(zero),
        **{"report_to": "none", "disable_tqdm": True, "logging_steps": 1, "remove_unused_columns": False, **settings},
    )
    trainer = GRPOTrainer(
        model=model,
        args=config,
        reward_funcs=reward,
        train_dataset=rows,
        processing_class=tokenizer,
        peft_config=LoraConfig(task_type=TaskType.CAUSAL_LM, **lora.model_dump()),
        callbacks=list(callbacks),
    )
    if callbacks:
        trainer.remove_callback(PrinterCallback)
    checkpoint = newest_whole_checkpoint(output_dir)
    if checkpoint is None or not _is_last(checkpoint, config.max_steps):
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    trainer.save_model(str(adapter))
    if trainer.accelerator.is_main_process:
        _write_log(trainer.state.log_history, output_dir / LOG)
    return adapter


def load_policy(name: str) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A policy and its tokenizer from a folder or the Hub."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    try:
        model = AutoModelForCausalLM.from_pretrained(name, dtype="auto")
        return model, AutoTokenizer.from_pretrained(name, padding_side="left")
    except OSError as error:
        raise ConfigurationError(f"model: cannot load {name!r}: {str(error).splitlines()[0]}") from error


def load_rows(folder: Path) -> Dataset:
    """The training rows as the trainer wants them: `images` renamed, since TRL would hand them to the model."""
    from datasets import DatasetDict, load_from_disk

    try:
        data = load_from_disk(str(folder))
    except FileNotFoundError as error:
        raise ConfigurationError(f"data: {folder} holds no dataset; make one with `llmi-data generate`") from error
    rows = data["train"] if isinstance(data, DatasetDict) else data
    return training_columns(rows)


def training_columns(rows: Dataset) -> Dataset:
    """Only what the prompt and the reward need; the user's pictures become `input_pictures`.

    TRL hands a column named `images` to the model's processor, which a text-only policy has not got.
    """
    from datasets import Image

    kept = rows.select_columns(["prompt", "image_count", "required_tools", "images"])
    undecoded = kept.cast_column("images", [Image(decode=False)])
    return undecoded.rename_column("images", "input_pictures")


def _is_last(checkpoint: Path, max_steps: int) -> bool:
    state = json.loads((checkpoint / "trainer_state.json").read_text())
    return 0 < max_steps <= state["global_step"]


def _write_log(history: Sequence[dict[str, Any]], path: Path) -> None:
    path.write_text("".join(json.dumps(entry) + "\n" for entry in history))
