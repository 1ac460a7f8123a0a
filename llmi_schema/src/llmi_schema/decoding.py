"""Constrained generation for transformers, through outlines: one constraint per row, and always a whole document.

```python
rows = [RowConstraint(ImageCount.exactly(2)), RowConstraint(ImageCount.none())]
processor = DocumentProcessor(tokenizer, model.config.vocab_size, rows, max_new_tokens=512)
model.generate(**batch, max_new_tokens=512, logits_processor=LogitsProcessorList([processor]))
# or: outlines.Generator(outlines.from_transformers(model, tokenizer), processor=processor).batch(prompts, ...)
```

The token budget is part of the constraint. At each step the cheapest way to end the document is known exactly, in
tokens. While it fits easily, the grammar alone decides. When it gets tight, only those of the likeliest tokens remain
after which the rest still fits, and the next token of the cheapest ending, so no limit ever cuts a document short.
Needs the extra `llmi-schema[outlines]`.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from llmi_schema.errors import ConfigurationError, ConstraintError, SystemRequirementError
from llmi_schema.grammar import Grammar, RowConstraint, document_grammar
from llmi_schema.masks import Backend, GrammarMasks, Matcher, grammar_masks
from llmi_schema.vocabulary import vocabulary_of

try:
    from outlines.processors import OutlinesLogitsProcessor
except ImportError as error:
    raise SystemRequirementError(
        "constrained decoding needs outlines and its backends: pip install 'llmi-schema[outlines]'"
    ) from error

__all__ = ["DocumentProcessor", "RowConstraint"]

_log = logging.getLogger(__name__)

_TIGHT_CHOICES = 64
"""How many of the likeliest tokens are tried one by one when the budget is tight."""

_FAR = 16.0
"""Tokens by so much less likely than the best (a factor of e^16, nine million) are not tried then."""


_BROKEN = -1
"""The state of a row that was given a token the constraint forbids."""


class DocumentProcessor(OutlinesLogitsProcessor):
    """A logits processor that lets row i write documents of `rows[i]` only, and end them within `max_new_tokens`.

    Sampling and greedy search; with `num_return_sequences=n` each constraint serves n neighbouring rows. Beams move
    between rows and are refused. Put it first in a list of processors: what another one has ruled out stays so.

    Args:
        tokenizer: a fast tokenizer, or a processor that holds one.
        vocab_size: last dimension of the model's logits; it may exceed the tokenizer's size.
        rows: one constraint per prompt.
        max_new_tokens: the same number that `generate` is given, end token included.
        backend: "llguidance" or "xgrammar".

    Raises `ConstraintError` when a row's constraint cannot be met in `max_new_tokens` or spelled by the tokenizer.
    """

    def __init__(
        self,
        tokenizer: Any,
        vocab_size: int,
        rows: Sequence[RowConstraint],
        max_new_tokens: int,
        *,
        backend: Backend = "llguidance",
    ) -> None:
        super().__init__("torch")
        tokenizer = getattr(tokenizer, "tokenizer", tokenizer)
        self._vocabulary = vocabulary_of(tokenizer, vocab_size)
        self._budget = max_new_tokens
        self._masks = [grammar_masks(document_grammar(row), self._vocabulary, backend) for row in rows]
        for number, masks in enumerate(self._masks):
            self._refuse_impossible(number, masks.grammar)
        self.reset()

    def reset(self) -> None:
        """Forget the last generation. Called by `outlines.Generator`; a new prompt is also noticed by itself."""
        self._rows: list[_Row] = []
        self._prompt: Any = None
        self._length = -1

    def process_logits(self, input_ids: Any, logits: Any) -> Any:
        """Rule out the tokens that may not come next. Shapes: (rows, tokens so far), (rows, vocabulary)."""
        import numpy as np

        self._follow(input_ids)
        if logits.shape[-1] != self._vocabulary.size:
            raise ConfigurationError(
                f"the model's logits are {logits.shape[-1]} wide, but the processor was built for "
                f"{self._vocabulary.size}: pass vocab_size={logits.shape[-1]}"
            )
        allowed = np.stack([row.mask() for row in self._rows])
        logits = logits.masked_fill(_forbidden(allowed, logits), float("-inf"))
        for i, row in enumerate(self._rows):
            if row.tight:
                logits[i] = self._affordable(row, logits[i])
        return logits

    def _follow(self, input_ids: Any) -> None:
        """Take in the tokens chosen since the last call; start anew when these are new prompts."""
        batch, length = input_ids.shape
        going_on = self._rows and batch == len(self._rows) and length == self._length + 1
        if going_on:
            last = input_ids[:, -2:].tolist()
            if self._length > self._prompt.shape[1] and any(
                row.last not in (None, pair[0]) for row, pair in zip(self._rows, last, strict=True)
            ):
                if bool((input_ids[:, : self._prompt.shape[1]] == self._prompt).all()):
                    raise ConfigurationError("rows changed places: beam search cannot be constrained row by row")
                going_on = False
        if going_on:
            for row, pair in zip(self._rows, last, strict=True):
                row.take(pair[1])
        else:
            copies, rest = divmod(batch, len(self._masks))
            if rest or not copies:
                raise ConfigurationError(f"{batch} rows are generated, but {len(self._masks)} constraints were given")
            self._rows = [_Row(masks, self._budget) for masks in self._masks for _ in range(copies)]
            self._prompt = input_ids
        self._length = length

    def _affordable(self, row: _Row, scores: Any) -> Any:
        """Scores of a row whose budget is tight: only tokens after which the document can still be ended."""
        import torch

        fitting = [token for token in _likeliest(scores) if row.affords(token)]
        kept = torch.full_like(scores, float("-inf"))
        if fitting:
            kept[fitting] = scores[fitting]
        else:
            kept[row.next_of_ending()] = 0.0
        return kept

    def _refuse_impossible(self, number: int, grammar: Grammar) -> None:
        try:
            least = len(self._vocabulary.spell(grammar.automaton.shortest(grammar.automaton.start))) + 1
        except ConstraintError as error:
            raise ConstraintError(f"row {number}: {error}") from None
        if least > self._budget:
            raise ConstraintError(
                f"row {number}: the shortest document takes {least} tokens, but max_new_tokens is {self._budget}"
            )


class _Row:
    """One document in the making."""

    def __init__(self, masks: GrammarMasks, budget: int) -> None:
        self._masks = masks
        self._vocabulary = masks.vocabulary
        self._automaton = masks.grammar.automaton
        self._matcher: Matcher | None = None
        self._unread: list[int] = []  # tokens the matcher has not seen: most masks come from the cache
        self._state = self._automaton.start
        self._left = budget
        self._ended = False
        self.last: int | None = None

    def take(self, token: int) -> None:
        self.last = None if self._ended else token
        if self._ended:
            return
        self._left -= 1
        if token == self._vocabulary.eos:
            self._ended = True
            return
        state = self._masks.after(self._state, token) if self._state != _BROKEN else None
        if state is None:
            # another processor, or NaN logits, chose what was ruled out; this row ends, its neighbours go on
            _log.warning("token %d was ruled out by the constraint but chosen; the row is ended", token)
            self._left, self._state = 0, _BROKEN
            return
        self._state = state
        self._unread.append(token)

    def mask(self) -> Any:
        """The allowed tokens, as packed bits."""
        if self._ended or self._state == _BROKEN:
            return _only(self._vocabulary.pad if self._ended else self._vocabulary.eos, self._vocabulary.size)
        mask = self._masks.cached(self._state)
        if mask is None:
            if self._matcher is None:
                self._matcher = self._masks.matcher()
            self._matcher.consume(self._unread)
            self._unread.clear()
            mask = self._masks.compute(self._state, self._matcher)
        return mask

    @property
    def tight(self) -> bool:
        """Whether some token could make the ending cost more than is left.

        One token can lengthen the ending by a tag's skeleton at most, or by what completes an escape; both are
        counted in bytes, which bound tokens from above.
        """
        if self._ended or self._state == _BROKEN:
            return False
        room = self._left - 2 - self._masks.grammar.longest_detour
        ending = self._automaton.shortest(self._state)
        return room < len(ending) and room < len(self._vocabulary.spell(ending))

    def affords(self, token: int) -> bool:
        """Whether the document can still be ended in time once this token is taken."""
        cost = self._masks.cost_after(self._state, token)
        return cost is not None and cost <= self._left

    def next_of_ending(self) -> int:
        """The first token of the cheapest ending."""
        ending = self._vocabulary.spell(self._automaton.shortest(self._state))
        return ending[0] if ending else self._vocabulary.eos


def _likeliest(scores: Any) -> list[int]:
    """The tokens that are not ruled out and not far less likely than the best, `_TIGHT_CHOICES` of them at most."""
    best = scores.max()
    if best == float("-inf"):
        return []
    near = (scores > best - _FAR).nonzero().flatten()  # finding the best 64 of 150,000 takes ten times as long
    if len(near) > _TIGHT_CHOICES:
        near = near[scores[near].topk(_TIGHT_CHOICES).indices]
    tokens: list[int] = near.tolist()
    return tokens


def _only(token: int, size: int) -> Any:
    import numpy as np

    mask = np.zeros((size + 31) // 32, dtype=np.uint32)
    mask[token // 32] = np.uint32(1 << token % 32)
    return mask.view(np.int32)


def _forbidden(allowed: Any, logits: Any) -> Any:
    """Packed bits of allowed tokens as a bool tensor that is true where a token is not allowed."""
    import numpy as np
    import torch

    if logits.device.type == "cpu":
        bits = np.unpackbits(~allowed.view(np.uint8), axis=1, bitorder="little", count=logits.shape[-1])
        return torch.from_numpy(bits).view(torch.bool)
    packed = torch.from_numpy(~allowed).to(logits.device)  # an eighth of a byte per token crosses the bus
    places = torch.arange(32, dtype=torch.int32, device=logits.device)
    return (packed.unsqueeze(-1) >> places & 1).flatten(1)[:, : logits.shape[-1]].bool()
