"""A language model small enough to learn on two cores: a Qwen3 from a config, a tokenizer trained on the spot.

It exists so that the whole loop (SFT, GRPO, LoRA, DeepSpeed, constrained writing) runs on any machine without
downloading weights. The code that trains it is the code that trains the real models.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from llmi_schema import DEFAULT_LANGUAGE, Language
from llmi_schema.calls import CLOSE_TAG, OPEN_TAG

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
END_OF_TURN = "<|im_end|>"
_CODE = r"""[^A-Za-z0-9\s"<>]+(?: [^A-Za-z0-9\s"<>]+| (?=[0-9]))?"""
"""What stands between names and numbers in code, such as `', '`."""
PADDING = "<|pad|>"
_SPECIAL = [PADDING, "<|im_start|>", END_OF_TURN]


def train_tokenizer(
    texts: Iterable[str], *, vocabulary: int = 1200, language: Language = DEFAULT_LANGUAGE
) -> PreTrainedTokenizerBase:
    """A byte-level BPE whose pieces are words, digits and the fixed JSON around a tag's values.

    A tag then costs about ten tokens, and a word is one token wherever it stands, so that a small model can copy
    it from the prompt into a tag. Any text can be spelled, and decoding gives it back unchanged.
    """
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    pieces = Regex(f"{_scaffold(language)}| ?[A-Za-z]+| ?[0-9]+|{_CODE}|\\s+|[^A-Za-z0-9\\s]")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(pieces, "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=_SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
        min_frequency=2,
    )
    tokenizer.train_from_iterator(texts, trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token=END_OF_TURN, pad_token=PADDING, padding_side="left"
    )
    fast.chat_template = CHAT_TEMPLATE
    return fast


def _scaffold(language: Language) -> str:
    """A pattern for the text of a canonical tag that is the same in every call of a tool."""
    schemas = [call.model_json_schema() for call in language.calls]
    names = sorted({name for schema in schemas for params in schema["$defs"].values() for name in params["properties"]})
    keys = "|".join(map(re.escape, names))
    parts = [
        re.escape(f'{OPEN_TAG}{{"source": "'),
        re.escape('", "description": "'),
        re.escape('", "params": {"') + f'(?:{keys})": "?',
        f', "(?:{keys})": "',
        re.escape(f'"}}}}{CLOSE_TAG}'),
    ]
    return "|".join(parts)


def build_model(tokenizer: PreTrainedTokenizerBase, *, hidden: int = 128, layers: int = 2) -> PreTrainedModel:
    """A Qwen3 with random weights in float32: about 0.6 million parameters at the default size."""
    from transformers import Qwen3Config, Qwen3ForCausalLM

    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=hidden // 32,
        num_key_value_heads=max(1, hidden // 64),
        head_dim=32,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
    )
    model = Qwen3ForCausalLM(config)
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    return model


def save(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Write both in the usual Hugging Face layout, loadable by name or path like any other model."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
