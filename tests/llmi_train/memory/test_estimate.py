"""The estimate beside what a real step takes, for every architecture a recipe trains."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from llmi_schema import ConfigurationError
from llmi_train.memory import Architecture, Load, allocated_peak, architecture_of, count_parameters, estimate
from llmi_train.memory.trace import adapted_model, prepare_for_training

TEXT = {
    "vocab_size": 300,
    "hidden_size": 128,
    "intermediate_size": 384,
    "num_hidden_layers": 5,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "pad_token_id": 0,
    "eos_token_id": 1,
    "bos_token_id": None,
}
SEEN = {"rope_parameters": {"rope_type": "default", "mrope_section": [4, 6, 6], "rope_theta": 1e6}}
VISION = {"depth": 2, "hidden_size": 64, "intermediate_size": 128, "num_heads": 4, "out_hidden_size": 128}
EVERYWHERE = {"r": 8, "lora_alpha": 16, "target_modules": "all-linear", "exclude_modules": ".*visual.*"}
EXPERTS = {
    "r": 8,
    "lora_alpha": 16,
    "target_modules": ["q_proj", "k_proj", "v_proj", "o_proj"],
    "target_parameters": ["mlp.experts.gate_up_proj", "mlp.experts.down_proj"],
}
KINDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "qwen3": (TEXT, EVERYWHERE),
    "qwen3_moe": (
        TEXT | {"moe_intermediate_size": 64, "num_experts": 8, "num_experts_per_tok": 2, "mlp_only_layers": []},
        EXPERTS,
    ),
    "qwen2_5_vl": (
        {"text_config": TEXT | SEEN, "vision_config": VISION | {"fullatt_block_indexes": [1]}},
        EVERYWHERE,
    ),
    "qwen3_vl": ({"text_config": TEXT | SEEN, "vision_config": VISION | {"deepstack_visual_indexes": [0]}}, EVERYWHERE),
}


def tiny(kind: str) -> tuple[Architecture, dict[str, Any]]:
    from transformers import AutoConfig

    values, lora = KINDS[kind]
    return Architecture(AutoConfig.for_model(kind, **values), "a test"), lora


def step(model: Any, load: Load) -> int:
    """The bytes PyTorch's allocator hands out for one forward and backward pass as TRL makes it."""
    import torch
    from trl.trainer.utils import add_fused_lm_head

    add_fused_lm_head(model.get_base_model(), outputs=("log_probs", "entropy"))
    prepare_for_training(model, load)
    ids = torch.randint(0, 100, (load.micro_batch, load.tokens))
    mask = torch.ones_like(ids)
    mask[0, :9] = 0
    labels = ids.masked_fill(mask == 0, -100)
    labels[:, : load.prompt_tokens] = -100

    def work() -> None:
        with torch.autocast("cpu", torch.bfloat16) if load.half else nullcontext():
            scored = model(input_ids=ids, attention_mask=mask, labels=labels, fused_lm_head=True)
        scored.log_probs.sum().backward()

    return allocated_peak(work)


CASES = [
    *((kind, checkpointing, True) for kind in KINDS for checkpointing in (True, False)),
    ("qwen3", True, False),
    ("qwen3_moe", False, False),
]


@pytest.mark.parametrize(("kind", "checkpointing", "half"), CASES)
def test_activations_are_as_measured_within_two_percent(kind: str, checkpointing: bool, half: bool) -> None:
    architecture, lora = tiny(kind)
    load = Load(96, 64, micro_batch=3, lora=lora, checkpointing=checkpointing, half=half, device="cpu")
    measured = step(adapted_model(architecture, load), load)
    assert estimate(architecture, load).held("training") == pytest.approx(measured, rel=0.02)


@pytest.mark.parametrize(("kind", "half"), [*((kind, True) for kind in KINDS), ("qwen3", False)])
def test_weights_adapter_and_optimiser_to_the_byte(kind: str, half: bool) -> None:
    import torch

    architecture, lora = tiny(kind)
    load = Load(16, 16, lora=lora, half=half, device="cpu")
    model = adapted_model(architecture, load)
    trained = [p for p in model.parameters() if p.requires_grad]
    for parameter in trained:
        parameter.grad = torch.zeros_like(parameter)
    optimiser = torch.optim.AdamW(trained)
    optimiser.step()
    moments = [s for state in optimiser.state.values() for name, s in state.items() if name != "step"]
    lines = {line.name: line.bytes for line in estimate(architecture, load).lines}
    assert lines["weights"] == held(p for p in model.parameters() if not p.requires_grad)
    assert lines["LoRA"] == held(trained)
    assert lines["gradients"] == held(p.grad for p in trained)
    assert lines["optimiser"] == held(moments)


def test_the_cache_to_the_byte() -> None:
    import torch

    architecture, lora = tiny("qwen3")
    load = Load(10, 6, rollouts=3, lora=lora, half=False, device="cpu")
    model = architecture.build(dtype=torch.float32)
    cache = model(torch.randint(0, 100, (3, 16)), use_cache=True).past_key_values
    lines = {line.name: line.bytes for line in estimate(architecture, load).lines}
    assert lines["key-value cache"] == held(tensor for layer in cache.layers for tensor in (layer.keys, layer.values))


def held(tensors: Any) -> int:
    return sum(t.numel() * t.element_size() for t in tensors)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("Qwen/Qwen3-0.6B", 596_049_920),
        ("Qwen/Qwen3-4B-Instruct-2507", 4_022_468_096),
        ("Qwen/Qwen3-30B-A3B-Instruct-2507", 30_532_122_624),
        ("Qwen/Qwen2.5-VL-7B-Instruct", 8_292_166_656),
        ("Qwen/Qwen2.5-VL-32B-Instruct", 33_452_718_336),
    ],
)
def test_the_shipped_dimensions_have_the_published_parameters(name: str, parameters: int) -> None:
    architecture = architecture_of(name, offline=True)
    lora = {"r": 1, "target_modules": ["q_proj"], "exclude_modules": ".*visual.*"}
    counted = count_parameters(architecture, lora)
    assert counted.base == parameters
    text = architecture.text
    heads = text.num_attention_heads * (getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads)
    assert counted.lora == text.num_hidden_layers * (text.hidden_size + heads)
    assert bool(counted.vision) == architecture.sees


def test_zero_shares_what_each_stage_shares() -> None:
    architecture, lora = tiny("qwen3")

    def lines(**settings: Any) -> dict[str, int]:
        made = estimate(architecture, Load(16, 16, lora=lora, **settings))
        return {line.name: line.bytes for line in made.lines}

    alone, two, three = lines(), lines(zero="zero2", processes=4), lines(zero="zero3", processes=4)
    assert two["weights"] == alone["weights"] == 4 * three["weights"]
    assert two["optimiser"] == pytest.approx(alone["optimiser"] * 12 / 8 / 4)
    assert three["optimiser"] == two["optimiser"]
    assert "gathered weights" in three
    assert "gathered weights" not in lines(zero="zero3", processes=4, vllm="server")


def test_vllm_takes_its_share_and_may_give_it_back() -> None:
    architecture, lora = tiny("qwen3")
    awake = estimate(architecture, Load(16, 16, lora=lora, vllm="colocate", vllm_share=0.4, gpu_bytes=1000))
    asleep = estimate(
        architecture, Load(16, 16, lora=lora, vllm="colocate", vllm_share=0.4, gpu_bytes=1000, vllm_sleeps=True)
    )
    assert awake.training - asleep.training == 400
    assert awake.generation == asleep.generation
    assert not awake.fits


def test_it_is_told_line_by_line() -> None:
    architecture, lora = tiny("qwen3")
    made = estimate(architecture, Load(16, 16, lora=lora))
    text = str(made)
    assert "from a test" in text
    assert f"{count_parameters(architecture, lora).base:,} numbers × 2 B" in text
    assert all(line.name in text and line.arithmetic in text for line in made.lines)
    assert "it fits a GPU of 80.00 GiB" in text


def test_a_folder_comes_before_the_shipped_dimensions(tmp_path: Path) -> None:
    architecture, _ = tiny("qwen3")
    architecture.config.save_pretrained(tmp_path / "Qwen3-4B-Instruct-2507")
    found = architecture_of(tmp_path / "Qwen3-4B-Instruct-2507")
    assert found.text.hidden_size == 128
    assert "config.json" in found.source


def test_an_unknown_model_is_named_with_what_is_known() -> None:
    with pytest.raises(ConfigurationError, match=r"'someone/unheard-of'.*qwen3-4b-instruct-2507"):
        architecture_of("someone/unheard-of", offline=True)
