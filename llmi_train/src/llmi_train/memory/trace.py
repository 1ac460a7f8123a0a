"""What activations cost: shallow copies of the architecture run on tensors that have shapes and no contents."""

from __future__ import annotations

import warnings
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from llmi_train.memory.architecture import Architecture
from llmi_train.memory.live import LiveBytes
from llmi_train.memory.load import Load

_SHALLOW, _DEEPER = 2, 4


@dataclass(frozen=True, slots=True)
class Trace:
    """Bytes of activations for one forward and backward pass of the decoder, linear in its depth.

    Attributes:
        kept, kept_per_layer: held at the end of the forward pass, for the backward pass.
        peak, peak_per_layer: the most that is held at any moment of the two.
    """

    kept: int
    kept_per_layer: int
    peak: int
    peak_per_layer: int

    def kept_by(self, layers: int) -> int:
        return self.kept + layers * self.kept_per_layer

    def peak_of(self, layers: int) -> int:
        return self.peak + layers * self.peak_per_layer


def trace_layers(architecture: Architecture, load: Load) -> Trace:
    """Run two and four layers, and take what two more layers cost as the cost of any two.

    Prompts are taken to be padded, and pictures to be tokens of the prompt: their tower is frozen and keeps nothing.
    """
    (kept_2, peak_2), (kept_4, peak_4) = (_run(architecture, load, layers) for layers in (_SHALLOW, _DEEPER))
    span = _DEEPER - _SHALLOW
    kept, peak = (kept_4 - kept_2) // span, (peak_4 - peak_2) // span
    return Trace(kept_2 - _SHALLOW * kept, kept, peak_2 - _SHALLOW * peak, peak)


def _run(architecture: Architecture, load: Load, layers: int) -> tuple[int, int]:
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode

    with torch.device("meta"):
        model = adapted_model(architecture, load, layers=layers)
    with FakeTensorMode():
        _without_contents(model)
        prepare_for_training(model, load)
        ids = torch.zeros(load.micro_batch, load.tokens, dtype=torch.long)
        mask = torch.ones_like(ids)
        with _LiveShapes() as live:
            with torch.autocast("cpu", torch.bfloat16) if load.half else nullcontext():
                hidden = model.get_base_model().base_model(input_ids=ids, attention_mask=mask, use_cache=False)[0]
            kept = live.now
            hidden.backward(torch.ones_like(hidden))
        return kept, live.peak


def trace_head(architecture: Architecture, load: Load) -> int:
    """The most bytes that TRL's head holds on a CPU, forward and backward, its tiles in float32 copies.

    On a GPU a kernel works on each tile in place, and only what runs there can be asked; see `estimate`.
    """
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode
    from trl.kernels.chunked_logprob import ChunkedLogProbFunction
    from trl.trainer.utils import _CHUNKED_LOGPROB_CHUNK_SIZE

    text, dtype = architecture.text, torch.bfloat16 if load.half else torch.float32
    tokens = load.micro_batch * (load.tokens - 1)
    with FakeTensorMode():
        hidden = torch.empty(tokens, text.hidden_size, dtype=dtype, requires_grad=True)
        weight = torch.empty(text.vocab_size, text.hidden_size, dtype=dtype)
        targets = torch.zeros(tokens, dtype=torch.long)
        with LiveBytes() as live:
            scored = ChunkedLogProbFunction.apply(
                hidden, weight, None, targets, 1.0, _CHUNKED_LOGPROB_CHUNK_SIZE, None, 1.0, ("log_probs", "entropy")
            )
            scored[0].sum().backward()
    return live.peak


class _LiveShapes(LiveBytes):
    """`LiveBytes` that also knows what experts' matrix products look like in float32.

    PyTorch runs them on a CPU, but refuses to say what comes out of them for tensors without contents.
    """

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(function, "__name__", "") == "_grouped_mm.default":
            left, right, *others = args
            ends = others[0] if others else (kwargs or {})["offs"]
            made = left.new_empty(_grouped_shape(left.shape, right.shape, len(ends)))
            self._add(made.untyped_storage())
            return made
        return super().__torch_dispatch__(function, types, args, kwargs)


def _grouped_shape(left: Any, right: Any, groups: int) -> tuple[int, ...]:
    if len(left) == len(right) == 2:  # the groups are what is summed over, as in a weight's gradient
        return groups, left[0], right[1]
    return left[-2], right[-1]


def adapted_model(architecture: Architecture, load: Load, *, layers: int | None = None) -> Any:
    """The model with its adapter, in the precisions a run has them in."""
    import torch
    from peft import LoraConfig, get_peft_model

    model = architecture.build(layers=layers, dtype=torch.bfloat16 if load.half else torch.float32)
    return get_peft_model(model, LoraConfig(**load.lora), autocast_adapter_dtype=not adapter_in_half(load))


def prepare_for_training(model: Any, load: Load) -> None:
    """Training mode, checkpointing as set, and gradients that are already there, as from the second micro-batch on."""
    import torch

    model.config.use_cache = False
    if load.checkpointing:
        with warnings.catch_warnings():
            # its new name is younger than the oldest transformers that is supported
            warnings.simplefilter("ignore", FutureWarning)
            model.gradient_checkpointing_enable({"use_reentrant": load.zero == "zero3"})
        model.enable_input_require_grads()
    model.train()
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.grad = torch.zeros_like(parameter)


def adapter_in_half(load: Load) -> bool:
    """DeepSpeed keeps float32 copies of its own and casts the adapter; without it PEFT keeps adapters in float32."""
    return load.half and load.zero != "none"


def _without_contents(model: Any) -> None:
    """Swap every parameter and buffer of a model on the meta device for one on a CPU that only has a shape."""
    import torch

    for module in model.modules():
        for name, parameter in module._parameters.items():
            if parameter is not None:
                empty = torch.empty(parameter.shape, dtype=parameter.dtype, device="cpu")
                module._parameters[name] = torch.nn.Parameter(empty, requires_grad=parameter.requires_grad)
        for name, buffer in module._buffers.items():
            if buffer is not None:
                module._buffers[name] = torch.empty(buffer.shape, dtype=buffer.dtype, device="cpu")
