"""`Load`: what a run asks of a GPU, apart from the model itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from llmi_train.distributed import Zero

Vllm = Literal["none", "colocate", "server"]


@dataclass(frozen=True, slots=True)
class Load:
    """The sizes and settings that memory depends on.

    Attributes:
        prompt_tokens, completion_tokens: of the longest prompt and the longest completion.
        micro_batch: sequences per forward pass, `per_device_train_batch_size`.
        rollouts: sequences a process generates at once, `micro_batch * steps_per_generation`.
        lora: fields of `peft.LoraConfig`.
        zero: DeepSpeed's stage.
        processes: GPUs that share what ZeRO shares.
        checkpointing: recompute each layer's activations in the backward pass.
        half: mixed precision in bfloat16; weights are then loaded in it, as published.
        vllm: who generates: transformers in this process, vLLM beside it, or a vLLM server elsewhere.
        vllm_share: share of the GPU's memory vLLM takes for weights and cache when it is colocated.
        vllm_sleeps: vLLM gives its memory back while the policy trains.
        gpu_bytes: of one GPU.
        device: "cuda", or "cpu" for a comparison where there is no GPU: the head then works in float32 throughout.
    """

    prompt_tokens: int
    completion_tokens: int
    micro_batch: int = 1
    rollouts: int = 1
    lora: dict[str, Any] = field(default_factory=lambda: {"r": 32, "lora_alpha": 64, "target_modules": "all-linear"})
    zero: Zero = "none"
    processes: int = 1
    checkpointing: bool = True
    half: bool = True
    vllm: Vllm = "none"
    vllm_share: float = 0.3
    vllm_sleeps: bool = False
    gpu_bytes: int = 80 * 2**30
    device: Literal["cuda", "cpu"] = "cuda"

    @property
    def tokens(self) -> int:
        """Of one sequence."""
        return self.prompt_tokens + self.completion_tokens

    @property
    def shards(self) -> int:
        """Over how many processes ZeRO spreads the optimiser."""
        return self.processes if self.zero != "none" else 1
