"""One run from its recipe to its adapter."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmi_schema import ConfigurationError
from llmi_schema.files import write_whole
from llmi_train import checkpoints
from llmi_train.distributed import Zero, deepspeed_config, forget_earlier_runs, join, rank, world_size
from llmi_train.recipe import Constrain, Kept, Lora, Recipe, check_settings
from llmi_train.reward import build_reward

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedModel, TrainerCallback
    from trl import GRPOConfig

    from llmi_sandbox import Toolkit

ADAPTER = "adapter"
LOG = "log.jsonl"

_DEFAULTS: Mapping[str, Any] = {
    "report_to": "none",
    "disable_tqdm": True,
    "logging_steps": 1,
    "remove_unused_columns": False,
}


def train(recipe: Recipe, *, toolkit: Toolkit | None = None, callbacks: Sequence[TrainerCallback] = ()) -> Path:
    """Run a recipe. Returns the folder of the LoRA adapter.

    In a process that a launcher started this trains as one of its group; see `llmi_train.launch`.

    Args:
        toolkit: makes the pictures; the one the recipe names unless given. It is not closed here when given.

    Raises `ConfigurationError` when the model or the data are not where the recipe says.
    """
    from llmi_train.grpo.policy import load_policy, load_rows, sees, training_columns

    os.environ.update(recipe.env)
    forget_earlier_runs()
    recipe = ready(recipe.on(world_size()))
    run = _Run(recipe.output_dir, recipe.lora, recipe.zero, recipe.seed, recipe.grpo)
    if (adapter := run.adapter_of_finished()) is not None:
        return adapter
    seeing = sees(recipe.model)
    rows = load_rows(recipe.data)
    engine = _constraint_of_the_engine(recipe, rows, seeing)
    with _tools(recipe, toolkit) as tools:
        # the configuration comes first: under ZeRO-3 it makes from_pretrained share the weights out as it reads them
        config = run.configure(engine)
        model, processing = load_policy(recipe.model, max_pixels=recipe.max_pixels)
        rows = training_columns(rows, processing, instruct=recipe.instruct, max_prompt_tokens=recipe.max_prompt_tokens)
        reward = scoring(recipe, tools, end_tokens(model, processing))
        return run.go(config, model, processing, rows, reward, callbacks, recipe.constrain, recipe.completions)


def train_grpo(
    model: PreTrainedModel,
    processing: Any,
    rows: Dataset,
    reward: Callable[..., Any],
    output_dir: Path,
    *,
    lora: Lora,
    zero: Zero = "zero2",
    seed: int = 0,
    callbacks: Sequence[TrainerCallback] = (),
    constrain: Constrain = "none",
    completions: Kept | None = None,
    **settings: Any,
) -> Path:
    """Train a LoRA adapter on `model`.

    Args:
        processing: its tokenizer, or its processor if it sees pictures.
        rows: `prompt` (chat messages) and the columns the reward reads.
        reward: one TRL reward function, e.g. from `llmi_reward.integrations.trl.trl_reward`; a `Scoring` is begun
            while completions are still being written.
        constrain: what rollouts may not write.
        completions: which are kept for a report, if `reward` is a `Scoring`.
        settings: fields of TRL's `GRPOConfig` that differ from the defaults here.

    Returns the adapter's folder, `output_dir / "adapter"`.
    """
    forget_earlier_runs()
    run = _Run(output_dir, lora, zero, seed, settings)
    if (adapter := run.adapter_of_finished()) is not None:
        return adapter
    return run.go(run.configure(), model, processing, rows, reward, callbacks, constrain, completions)


def ready(recipe: Recipe) -> Recipe:
    """The recipe with a twin's weights built, in `output_dir/twin`, where it names one."""
    from llmi_train.twins import PREFIX, twin

    if not recipe.model.startswith(PREFIX):
        return recipe
    folder = recipe.output_dir / "twin"
    folder.parent.mkdir(parents=True, exist_ok=True)
    return recipe.model_copy(update={"model": str(twin(recipe.model, folder))})


def scoring(recipe: Recipe, toolkit: Toolkit, ends: set[int]) -> Any:
    """The reward of a recipe: its formula over what `toolkit` makes of a completion."""
    from llmi_reward.integrations.limit import UnscoredLimit
    from llmi_reward.integrations.scorer import Scorer
    from llmi_train.grpo.scoring import Scoring

    limit = None if recipe.most_unscored is None else UnscoredLimit(recipe.most_unscored)
    scorer = Scorer(build_reward(recipe), toolkit.render, deadline_seconds=recipe.deadline_seconds, limit=limit)
    return Scoring(scorer, end_tokens=ends, truncated=recipe.truncated)


def end_tokens(model: PreTrainedModel, processing: Any) -> set[int]:
    """The ids that end an answer, as the trainer counts them."""
    tokenizer = getattr(processing, "tokenizer", processing)
    declared = model.generation_config.eos_token_id
    return {tokenizer.eos_token_id, *([declared] if isinstance(declared, int) else declared or [])}


def open_toolkit(name: str, *, unsafe: bool = False) -> Toolkit:
    """`offline`, `env`, or a file. Raises `ConfigurationError` for a file that describes no tools."""
    from llmi_sandbox import Toolkit

    match name:
        case "offline":
            return Toolkit.offline(unsafe=unsafe)
        case "env":
            return Toolkit.from_env()
        case _:
            return Toolkit.from_file(name)


def _tools(recipe: Recipe, toolkit: Toolkit | None) -> AbstractContextManager[Toolkit]:
    return nullcontext(toolkit) if toolkit is not None else open_toolkit(recipe.tools)


def _constraint_of_the_engine(recipe: Recipe, rows: Dataset, seeing: bool) -> dict[str, Any]:
    """Settings that make vLLM enforce the tag language: it takes one constraint for all rows.

    Raises `ConfigurationError` for what an engine other than transformers' plain `generate` cannot enforce.
    """
    on_vllm = bool(recipe.grpo.get("use_vllm"))
    if not on_vllm and not recipe.grpo.get("use_transformers_continuous_batching"):
        return {}
    if "constrain" in rows.column_names or recipe.constrain == "row":
        what = "a constraint for each row"
    elif recipe.constrain == "none":
        return {}
    elif not on_vllm or seeing:
        what = "a constraint on prompts with pictures" if seeing else "a constraint"
    else:
        from llmi_schema.grammar import document_grammar

        given = recipe.grpo.get("generation_kwargs") or {}
        return {"generation_kwargs": {**given, "structured_outputs": {"grammar": document_grammar().ebnf}}}
    raise ConfigurationError(
        f"constrain: {what} needs rollouts by transformers: set use_vllm and use_transformers_continuous_batching to "
        "false, or constrain: none"
    )


class _Run:
    """A folder with checkpoints, and the settings that belong to it."""

    def __init__(self, output_dir: Path, lora: Lora, zero: Zero, seed: int, settings: Mapping[str, Any]) -> None:
        self._output_dir = output_dir
        self._lora = lora
        self._zero = zero
        self._seed = seed
        self._settings = {**_DEFAULTS, **settings}
        self._keep = self._settings.pop("save_total_limit", None)
        self._about = {
            "lora": lora.model_dump(exclude_none=True),
            "zero": zero,
            "seed": seed,
            "processes": world_size(),
        }

    def adapter_of_finished(self) -> Path | None:
        """The adapter of a run that has nothing left to do. Nothing is loaded to find out.

        Raises `ConfigurationError` when the folder holds another run's checkpoints.
        """
        checkpoint = checkpoints.newest_whole_checkpoint(self._output_dir)
        if checkpoint is None:
            return None
        checkpoints.must_fit(checkpoint, self._about)
        state = checkpoints.progress(checkpoint)
        steps, epochs = self._settings.get("max_steps", -1), self._settings.get("num_train_epochs", 3.0)
        last = steps if steps > 0 else state["max_steps"] if state["num_train_epochs"] == epochs else None
        if last is None or state["global_step"] < last:
            return None
        adapter = self._output_dir / ADAPTER
        if rank() == 0:
            checkpoints.copy_model(checkpoint, adapter)
            write_log(state["log_history"], self._output_dir / LOG)
        return adapter

    def configure(self, more: Mapping[str, Any] | None = None) -> GRPOConfig:
        """Join the group and make the trainer's configuration."""
        join(self._zero, cpu=bool(self._settings.get("use_cpu")))
        from trl import GRPOConfig

        check_settings(self._settings, GRPOConfig, "grpo")
        try:
            config = GRPOConfig(
                output_dir=str(self._output_dir),
                seed=self._seed,
                deepspeed=deepspeed_config(self._zero),
                **{**self._settings, **(more or {})},
            )
        except ValueError as error:  # TRL and transformers check their settings so
            raise ConfigurationError(f"grpo: {error}") from error
        updates = config.steps_per_generation * config.num_iterations // config.gradient_accumulation_steps
        if updates > 1 and config.save_strategy == "steps" and config.save_steps % updates:
            raise ConfigurationError(
                f"grpo.save_steps: {updates} steps are made from each generation, and a checkpoint between them could "
                f"not be continued exactly: choose a multiple of {updates}"
            )
        return config

    def go(
        self,
        config: GRPOConfig,
        model: PreTrainedModel,
        processing: Any,
        rows: Dataset,
        reward: Callable[..., Any],
        callbacks: Sequence[TrainerCallback],
        constrain: Constrain,
        completions: Kept | None,
    ) -> Path:
        from peft import LoraConfig, TaskType
        from transformers import PrinterCallback

        from llmi_train.callbacks import LiveLog
        from llmi_train.grpo.completions import CompletionLog
        from llmi_train.grpo.scoring import Scoring
        from llmi_train.grpo.trainer import DocumentTrainer

        trainer = DocumentTrainer(
            model=model,
            args=config,
            reward_funcs=reward,
            train_dataset=rows,
            processing_class=processing,
            peft_config=LoraConfig(task_type=TaskType.CAUSAL_LM, **self._lora.model_dump()),
            callbacks=[LiveLog(self._output_dir / LOG), *callbacks],
            scoring=reward if isinstance(reward, Scoring) else None,
            constrain=constrain,
            kept=CompletionLog(self._output_dir, completions or Kept(every=0)),
        )
        trainer.about, trainer.keep_checkpoints = self._about, self._keep
        if callbacks:
            trainer.remove_callback(PrinterCallback)
        checkpoint = checkpoints.newest_whole_checkpoint(self._output_dir)
        if trainer.accelerator.is_main_process:
            checkpoints.discard_unfinished(self._output_dir)
        trainer.accelerator.wait_for_everyone()
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        adapter = self._output_dir / ADAPTER
        with checkpoints.weights_written(self._output_dir):
            trainer.save_model(str(adapter))
        if trainer.accelerator.is_main_process:
            write_log(trainer.state.log_history, self._output_dir / LOG)
        return adapter


def write_log(history: Sequence[Mapping[str, Any]], path: Path) -> None:
    """What the trainer logged, one JSON object per line."""
    write_whole(path, "".join(json.dumps(entry) + "\n" for entry in history))
