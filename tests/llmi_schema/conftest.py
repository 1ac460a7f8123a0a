"""A tokenizer trained on the spot: byte-level BPE, as the published models have, with about 2,000 tokens."""

from __future__ import annotations

from typing import Any

import pytest

from llmi_schema import CodeCall, CodeParams, EditCall, EditParams, SearchCall, SearchParams

EXTRA = 37
"""Rows of the model's vocabulary beyond the tokenizer's, as real models have."""

_CALLS = (
    SearchCall(description="the harbour at dawn", params=SearchParams(query="Genoa harbour old map")),
    CodeCall(description="rain by month", params=CodeParams(code='plt.bar(range(12), [1, 2])\nplt.title("rain")')),
    EditCall(description="the same at night", params=EditParams(img_index=0, prompt="make it night — naïvely")),
)


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    words = [f"{a}{b}" for a in ("over", "re", "un", "in", "") for b in ("view", "turn", "side", "form", "code", "map")]
    corpus = [call.to_tag() for call in _CALLS] * 4 + [" ".join(words), "<think>a</think> `b` ~~ <image>, <b>c</b>"] * 3
    corpus += [f"{word} {i * 37 % 1009}, {word}s of {words[i % 30]}: <i>{i}</i>\n" for i, word in enumerate(words * 20)]
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    specials = ["<|end|>", "<|start|>", "<|pad|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=2000,
        special_tokens=specials,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    raw.train_from_iterator(corpus, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=raw, eos_token="<|end|>", pad_token="<|pad|>", padding_side="left")
