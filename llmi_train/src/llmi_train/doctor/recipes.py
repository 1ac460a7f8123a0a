"""Everything a recipe needs, checked before it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from llmi_schema import ConfigurationError, LLMIError
from llmi_train.doctor import batches, compiling, gpus, judges, tokenizers, tools, versions
from llmi_train.doctor.finding import Finding

if TYPE_CHECKING:
    from llmi_train.memory import Architecture
    from llmi_train.recipe import Recipe


def examine_recipe(recipe: Recipe, *, unsafe: bool = False, pay: bool = True) -> Iterator[Finding]:
    """Look at everything a recipe needs here, the cheap things first.

    Args:
        unsafe: run the tools' code without isolation.
        pay: ask judges and call tools; one verdict of each judge and one picture of each tool.
    """
    from llmi_train.dry_run.parts import processes_of

    processes = processes_of(recipe)
    try:
        resolved = recipe.on(processes)
    except ConfigurationError as error:
        yield Finding("recipe", False, str(error), "Change the recipe and try again")
        return
    yield from batches.batches(resolved.grpo, processes)
    yield _rows(resolved, processes)
    yield from versions.vllm(resolved.grpo)
    yield from compiling.deepspeed(resolved.zero)
    cpu = bool(resolved.grpo.get("use_cpu", False))
    here = gpus.gpus_here()
    yield from gpus.for_recipe(here, processes=processes, cpu=cpu, half=bool(resolved.grpo.get("bf16", True)))
    yield from _model(resolved, here, cpu=cpu)
    if pay:
        yield from asyncio.run(judges.judges(resolved.reward, resolved.judges))
        yield from _tools(resolved, unsafe=unsafe)


def _rows(recipe: Recipe, processes: int) -> Finding:
    from llmi_train.grpo.policy import load_rows

    try:
        rows = len(load_rows(recipe.data))
    except ConfigurationError as error:
        return Finding("rows", False, str(error), "Make them before the run starts", warning=True)
    return batches.enough_rows(rows, recipe.grpo, processes)


def _model(recipe: Recipe, here: list[gpus.Gpu], *, cpu: bool) -> Iterator[Finding]:
    from llmi_train.dry_run import architecture_for

    try:
        architecture = architecture_for(recipe)
    except ConfigurationError as error:
        yield Finding("model", False, str(error), "Name a folder with weights, or a model of the Hub")
        return
    yield Finding("model", True, f"{architecture.config.model_type}, from {architecture.source}")
    if not cpu:
        yield from _guarded("GPU memory", lambda: [_room(recipe, architecture, here)])
    yield from _processor(recipe, architecture)


def _room(recipe: Recipe, architecture: Architecture, here: list[gpus.Gpu]) -> Finding:
    from llmi_train.dry_run import memory_of

    smallest = min((gpu.bytes for gpu in here), default=None)
    return gpus.room(memory_of(recipe, architecture, gpu_bytes=smallest), here)


def _processor(recipe: Recipe, architecture: Architecture) -> Iterator[Finding]:
    from llmi_train.dry_run import model_folder

    folder = model_folder(recipe)
    try:
        processor = tokenizers.load(folder, sees=architecture.sees)
    except OSError as error:
        yield tokenizers.at_hand(folder, error)
        return
    except ConfigurationError as error:
        yield Finding("pictures", False, str(error), "Use the processor of the model's own repository")
        return
    yield from tokenizers.templates(processor)
    yield from tokenizers.sight(processor, sees=architecture.sees)
    if recipe.constrain != "none":
        yield tokenizers.constraints(processor, recipe.grpo.get("max_completion_length", 512))


def _tools(recipe: Recipe, *, unsafe: bool) -> Iterator[Finding]:
    from llmi_train.grpo.run import open_toolkit

    def look() -> list[Finding]:
        with open_toolkit(recipe.tools, unsafe=unsafe) as toolkit:
            return asyncio.run(tools.tools(toolkit))

    yield from _guarded("tools", look)


def _guarded(name: str, look: Callable[[], Any]) -> Iterator[Finding]:
    """A check that cannot be made is a finding, too."""
    try:
        yield from look()
    except (LLMIError, ValueError) as error:
        yield Finding(name, False, str(error), "Change the recipe and try again")
