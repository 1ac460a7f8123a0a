"""Batch arithmetic: what TRL demands of the numbers, shown with the numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import lcm
from typing import Any

from llmi_train.doctor.finding import Finding

_MICRO, _ACCUMULATION, _ANSWERS = 8, 1, 8
"""TRL's defaults for per_device_train_batch_size, gradient_accumulation_steps and num_generations."""


def batches(grpo: Mapping[str, Any], processes: int) -> Iterator[Finding]:
    """A generation must hold whole groups of answers, and be shared evenly by steps and processes."""
    micro = grpo.get("per_device_train_batch_size", _MICRO)
    accumulation = grpo.get("gradient_accumulation_steps", _ACCUMULATION)
    answers = grpo.get("num_generations", _ANSWERS)
    together = micro * processes
    if answers < 2:
        yield Finding(
            "group size", False, f"num_generations is {answers}", "GRPO compares answers: set 2 or more, or 8"
        )
        return
    if {"generation_batch_size", "steps_per_generation"} <= grpo.keys():
        yield Finding(
            "generation batch",
            False,
            "both generation_batch_size and steps_per_generation are set",
            "Remove one of them",
        )
        return
    if "generation_batch_size" in grpo:
        size = grpo["generation_batch_size"]
        steps, rest = divmod(size, together)
        yield Finding(
            "generation batch",
            not rest and steps > 0,
            f"generation_batch_size {size} / ({micro} per device × {processes} processes) = {size / together:g} steps",
            f"Set generation_batch_size to a multiple of {lcm(together, answers)}",
        )
    else:
        steps = grpo.get("steps_per_generation", accumulation)
        size = together * steps
    prompts, rest = divmod(size, answers)
    yield Finding(
        "groups",
        not rest and prompts > 0,
        f"{micro} per device × {processes} processes × {steps} steps = {size} answers / {answers} per prompt = "
        f"{size / answers:g} prompts per generation",
        f"The prompts must be a whole number: set steps_per_generation to a multiple of "
        f"{lcm(together, answers) // together}, or per_device_train_batch_size to a multiple of "
        f"{lcm(processes * steps, answers) // (processes * steps)}",
    )
    updates, rest = divmod(steps, accumulation)
    yield Finding(
        "updates",
        not rest and updates > 0,
        f"{steps} steps per generation / {accumulation} accumulated = {steps / accumulation:g} updates per generation",
        f"Some updates would mix two generations: set steps_per_generation to a multiple of {accumulation}",
        warning=True,
    )


def enough_rows(rows: int, grpo: Mapping[str, Any], processes: int) -> Finding:
    """Whether the data fill one generation; TRL would train on nothing."""
    micro, answers = grpo.get("per_device_train_batch_size", _MICRO), grpo.get("num_generations", _ANSWERS)
    steps = grpo.get("steps_per_generation", grpo.get("gradient_accumulation_steps", _ACCUMULATION))
    prompts = grpo.get("generation_batch_size", micro * processes * steps) // answers
    return Finding(
        "rows",
        rows >= prompts,
        f"{rows} rows to train on, {prompts} prompts in each generation",
        "Make more rows (llmi-data generate), or lower prompts_per_generation",
    )
