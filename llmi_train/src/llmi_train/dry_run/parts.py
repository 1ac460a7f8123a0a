"""What a recipe names, found without starting it: the model's architecture, its memory, its tools."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from llmi_train.twins import PREFIX, TWINS, twin

if TYPE_CHECKING:
    from llmi_train.memory import Architecture, Estimate, Load
    from llmi_train.recipe import Recipe

_TRL_COMPLETION = 512
"""TRL's default for max_completion_length."""
_USUAL_PROMPT = 1024
"""Prompt tokens assumed where a recipe sets no `max_prompt_tokens`."""


def processes_of(recipe: Recipe) -> int:
    """How many processes would train it here."""
    from llmi_train.launch import default_processes

    return recipe.processes or (1 if recipe.grpo.get("use_cpu") else default_processes())


def model_folder(recipe: Recipe) -> str:
    """What `from_pretrained` takes; a twin is built for it, for as long as this process lasts."""
    if not recipe.model.startswith(PREFIX):
        return recipe.model
    return str(twin(recipe.model, _workshop() / recipe.model.removeprefix(PREFIX)))


def twin_of(architecture: Architecture) -> str | None:
    """The folder of the tiny model of the same architecture, if there is one."""
    name = {"qwen2_5_vl": "qwen2.5-vl"}.get(architecture.config.model_type, architecture.config.model_type)
    name = name.replace("_", "-")
    return str(twin(f"{PREFIX}{name}", _workshop() / name)) if name in TWINS else None


def architecture_for(recipe: Recipe) -> Architecture:
    """The architecture a recipe trains. Raises `ConfigurationError` when it cannot be found out here."""
    from llmi_train.memory import architecture_of

    return architecture_of(model_folder(recipe))


def memory_of(recipe: Recipe, architecture: Architecture, *, gpu_bytes: int | None = None) -> Estimate:
    """What a resolved recipe (`recipe.on(n)`) holds on each GPU; `gpu_bytes` of 80 GiB unless given."""
    from llmi_train.memory import estimate

    return estimate(architecture, load_of(recipe, gpu_bytes=gpu_bytes))


def load_of(recipe: Recipe, *, gpu_bytes: int | None = None) -> Load:
    """The settings of a resolved recipe that memory depends on, TRL's defaults where it sets none."""
    from llmi_train.memory import Load

    grpo = recipe.grpo
    processes = recipe.processes or 1
    micro = grpo.get("per_device_train_batch_size", 8)
    steps = grpo.get("steps_per_generation", grpo.get("gradient_accumulation_steps", 1))
    whole = grpo.get("generation_batch_size", micro * processes * steps)
    return Load(
        prompt_tokens=recipe.max_prompt_tokens or _USUAL_PROMPT,
        completion_tokens=grpo.get("max_completion_length", _TRL_COMPLETION),
        micro_batch=micro,
        rollouts=max(1, whole // processes),
        lora=recipe.lora.model_dump(),
        zero=recipe.zero,
        processes=processes,
        checkpointing=grpo.get("gradient_checkpointing", True),
        half=grpo.get("bf16", True),
        vllm=grpo.get("vllm_mode", "colocate") if grpo.get("use_vllm", False) else "none",
        vllm_share=grpo.get("vllm_gpu_memory_utilization", 0.3),
        vllm_sleeps=grpo.get("vllm_enable_sleep_mode", False),
        device="cpu" if grpo.get("use_cpu", False) else "cuda",
        **({} if gpu_bytes is None else {"gpu_bytes": gpu_bytes}),
    )


@cache
def _workshop() -> Path:
    """Where twins for dry runs are built; gone when this process ends."""
    folder = tempfile.mkdtemp(prefix="llmi-twins-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
