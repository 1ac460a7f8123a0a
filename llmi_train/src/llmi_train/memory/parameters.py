"""How many parameters a model and its LoRA adapter have: the real architecture, built without storage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from llmi_train.memory.architecture import Architecture


@dataclass(frozen=True, slots=True)
class Parameters:
    """Counts of numbers.

    Attributes:
        base: of the model; tied embeddings once.
        vision: the part of `base` that sees.
        layer: of the largest decoder layer, which ZeRO-3 gathers as a whole.
        lora: what is trained.
        adapted: how many matrices carry an adapter.
    """

    base: int
    vision: int
    layer: int
    lora: int
    adapted: int


def count_parameters(architecture: Architecture, lora: dict[str, Any]) -> Parameters:
    """Count on the meta device; nothing is allocated and nothing is downloaded.

    Raises ValueError, from PEFT, when `lora` names modules that the architecture has not got.
    """
    import torch
    from peft import LoraConfig, get_peft_model

    with torch.device("meta"):
        model = architecture.build()
        base = sum(p.numel() for p in model.parameters())
        vision = sum(p.numel() for name, p in model.named_parameters() if ".visual." in f".{name}")
        layers = [sum(p.numel() for p in layer.parameters()) for layer in decoder_layers(model)]
        adapted = get_peft_model(model, LoraConfig(**lora))
    trained = [(name, p) for name, p in adapted.named_parameters() if p.requires_grad]
    return Parameters(
        base=base,
        vision=vision,
        layer=max(layers),
        lora=sum(p.numel() for _, p in trained),
        adapted=sum("lora_A" in name for name, _ in trained),
    )


def decoder_layers(model: Any) -> Any:
    """The language model's stack of layers."""
    decoder = model.get_decoder() if hasattr(model, "get_decoder") else model.base_model
    return getattr(decoder, "language_model", decoder).layers
