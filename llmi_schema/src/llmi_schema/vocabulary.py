"""A tokenizer as constrained decoding needs it: the bytes of every token, the fewest tokens for a text, the end token.

Building one takes about a second for 150,000 tokens, so it is kept for as long as its tokenizer lives.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import cached_property, lru_cache
from threading import Lock
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from llmi_schema.errors import ConfigurationError, ConstraintError

_SLICES = [r'[^<"\\`~\x00-\x1F\x7F]+', r"[^<`~]+"]
"""Sets of tokens that llguidance may allow as a whole: plain in strings and in text, plain in text."""

_MASK_BYTES = 64 * 2**20
"""Memory for the masks that are kept for one vocabulary: some 3,500 masks of 150,000 tokens."""

Key = TypeVar("Key")
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """A dict that forgets what has not been used for longest; several threads may share it."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._kept: OrderedDict[Key, Value] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Key) -> Value | None:
        with self._lock:
            value = self._kept.get(key)
            if value is not None:
                self._kept.move_to_end(key)
            return value

    def put(self, key: Key, value: Value) -> None:
        with self._lock:
            self._kept[key] = value
            if len(self._kept) > self._room:
                self._kept.popitem(last=False)


class Vocabulary:
    """Token bytes of a fast Hugging Face tokenizer, widened to the model's vocabulary (its logits' last dimension).

    Raises `ConfigurationError` for a tokenizer without an end-of-sequence token, a slow one, or one with more
    tokens than the model.
    """

    def __init__(self, tokenizer: Any, size: int) -> None:
        import llguidance.hf
        from transformers import PreTrainedTokenizerFast

        if not isinstance(tokenizer, PreTrainedTokenizerFast):
            raise ConfigurationError(
                f"constrained decoding needs a fast tokenizer, not {type(tokenizer).__name__}: "
                "load it with AutoTokenizer.from_pretrained(..., use_fast=True)"
            )
        if tokenizer.eos_token_id is None:
            raise ConfigurationError("the tokenizer has no end-of-sequence token: set tokenizer.eos_token")
        if len(tokenizer) > size:
            raise ConfigurationError(
                f"the tokenizer has {len(tokenizer)} tokens but the model only {size}: they do not belong together"
            )
        self.size = size
        self.eos: int = tokenizer.eos_token_id
        self.pad: int = self.eos if tokenizer.pad_token_id is None else tokenizer.pad_token_id
        try:
            self.llguidance = llguidance.hf.from_tokenizer(tokenizer, n_vocab=size, slices=_SLICES)
        except ValueError as error:
            raise ConfigurationError(f"llguidance cannot read this tokenizer: {error}") from None
        self.special = frozenset(i for i in range(size) if self.llguidance.is_special_token(i)) | {self.eos, self.pad}
        self.special |= frozenset(range(len(tokenizer), size))
        self.bytes = [b"" if i in self.special else self.llguidance.decode_bytes([i]) for i in range(size)]
        self._ids = {text: i for i, text in reversed(list(enumerate(self.bytes))) if text}
        self._longest = min(32, max(map(len, self._ids), default=0))
        self.spell = lru_cache(maxsize=4096)(self._spell)
        self.compiled: Recent[Any, Any] = Recent(64)
        self.masks: Recent[Any, Any] = Recent(max(64, _MASK_BYTES // (size // 8 + 1)))

    @cached_property
    def xgrammar(self) -> Any:
        """One compiler for all grammars. Tokens without bytes, the special ones, are never allowed in text."""
        import xgrammar

        # the model's size, not the tokenizer's: outlines' own backend fails where the model is wider
        info = xgrammar.TokenizerInfo(self.bytes, vocab_size=self.size, stop_token_ids=[self.eos])
        return xgrammar.GrammarCompiler(info)

    def _spell(self, text: bytes) -> tuple[int, ...]:
        """The fewest tokens that make exactly this text. Any rest of it, cut after one of them, is as short as can be.

        Raises `ConstraintError` when the tokens cannot make it.
        """
        never = len(text) + 1
        count = [0] * (len(text) + 1)
        taken = [0] * len(text)
        for start in range(len(text) - 1, -1, -1):
            count[start] = never
            for end in range(start + 1, min(len(text), start + self._longest) + 1):
                if count[end] + 1 < count[start] and text[start:end] in self._ids:
                    count[start], taken[start] = count[end] + 1, end
        if text and count[0] >= never:
            raise ConstraintError(f"this tokenizer has no tokens that spell {text.decode(errors='replace')!r}")
        ids: list[int] = []
        position = 0
        while position < len(text):
            ids.append(self._ids[text[position : taken[position]]])
            position = taken[position]
        return tuple(ids)


_building = Lock()
_known: WeakKeyDictionary[Any, dict[tuple[int | None, ...], Vocabulary]] = WeakKeyDictionary()


def vocabulary_of(tokenizer: Any, size: int) -> Vocabulary:
    """The `Vocabulary` of a tokenizer (or of a processor that holds one), built once and again when it has changed."""
    tokenizer = getattr(tokenizer, "tokenizer", tokenizer)
    key = (size, len(tokenizer), tokenizer.eos_token_id, tokenizer.pad_token_id)
    with _building:  # two threads that ask at once wait for one Vocabulary
        known = _known.setdefault(tokenizer, {})
        if key not in known:
            known[key] = Vocabulary(tokenizer, size)
        return known[key]
