"""The estimate: every part with its arithmetic, and the moment at which most is held."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from llmi_train.distributed import deepspeed_config
from llmi_train.memory.architecture import Architecture
from llmi_train.memory.load import Load
from llmi_train.memory.parameters import Parameters, count_parameters
from llmi_train.memory.trace import Trace, adapter_in_half, trace_head, trace_layers

When = Literal["always", "training", "generation"]

_GIB = 2**30
_ZERO3_PREFETCH = 50_000_000
"""Numbers ZeRO-3 fetches ahead (`stage3_prefetch_bucket_size`)."""
_HEAD_TOKENS, _HEAD_WORDS = 4096, 32768
"""The tile TRL's head works on (`trl.kernels.chunked_logprob`): the logits never exist as a whole."""
_CONTEXT = 0.6 * _GIB
"""What CUDA itself takes of a GPU, outside of what PyTorch counts; 0.4 to 0.8 GiB by driver and card."""


@dataclass(frozen=True, slots=True)
class Line:
    """One part: its bytes on one GPU, how they come about, and when they are held."""

    name: str
    bytes: int
    arithmetic: str
    when: When = "always"


@dataclass(frozen=True)
class Estimate:
    """What a run holds on one GPU.

    Attributes:
        lines: the parts. Those of training and of generation are never held at the same time.
        source: where the architecture was read.
        gpu_bytes: what one GPU has; None for a run on the CPU.
    """

    lines: tuple[Line, ...]
    source: str
    gpu_bytes: int | None

    def held(self, when: When) -> int:
        """Bytes of all lines of one kind."""
        return sum(line.bytes for line in self.lines if line.when == when)

    @property
    def training(self) -> int:
        """The peak while the policy trains: what `torch.cuda.max_memory_allocated` would say."""
        return self.held("always") + self.held("training")

    @property
    def generation(self) -> int:
        """The peak while it generates."""
        return self.held("always") + self.held("generation")

    @property
    def peak(self) -> int:
        return max(self.training, self.generation)

    @property
    def fits(self) -> bool:
        """Whether the peak and what CUDA takes for itself are within nine tenths of the GPU, for fragments."""
        return self.gpu_bytes is None or self.peak + _CONTEXT <= 0.9 * self.gpu_bytes

    def __str__(self) -> str:
        width = max(len(line.name) for line in self.lines)
        titles: dict[When, str] = {"always": "held always", "training": "training", "generation": "generating"}
        text = [f"Memory {'of each process' if self.gpu_bytes is None else 'on each GPU'}, from {self.source}:"]
        for when, title in titles.items():
            lines = [line for line in self.lines if line.when == when]
            text += [f"  {title}"] if lines else []
            text += [f"    {line.name:<{width}}  {_shown(line.bytes):>10}  {line.arithmetic}" for line in lines]
        text.append(
            f"  peak {_shown(self.peak)}: {_shown(self.training)} training, {_shown(self.generation)} generating"
        )
        if self.gpu_bytes is not None:
            text.append(
                f"  with {_shown(int(_CONTEXT))} for CUDA itself and a tenth for fragments it "
                f"{'fits' if self.fits else 'does NOT fit'} a GPU of {_shown(self.gpu_bytes)}"
            )
        return "\n".join(text)


def estimate(architecture: Architecture, load: Load) -> Estimate:
    """Work out a run's memory. Seconds on a CPU; no weights, no GPU, no network but for the configuration.

    Not in it: fragments of the allocator, buffers of NCCL, and what vLLM takes when it is a server elsewhere.
    """
    counted = count_parameters(architecture, load.lora)
    lines = (
        *_states(counted, load),
        *_training(architecture, counted, trace_layers(architecture, load), load),
        *_generation(architecture, counted, load),
    )
    return Estimate(lines, architecture.source, None if load.device == "cpu" else load.gpu_bytes)


def _states(counted: Parameters, load: Load) -> Iterator[Line]:
    """Weights, gradients and the optimiser."""
    width = 2 if load.half else 4
    over = load.processes if load.zero == "zero3" else 1
    vision = f", {counted.vision:,} of them for seeing" if counted.vision else ""
    yield Line(
        "weights",
        counted.base * width // over,
        f"{counted.base:,} numbers × {width} B{_over(over)}{vision}",
    )
    adapter = 2 if adapter_in_half(load) else 4
    yield Line(
        "LoRA",
        counted.lora * adapter // over,
        f"{counted.lora:,} numbers in {counted.adapted} matrices × {adapter} B{_over(over)}",
    )
    grad_over = load.shards if load.zero in ("zero2", "zero3") else 1
    yield Line("gradients", counted.lora * adapter // grad_over, f"LoRA × {adapter} B{_over(grad_over)}")
    states = 8 + (4 if load.zero != "none" else 0)
    what = "AdamW's two moments" + (" and DeepSpeed's float32 copy" if states == 12 else "")
    yield Line("optimiser", counted.lora * states // load.shards, f"LoRA × {states} B ({what}){_over(load.shards)}")


def _training(architecture: Architecture, counted: Parameters, trace: Trace, load: Load) -> Iterator[Line]:
    """Activations, and what the head or the backward pass holds for a moment on top of them."""
    layers = architecture.text.num_hidden_layers
    kept = trace.kept_by(layers)
    how = "recomputed in the backward pass" if load.checkpointing else "no checkpointing"
    yield Line(
        "activations",
        kept,
        f"{layers} layers × {_shown(trace.kept_per_layer)} + {_shown(trace.kept)} for "
        f"{load.micro_batch} × ({load.prompt_tokens} + {load.completion_tokens}) tokens ({how})",
        "training",
    )
    head, arithmetic = _head(architecture, load)
    backward = trace.peak_of(layers) - kept
    if head > backward:
        yield Line("head", head, arithmetic, "training")
    else:
        yield Line(
            "backward pass",
            backward,
            f"a layer's activations and their gradients at once; the head takes {_shown(head)} at another moment",
            "training",
        )
    if config := deepspeed_config(load.zero):
        width = 2 if load.half else 4
        bucket = int(config["zero_optimization"]["reduce_bucket_size"])  # held however few are trained
        yield Line("gradient bucket", bucket * width, f"{bucket:,} × {width} B (reduce_bucket_size)", "training")
    if load.zero == "zero3" and load.processes > 1:
        width = 2 if load.half else 4
        live = counted.layer + _ZERO3_PREFETCH
        yield Line(
            "gathered layers",
            live * width,
            f"({counted.layer:,} of a layer + {_ZERO3_PREFETCH:,} fetched ahead) × {width} B",
            "training",
        )


def _head(architecture: Architecture, load: Load) -> tuple[int, str]:
    """The bytes of TRL's fused head, forward and backward, over the completion's tokens."""
    words, hidden = architecture.text.vocab_size, architecture.text.hidden_size
    if load.device == "cpu":
        return trace_head(architecture, load), "TRL's head in plain torch, traced"
    tokens, width = load.micro_batch * load.completion_tokens, 2 if load.half else 4
    rows, columns = min(tokens, _HEAD_TOKENS), min(words, _HEAD_WORDS)
    return (
        rows * columns * width + tokens * hidden * (2 * width + 4),
        f"a tile of {rows} tokens × {columns} of {words} words × {width} B, and {tokens} tokens × {hidden} × "
        f"{2 * width + 4} B; whole logits, which TRL never makes, would be {_shown(tokens * words * width)}",
    )


def _generation(architecture: Architecture, counted: Parameters, load: Load) -> Iterator[Line]:
    """The key-value cache, or vLLM's share."""
    if load.vllm == "server":
        return
    if load.vllm == "colocate":
        yield Line(
            "vLLM",
            int(load.vllm_share * load.gpu_bytes),
            f"{load.vllm_share:g} of the GPU (vllm_gpu_memory_utilization), weights and cache"
            + (", given back while training" if load.vllm_sleeps else ", also while training"),
            "generation" if load.vllm_sleeps else "always",
        )
        return
    text = architecture.text
    width = 2 if load.half else 4
    per_head = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    yield Line(
        "key-value cache",
        2 * text.num_hidden_layers * text.num_key_value_heads * per_head * width * load.rollouts * load.tokens,
        f"2 × {text.num_hidden_layers} layers × {text.num_key_value_heads} heads × {per_head} × {width} B × "
        f"{load.rollouts} sequences × {load.tokens} tokens",
        "generation",
    )
    yield Line(
        "next token's logits",
        load.rollouts * text.vocab_size * 4 * 3,
        f"{load.rollouts} × {text.vocab_size} × 4 B × 3 (logits, probabilities, their sorting)",
        "generation",
    )
    if load.zero == "zero3" and load.processes > 1:
        others = counted.base * width * (load.processes - 1) // load.processes
        yield Line("gathered weights", others, "the other processes' shares (ds3_gather_for_generation)", "generation")


def _over(processes: int) -> str:
    return f" / {processes} processes" if processes > 1 else ""


def _shown(size: int) -> str:
    if size >= _GIB / 10:
        return f"{size / _GIB:,.2f} GiB"
    return f"{size / 2**20:,.1f} MiB" if size >= 2**20 / 10 else f"{size / 2**10:,.1f} KiB"
