"""Tokenizers to measure with: no model can be downloaded here, so a byte-level BPE is trained on this repository."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
TRAINED = 6000
"""Tokens that are really learned; a wider vocabulary is filled with made-up merges of its frequent words."""


def tokenizer_of(size: int) -> Any:
    """A fast tokenizer of `size` tokens with an end token, a start token and a pad token."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=min(size, TRAINED),
        special_tokens=["<|end|>", "<|start|>", "<|pad|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    raw.train_from_iterator((path.read_text() for path in sorted(ROOT.glob("llmi_*/src/**/*.py"))), trainer)
    model = json.loads(raw.to_str())
    vocabulary, merges = model["model"]["vocab"], model["model"]["merges"]
    rng = random.Random(0)
    starts = [token for token in vocabulary if token.lstrip("\u0120").isalpha()]
    ends = [token for token in starts if token.isalpha() and token[0] != "\u0120"]
    while len(vocabulary) < size:
        first, second = rng.choice(starts), rng.choice(ends)
        if first + second not in vocabulary:
            vocabulary[first + second] = len(vocabulary)
            merges.append([first, second])
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(model)), eos_token="<|end|>", pad_token="<|pad|>"
    )
