"""`llmi-train sft`: supervised warm-up from a recipe, so that GRPO starts from a policy that knows the tags.

Its result, in `output_dir/model`, is what the `model` of a GRPO recipe may name.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from llmi_schema import ConfigurationError
from llmi_train import checkpoints
from llmi_train.distributed import Zero, deepspeed_config, forget_earlier_runs, join, rank, world_size
from llmi_train.recipe import Lora, check_settings, read_yaml

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import TrainerCallback

MODEL = "model"
ADAPTER = "adapter"


class SftRecipe(BaseModel):
    """One supervised run.

    Attributes:
        model: folder or Hub name of the weights, or a twin, as in a GRPO recipe.
        data: a JSON Lines file or a folder of a dataset with `prompt` and `completion`, each a text or chat messages.
        output_dir: where checkpoints and the result go.
        lora: train an adapter, which is then merged into the result; `null` trains all weights.
        zero, processes, seed, env: as in a GRPO recipe.
        instruct: begin every prompt with the system prompt that teaches the tags.
        sft: fields of TRL's `SFTConfig`, by their own names.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    data: Path
    output_dir: Path
    lora: Lora | None = Lora()
    zero: Zero = "zero2"
    processes: int | None = Field(default=None, ge=1, le=8)
    seed: int = 0
    instruct: bool = False
    sft: dict[str, Any] = {}
    env: dict[str, str] = {}

    @classmethod
    def from_yaml(cls, path: str | Path, **overrides: Any) -> Self:
        """As `Recipe.from_yaml`."""
        return read_yaml(cls, path, overrides)


def train_sft(recipe: SftRecipe, *, callbacks: Sequence[TrainerCallback] = ()) -> Path:
    """Run a recipe, going on from its newest whole checkpoint. Returns the folder of the trained model's weights.

    Raises `ConfigurationError` when the model or the data are not where the recipe says.
    """
    os.environ.update(recipe.env)
    forget_earlier_runs()
    source = _model(recipe)
    checkpoint = checkpoints.newest_whole_checkpoint(recipe.output_dir)
    about = {"lora": recipe.lora and recipe.lora.model_dump(), "zero": recipe.zero, "processes": world_size()}
    if checkpoint is not None:
        checkpoints.must_fit(checkpoint, about)
    if checkpoint is None or not _is_last(checkpoint, recipe):
        trained = _train(recipe, source, checkpoint, about, callbacks)
    else:
        trained = checkpoint
    folder = recipe.output_dir / MODEL
    if rank() == 0:
        _write_result(trained, source, folder, recipe)
    return folder


def _model(recipe: SftRecipe) -> str:
    from llmi_train.twins import PREFIX, twin

    if not recipe.model.startswith(PREFIX):
        return recipe.model
    recipe.output_dir.mkdir(parents=True, exist_ok=True)
    return str(twin(recipe.model, recipe.output_dir / "twin"))


def _train(
    recipe: SftRecipe, source: str, checkpoint: Path | None, about: dict[str, Any], callbacks: Sequence[TrainerCallback]
) -> Path:
    join(recipe.zero, cpu=bool(recipe.sft.get("use_cpu")))
    from peft import LoraConfig, TaskType
    from transformers import PrinterCallback
    from trl import SFTConfig, SFTTrainer

    from llmi_train.callbacks import LiveLog
    from llmi_train.grpo.policy import load_policy
    from llmi_train.grpo.run import LOG
    from llmi_train.sealing import Sealing

    class SealingTrainer(Sealing, SFTTrainer):
        """TRL's, with checkpoints that are whole or not there."""

    check_settings(recipe.sft, SFTConfig, "sft")
    settings = {"completion_only_loss": True, "report_to": "none", "disable_tqdm": True, **recipe.sft}
    keep = settings.pop("save_total_limit", None)
    config = SFTConfig(
        output_dir=str(recipe.output_dir), seed=recipe.seed, deepspeed=deepspeed_config(recipe.zero), **settings
    )
    model, processing = load_policy(source)
    peft = LoraConfig(task_type=TaskType.CAUSAL_LM, **recipe.lora.model_dump()) if recipe.lora else None
    trainer = SealingTrainer(
        model=model,
        args=config,
        train_dataset=load_pairs(recipe.data, instruct=recipe.instruct),
        processing_class=getattr(processing, "tokenizer", processing),  # the pairs are text, whatever the model sees
        peft_config=peft,
        callbacks=[LiveLog(recipe.output_dir / LOG), *callbacks],
    )
    trainer.about, trainer.keep_checkpoints = about, keep
    if callbacks:
        trainer.remove_callback(PrinterCallback)
    if trainer.accelerator.is_main_process:
        checkpoints.discard_unfinished(recipe.output_dir)
    trainer.accelerator.wait_for_everyone()
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    trained = recipe.output_dir / ADAPTER if recipe.lora else recipe.output_dir / MODEL
    with checkpoints.weights_written(recipe.output_dir):
        trainer.save_model(str(trained))
    trainer.accelerator.wait_for_everyone()
    return trained


def load_pairs(source: Path, *, instruct: bool = False) -> Dataset:
    """Prompts and completions as chat messages.

    Raises `ConfigurationError` when there is no dataset, or it lacks one of the two columns.
    """
    from datasets import Dataset, DatasetDict, load_from_disk

    try:
        data = Dataset.from_json(str(source)) if source.is_file() else load_from_disk(str(source))
    except FileNotFoundError as error:
        raise ConfigurationError(f"data: {source} is neither a JSON Lines file nor a dataset's folder") from error
    rows = data["train"] if isinstance(data, DatasetDict) else data
    if missing := {"prompt", "completion"} - set(rows.column_names):
        raise ConfigurationError(f"data: {source} has no column {', '.join(sorted(missing))}")
    pairs = rows.select_columns(["prompt", "completion"])
    return pairs.map(lambda row: _pair(row, instruct), remove_columns=pairs.column_names)


def _pair(row: dict[str, Any], instruct: bool) -> dict[str, Any]:
    from llmi_schema import system_prompt

    prompt = _messages(row["prompt"], "user")
    if instruct:
        prompt = [{"role": "system", "content": system_prompt()}, *prompt]
    return {"prompt": prompt, "completion": _messages(row["completion"], "assistant")}


def _messages(value: Any, role: str) -> list[dict[str, Any]]:
    return [{"role": role, "content": value}] if isinstance(value, str) else list(value)


def _is_last(checkpoint: Path, recipe: SftRecipe) -> bool:
    state = checkpoints.progress(checkpoint)
    steps, epochs = recipe.sft.get("max_steps", -1), recipe.sft.get("num_train_epochs", 3.0)
    same = steps > 0 or state["num_train_epochs"] == epochs
    return bool(same and state["global_step"] >= (steps if steps > 0 else state["max_steps"]))


def _write_result(trained: Path, source: str, folder: Path, recipe: SftRecipe) -> None:
    """The whole model, an adapter merged into it, for who loads it by name."""
    from llmi_train.grpo.policy import load_policy, load_processing

    forget_earlier_runs()
    if recipe.lora is None:
        if trained != folder:
            checkpoints.copy_model(trained, folder)
    else:
        from peft import PeftModel

        if trained != recipe.output_dir / ADAPTER:
            checkpoints.copy_model(trained, recipe.output_dir / ADAPTER)
        model, _ = load_policy(source)
        with checkpoints.weights_written(recipe.output_dir):
            PeftModel.from_pretrained(model, str(trained)).merge_and_unload().save_pretrained(folder)
    with checkpoints.weights_written(recipe.output_dir):
        load_processing(source).save_pretrained(folder)
