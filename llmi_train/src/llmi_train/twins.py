"""Tiny models of the published architectures with random weights, built on the spot.

A twin has the layers of its large sibling in miniature (experts and router, vision tower and merger), so that what
trains it is what trains the real one: the same trainer, LoRA targets, processor and DeepSpeed stages. It knows nothing
and is not meant to learn; the demo's model, in `tiny.py`, is.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from llmi_schema import CodeCall, ConfigurationError, DiffusionCall, EditCall, SearchCall
from llmi_train.checkpoints import weights_written

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

PREFIX = "twin:"
_SEED = 0
_HIDDEN, _HEADS, _LAYERS, _CONTEXT = 32, 2, 2, 2048

_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{% if message.content is string %}{{ message.content }}{% else %}{% for part in message.content %}"
    "{% if part.type == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ part.text }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def twin(name: str, folder: Path) -> Path:
    """The folder of a twin's weights, in the usual layout. Built once; two processes may ask at the same time.

    Args:
        name: `twin:` and a key of `TWINS`.

    Raises `ConfigurationError` for a name that is none.
    """
    build = TWINS.get(name.removeprefix(PREFIX))
    if build is None:
        raise ConfigurationError(
            f"model: there is no {name!r}; twins are {', '.join(PREFIX + known for known in TWINS)}"
        )
    if not (folder / "config.json").is_file():
        unfinished = folder.with_name(f".{folder.name}.{os.getpid()}")
        try:
            with weights_written(folder.parent):
                _write(build, unfinished)
            with suppress(OSError):  # another process was faster, with the same result
                unfinished.rename(folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def _write(build: Callable[[PreTrainedTokenizerBase], Any], folder: Path) -> None:
    import torch

    tokenizer = _tokenizer()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_SEED)
        model: PreTrainedModel = build(tokenizer)
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.save_pretrained(folder)
    if hasattr(model.config, "vision_config"):
        _processor(model, tokenizer).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _tokenizer() -> PreTrainedTokenizerBase:
    from llmi_data import Plan, make_dataset
    from llmi_train.tiny import train_tokenizer
    from llmi_train.vision import IMAGE, VISION_END, VISION_START

    texts = [row.text for row in make_dataset(Plan.demo(rows=64, test_share=0)).split.train]
    tokenizer = train_tokenizer([*texts, *_tags()], vocabulary=500)
    tokenizer.add_tokens([VISION_START, VISION_END, IMAGE, "<|video_pad|>"], special_tokens=True)
    tokenizer.chat_template = _TEMPLATE
    return tokenizer


def _tags() -> list[str]:
    """Every tool's tag, several times: what stands between its values becomes one token each."""
    params: dict[type[BaseModel], dict[str, Any]] = {
        SearchCall: {"query": "a"},
        DiffusionCall: {"prompt": "a"},
        CodeCall: {"code": "a"},
        EditCall: {"img_index": 0, "prompt": "a"},
    }
    calls = [call.model_validate({"description": "a", "params": given}) for call, given in params.items()]
    return [call.to_tag() for call in calls] * 20  # type: ignore[attr-defined]  # each is a tool call


def _processor(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> Any:
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    from llmi_train.vision import PictureProcessor

    vision = model.config.vision_config
    pictures = Qwen2VLImageProcessorPil(patch_size=vision.patch_size, merge_size=vision.spatial_merge_size)
    return PictureProcessor(pictures, tokenizer, tokenizer.chat_template)


def _text(tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": _HIDDEN,
        "intermediate_size": 2 * _HIDDEN,
        "num_hidden_layers": _LAYERS,
        "num_attention_heads": _HEADS,
        "num_key_value_heads": 1,
        "max_position_embeddings": _CONTEXT,
        "pad_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "bos_token_id": None,
    }


def _picture_ids(tokenizer: PreTrainedTokenizerBase) -> dict[str, int]:
    from llmi_train.vision import IMAGE, VISION_END, VISION_START

    names = {
        "image_token_id": IMAGE,
        "video_token_id": "<|video_pad|>",
        "vision_start_token_id": VISION_START,
        "vision_end_token_id": VISION_END,
    }
    return {key: tokenizer.convert_tokens_to_ids(token) for key, token in names.items()}


def _qwen3(tokenizer: PreTrainedTokenizerBase) -> PreTrainedModel:
    from transformers import Qwen3Config, Qwen3ForCausalLM

    return Qwen3ForCausalLM(Qwen3Config(**_text(tokenizer), head_dim=16))


def _qwen3_moe(tokenizer: PreTrainedTokenizerBase) -> PreTrainedModel:
    from transformers import Qwen3MoeConfig, Qwen3MoeForCausalLM

    experts = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": _HIDDEN}
    return Qwen3MoeForCausalLM(Qwen3MoeConfig(**_text(tokenizer), **experts, head_dim=16))


def _qwen2_5_vl(tokenizer: PreTrainedTokenizerBase) -> PreTrainedModel:
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    text = _text(tokenizer) | {"rope_parameters": {"rope_type": "default", "mrope_section": [2, 3, 3]}}
    vision: dict[str, Any] = {"depth": 2, "hidden_size": _HIDDEN, "intermediate_size": 2 * _HIDDEN, "num_heads": _HEADS}
    vision |= {"out_hidden_size": _HIDDEN, "fullatt_block_indexes": [1]}
    config = Qwen2_5_VLConfig(text_config=text, vision_config=vision, **_picture_ids(tokenizer))
    return Qwen2_5_VLForConditionalGeneration(config)


def _qwen3_vl(tokenizer: PreTrainedTokenizerBase) -> PreTrainedModel:
    from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration

    rope = {"rope_type": "default", "mrope_section": [4, 2, 2], "mrope_interleaved": True}
    text = _text(tokenizer) | {"head_dim": 16, "rope_parameters": rope}
    vision: dict[str, Any] = {"depth": 2, "hidden_size": _HIDDEN, "intermediate_size": 2 * _HIDDEN, "num_heads": _HEADS}
    vision |= {"out_hidden_size": _HIDDEN, "deepstack_visual_indexes": [0], "num_position_embeddings": 64}
    config = Qwen3VLConfig(text_config=text, vision_config=vision, **_picture_ids(tokenizer))
    return Qwen3VLForConditionalGeneration(config)


TWINS: dict[str, Callable[[Any], Any]] = {
    "qwen3": _qwen3,
    "qwen3-moe": _qwen3_moe,
    "qwen2.5-vl": _qwen2_5_vl,
    "qwen3-vl": _qwen3_vl,
}
"""What builds each twin."""
