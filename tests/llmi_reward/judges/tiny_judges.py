"""Tiny models with a tokenizer made on the spot: one that knows nothing, one that has learnt a single verdict."""

from __future__ import annotations

import json
import string
from typing import Any

VERDICT = json.dumps({"text": {"reason": "clear", "score": 4}, "image": {"reason": "apt", "score": 3}})
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.content is string %}{{ m.content }}{% else %}"
    "{% for p in m.content %}{{ '<|picture|>' if p.type == 'image' else p.text }}{% endfor %}{% endif %}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPECIAL = ["<|pad|>", "<|im_start|>", "<|im_end|>", "<|picture|>"]


def tokenizer(*whole: str) -> Any:
    """Spells any text in bytes; these texts are one token each."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    bare = Tokenizer(models.BPE(vocab={letter: i for i, letter in enumerate(alphabet)}, merges=[]))
    bare.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bare.decoder = decoders.ByteLevel()
    bare.add_special_tokens(SPECIAL)
    bare.add_tokens(list(whole))
    fast = PreTrainedTokenizerFast(
        tokenizer_object=bare, eos_token="<|im_end|>", pad_token="<|pad|>", padding_side="left"
    )
    fast.chat_template = TEMPLATE
    return fast


def ignorant(tokens: Any) -> Any:
    """A Qwen3 with random weights."""
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    torch.manual_seed(0)
    torch.set_num_threads(1)
    config = Qwen3Config(
        vocab_size=len(tokens),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=1,
        num_key_value_heads=1,
        head_dim=32,
        max_position_embeddings=16_384,
        tie_word_embeddings=False,
        pad_token_id=tokens.pad_token_id,
        eos_token_id=tokens.eos_token_id,
        bos_token_id=None,
    )
    return Qwen3ForCausalLM(config).eval()


def taught(tokens: Any, saying: str = VERDICT, steps: int = 60) -> Any:
    """The same, trained until it says one thing whatever it is asked."""
    import torch

    model = ignorant(tokens).train()
    optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
    chance = torch.Generator().manual_seed(0)
    ending = tokens(f"<|im_start|>assistant\n{saying}<|im_end|>", add_special_tokens=False)["input_ids"]
    for _ in range(steps):
        before = torch.randint(len(string.printable), (4, 48), generator=chance)
        ids = torch.cat([before, torch.tensor([ending] * 4)], dim=1)
        labels = ids.clone()
        labels[:, :-2] = -100  # the saying and the end
        loss = model(input_ids=ids, labels=labels).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.05
    return model.eval()


def seeing() -> tuple[Any, Any]:
    """A Llava with random weights, and its processor; a picture is four tokens."""
    import torch
    from transformers import (
        CLIPImageProcessorPil,
        CLIPVisionConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
    )

    tokens = tokenizer()
    language = ignorant(tokens).config
    vision = CLIPVisionConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=28,
        patch_size=14,
        projection_dim=32,
    )
    picture = tokens.convert_tokens_to_ids("<|picture|>")
    torch.manual_seed(0)
    config = LlavaConfig(vision_config=vision, text_config=language, image_token_index=picture, image_seq_length=4)
    side = {"height": 28, "width": 28}
    processor = LlavaProcessor(
        image_processor=CLIPImageProcessorPil(size=side, crop_size=side),
        tokenizer=tokens,
        patch_size=14,
        vision_feature_select_strategy="default",
        image_token="<|picture|>",
        num_additional_image_tokens=1,
        chat_template=TEMPLATE,
    )
    return LlavaForConditionalGeneration(config).eval(), processor
