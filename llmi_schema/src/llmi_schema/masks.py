"""Which tokens may come next: engines that answer for a grammar, and a cache in front of them.

The answer depends on the automaton's state alone, and a document moves in few states (free text, the inside of a
string, after a backslash), so nearly every mask is a copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import version
from itertools import count
from typing import Any, Literal, Protocol

from llmi_schema.errors import ConfigurationError
from llmi_schema.grammar import Grammar
from llmi_schema.vocabulary import Vocabulary

Backend = Literal["llguidance", "xgrammar"]

_BROKEN_XGRAMMAR = {"0.2.7"}
"""They refuse bytes that their own mask allowed. vLLM pins one, so that they may well be installed."""

_numbers = count()


class Matcher(Protocol):
    """The place of one row in a compiled grammar."""

    def consume(self, tokens: Sequence[int]) -> None:
        """Go on by tokens that the grammar allows."""

    def fill(self, mask: Any) -> None:
        """Write the allowed tokens into an int32 numpy row, one bit per token, lowest bit first."""


class GrammarMasks:
    """The masks of one grammar over one vocabulary. Compiled once; shared by all rows."""

    def __init__(self, grammar: Grammar, vocabulary: Vocabulary, backend: Backend) -> None:
        self.grammar, self.vocabulary = grammar, vocabulary
        self._number = next(_numbers)  # not id(): that of a forgotten grammar would be used again
        self.cost_after = lru_cache(maxsize=2**16)(self._cost_after)
        match backend:
            case "llguidance":
                self._compiled: _Compiled = _Llguidance(grammar, vocabulary)
            case "xgrammar":
                self._compiled = _Xgrammar(grammar, vocabulary)
            case _:
                raise ConfigurationError(f'{backend!r} is no decoding backend: use "llguidance" or "xgrammar"')

    def matcher(self) -> Matcher:
        return self._compiled.matcher()

    def after(self, state: int, token: int) -> int | None:
        """The automaton's state after a token; None when the token is forbidden there or has no text."""
        text = self.vocabulary.bytes[token]
        following = self.grammar.automaton.run(state, text)
        return None if not text or self.grammar.automaton.is_dead(following) else following

    def cost(self, state: int) -> int:
        """The fewest tokens that end the document, the end token included."""
        return len(self.vocabulary.spell(self.grammar.automaton.shortest(state))) + 1

    def _cost_after(self, state: int, token: int) -> int | None:
        """The fewest tokens that end the document once `token` is taken, itself included; None: it is forbidden."""
        if token == self.vocabulary.eos:
            return 1
        following = self.after(state, token)
        return None if following is None else 1 + self.cost(following)

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


def grammar_masks(grammar: Grammar, vocabulary: Vocabulary, backend: Backend) -> GrammarMasks:
    """The masks of a grammar, compiled once for each vocabulary and backend and then kept with the vocabulary."""
    key = (backend, grammar.lark)
    masks: GrammarMasks | None = vocabulary.compiled.get(key)
    if masks is None:
        masks = GrammarMasks(grammar, vocabulary, backend)
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
    def __init__(self, grammar: Grammar, vocabulary: Vocabulary) -> None:
        if (installed := version("xgrammar")) in _BROKEN_XGRAMMAR:
            raise ConfigurationError(
                f"xgrammar {installed} refuses bytes that its own mask allowed; install 0.2.8 or newer, "
                "or take backend='llguidance'"
            )
        self._compiled = vocabulary.xgrammar.compile_grammar(grammar.ebnf)

    def matcher(self) -> Matcher:
        import xgrammar

        return _XgrammarMatcher(xgrammar.GrammarMatcher(self._compiled))


class _XgrammarMatcher:
    def __init__(self, matcher: Any) -> None:
        self._matcher = matcher

    def consume(self, tokens: Sequence[int]) -> None:
        for token in tokens:
            if not self._matcher.accept_token(token):
                raise ConfigurationError(f"xgrammar refuses token {token}, which its own mask allowed")

    def fill(self, mask: Any) -> None:
        import torch

        # the result only tells whether any token is ruled out: where none is, the mask is left as it was
        mask.fill(-1)
        self._matcher.fill_next_token_bitmask(torch.from_numpy(mask).unsqueeze(0), 0)
