"""The GPUs: how many, how large, and whether they compute in bfloat16."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmi_train.doctor.finding import Finding

if TYPE_CHECKING:
    from llmi_train.memory import Estimate

_FIRST_WITH_BF16 = (8, 0)
_GIB = 2**30


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU, as CUDA describes it; `capability` is its compute capability."""

    name: str
    bytes: int
    capability: tuple[int, int]


def gpus_here() -> list[Gpu]:
    """The GPUs this process may use."""
    import torch

    if not torch.cuda.is_available():
        return []
    found = map(torch.cuda.get_device_properties, range(torch.cuda.device_count()))
    return [Gpu(gpu.name, gpu.total_memory, (gpu.major, gpu.minor)) for gpu in found]


def presence(gpus: Sequence[Gpu]) -> Iterator[Finding]:
    """What there is. None is no fault: the demo and the tiny twins need none."""
    if not gpus:
        yield Finding(
            "GPU",
            False,
            "none; the demo and the tiny recipes train without one",
            "For a real model use a machine with an NVIDIA GPU and PyTorch for its CUDA (constraints-gpu.txt).",
            warning=True,
        )
    for number, gpu in enumerate(gpus):
        major, minor = gpu.capability
        yield Finding(
            f"GPU {number}", True, f"{gpu.name}, {gpu.bytes / _GIB:.0f} GiB, compute capability {major}.{minor}"
        )


def for_recipe(gpus: Sequence[Gpu], *, processes: int, cpu: bool, half: bool) -> Iterator[Finding]:
    """What a recipe wants of them."""
    if cpu:
        return
    yield Finding(
        "GPUs for the run",
        len(gpus) >= processes,
        f"{processes} wanted, one for each process, and {len(gpus)} there",
        f"Set processes: {len(gpus)}, or train on the CPU with use_cpu: true and bf16: false"
        if gpus
        else "Use a machine with GPUs, or train on the CPU with use_cpu: true and bf16: false (tiny models only)",
    )
    if half and gpus:
        old = [gpu for gpu in gpus if gpu.capability < _FIRST_WITH_BF16]
        yield Finding(
            "bfloat16",
            not old,
            f"{old[0].name} computes in float16 and float32 only" if old else "supported by every GPU",
            "Set bf16: false, or use GPUs of compute capability 8.0 (A100) or later",
        )


def room(made: Estimate, gpus: Sequence[Gpu]) -> Finding:
    """Whether the smallest of them holds the run, by the estimate; a warning where there is no GPU to hold it."""
    return Finding(
        "GPU memory",
        made.fits,
        f"{made.peak / _GIB:.1f} GiB estimated at the peak ({made.training / _GIB:.1f} training, "
        f"{made.generation / _GIB:.1f} generating), {(made.gpu_bytes or 0) / _GIB:.0f} GiB on a GPU",
        _make_room(made),
        warning=not gpus,
    )


def _make_room(made: Estimate) -> str:
    """What to change: the largest part at the peak decides."""
    moment = "training" if made.training >= made.generation else "generation"
    largest = max((line for line in made.lines if line.when in ("always", moment)), key=lambda line: line.bytes)
    advice = {
        "weights": "Set zero: zero3 to share them, or use more GPUs",
        "optimiser": "Lower lora.r, or set zero: zero2 to share it",
        "activations": "Lower per_device_train_batch_size, or set gradient_checkpointing: true",
        "backward pass": "Lower per_device_train_batch_size or max_completion_length",
        "head": "Lower per_device_train_batch_size",
        "key-value cache": "Lower steps_per_generation (with prompts_per_generation) or max_completion_length, or "
        "generate with vLLM",
        "vLLM": "Lower vllm_gpu_memory_utilization, set vllm_enable_sleep_mode: true, or use a vLLM server",
        "gathered weights": "Generate with vLLM, or set ds3_gather_for_generation: false, which is slow",
    }
    return f"Most is held by {largest.name}. " + advice.get(largest.name, "Lower per_device_train_batch_size")
