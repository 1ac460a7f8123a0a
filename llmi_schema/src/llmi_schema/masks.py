"""Which tokens may come next: engines that answer for a grammar, and a cache in front of them.

The answer depends on the automaton's state alone, and a document moves in few states (free text, the inside of a
string, after a backslash), so nearly every mask is a copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any, Literal, Protocol

from llmi_schema.errors import ConfigurationError
from llmi_schema.grammar import Grammar
from llmi_schema.vocabulary import Vocabulary

Backend = Literal["llguidance", "xgrammar"]

_numbers = count()


class Matcher(Protocol):
    """The place of one row in a compiled grammar."""

    def consume(self, tokens: Sequence[int]) -> None:
        """Go on by tokens that the grammar allows."""

    def fill(self, mask: Any) -> None:
        """Write the allowed tokens into an int32 numpy row, one bit per token, lowest bit first."""


class GrammarMasks:
    """The masks of one grammar over one vocabulary. Compiled once; shared by all rows."""

    def __init__(self, grammar: Grammar, vocabulary: Vocabulary, tokenizer: Any, backend: Backend) -> None:
        self.grammar, self.vocabulary = grammar, vocabulary
        self._number = next(_numbers)  # not id(): that of a forgotten grammar would be used again
        match backend:
            case "llguidance":
                self._compiled: _Compiled = _Llguidance(grammar, vocabulary)
            case "xgrammar":
                self._compiled = _Xgrammar(grammar, vocabulary, tokenizer)
            case _:
                raise ConfigurationError(f'{backend!r} is no decoding backend: use "llguidance" or "xgrammar"')

    def matcher(self) -> Matcher:
        return self._compiled.matcher()

    def cached(self, state: int) -> Any | None:
        """The mask of an automaton's state, if it was computed before."""
        return self.vocabulary.masks.get((self._number, state))

    def compute(self, state: int, matcher: Matcher) -> Any:
        """The mask of the state at which the matcher stands."""
        import numpy as np

        mask = np.zeros((self.vocabulary.size + 31) // 32, dtype=np.int32)
        matcher.fill(mask)
        mask.flags.writeable = False
        self.vocabulary.masks.put((self._number, state), mask)
        return mask


def grammar_masks(grammar: Grammar, vocabulary: Vocabulary, tokenizer: Any, backend: Backend) -> GrammarMasks:
    """The masks of a grammar, compiled once for each vocabulary and backend and then kept with the vocabulary."""
    key = (backend, grammar.lark)
    masks: GrammarMasks | None = vocabulary.compiled.get(key)
    if masks is None:
        masks = GrammarMasks(grammar, vocabulary, tokenizer, backend)
        vocabulary.compiled.put(key, masks)
    return masks


class _Compiled(Protocol):
    def matcher(self) -> Matcher: ...


class _Llguidance:
    def __init__(self, grammar: Grammar, vocabulary: Vocabulary) -> None:
        from llguidance import LLMatcher

        self._first = LLMatcher(vocabulary.llguidance, LLMatcher.grammar_from_lark(grammar.lark))
        if problem := self._first.get_error():
            raise ConfigurationError(f"llguidance does not take the grammar: {problem}")

    def matcher(self) -> Matcher:
        return _LlguidanceMatcher(self._first.deep_copy())


class _LlguidanceMatcher:
    def __init__(self, matcher: Any) -> None:
        self._matcher = matcher

    def consume(self, tokens: Sequence[int]) -> None:
        self._matcher.consume_tokens(list(tokens))
        self._check()

    def fill(self, mask: Any) -> None:
        self._matcher.unsafe_compute_mask_ptr(mask.ctypes.data, mask.nbytes)
        self._check()

    def _check(self) -> None:
        if problem := self._matcher.get_error():
            raise ConfigurationError(f"llguidance lost the thread: {problem}")


class _Xgrammar:
    def __init__(self, grammar: Grammar, vocabulary: Vocabulary, tokenizer: Any) -> None:
        import numpy as np
        import xgrammar

        # the model's size, not the tokenizer's: outlines' own backend fails where the model is wider
        info = xgrammar.TokenizerInfo.from_huggingface(
            tokenizer, vocab_size=vocabulary.size, stop_token_ids=[vocabulary.eos]
        )
        self._compiled = xgrammar.GrammarCompiler(info).compile_grammar(grammar.ebnf)
        # xgrammar spells special tokens as text; they are none
        plain = np.ones((vocabulary.size + 31) // 32 * 32, dtype=np.uint8)
        plain[vocabulary.size :] = 0
        plain[[i for i in vocabulary.special if i != vocabulary.eos]] = 0
        self._plain = np.packbits(plain, bitorder="little").view(np.int32)

    def matcher(self) -> Matcher:
        import xgrammar

        return _XgrammarMatcher(xgrammar.GrammarMatcher(self._compiled), self._plain)


class _XgrammarMatcher:
    def __init__(self, matcher: Any, plain: Any) -> None:
        self._matcher, self._plain = matcher, plain

    def consume(self, tokens: Sequence[int]) -> None:
        for token in tokens:
            if not self._matcher.accept_token(token):
                raise ConfigurationError(f"xgrammar refuses token {token}, which its own mask allowed")

    def fill(self, mask: Any) -> None:
        import torch

        row = torch.full((1, mask.size), -1, dtype=torch.int32)
        self._matcher.fill_next_token_bitmask(row, 0)
        mask[:] = row[0].numpy() & self._plain
