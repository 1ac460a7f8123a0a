"""A batch of documents out of one transformers model: each row with its own temperature, seed, constraint and reader.

Rows are sampled by the Gumbel-max trick from generators of their own, so that what a row is does not depend on who
shares its batch, but for rounding in the model itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from llmi_schema import RowConstraint
from llmi_train.policies.policy import Completion

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


@dataclass
class Slot:
    """One document to be written.

    Attributes:
        show: is handed text as it is written.
        stopped: set it to end the row at its next token.
        begun: something was shown.
    """

    temperature: float
    seed: int
    constraint: RowConstraint | None
    show: Callable[[str], None]
    stopped: threading.Event = field(default_factory=threading.Event)
    begun: bool = False


def generate(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    batch: Mapping[str, Any],
    rows: Sequence[Slot],
    max_new_tokens: int,
) -> list[Completion]:
    """Write all rows. `batch` is what the model takes, padded on the left."""
    import torch
    from transformers import LogitsProcessorList, StoppingCriteriaList

    processors = LogitsProcessorList()
    constraints = [row.constraint for row in rows if row.constraint is not None]
    if constraints:
        from llmi_schema.decoding import DocumentProcessor

        width = model.get_output_embeddings().weight.shape[0]
        processors.append(DocumentProcessor(tokenizer, width, constraints, max_new_tokens))
    if any(row.temperature for row in rows):
        processors.append(_Sampler(rows))
    readers = [_Reader(tokenizer, _ends(model, tokenizer), row) for row in rows]
    with torch.inference_mode():
        model.generate(
            **batch,
            max_new_tokens=max_new_tokens,
            do_sample=False,
            temperature=None,
            top_p=None,
            top_k=None,
            logits_processor=processors,
            stopping_criteria=StoppingCriteriaList([_watch(readers)]),
        )
    prompts = batch["attention_mask"].sum(dim=1).tolist()
    return [reader.completion(int(prompt)) for reader, prompt in zip(readers, prompts, strict=True)]


class _Sampler:
    """The likeliest token of noisy logits is a sample of the softmax (Gumbel 1954)."""

    def __init__(self, rows: Sequence[Slot]) -> None:
        import torch

        self._rows = rows
        self._chances = [torch.Generator().manual_seed(row.seed) for row in rows]

    def __call__(self, input_ids: Any, logits: Any) -> Any:
        import torch

        noisy = logits.float()
        for i, (row, chance) in enumerate(zip(self._rows, self._chances, strict=True)):
            if row.temperature:
                noise = -torch.empty(logits.shape[-1]).exponential_(generator=chance).log()
                noisy[i] = noisy[i] / row.temperature + noise.to(noisy.device)
        return noisy


class _Reader:
    """Turns a row's tokens into text as they come."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, ends: frozenset[int], row: Slot) -> None:
        from tokenizers.decoders import DecodeStream

        self.row = row
        self.done = False
        self._tokenizer = tokenizer
        self._ends = ends
        self._decoder = DecodeStream(skip_special_tokens=True)
        self._tokens: list[int] = []
        self._shown = ""
        self._ended = False

    def take(self, token: int) -> bool:
        """Whether the row is done with this token."""
        if not self.done:
            if token in self._ends:
                self._ended = self.done = True
            else:
                self._tokens.append(token)
                self._show(self._decoder.step(self._tokenizer.backend_tokenizer, token) or "")
                self.done = self.row.stopped.is_set()
        return self.done

    def completion(self, prompt_tokens: int) -> Completion:
        """What was written. It begins with what was shown; a character that was cut off by the limit comes last."""
        text = self._tokenizer.decode(self._tokens, skip_special_tokens=True)
        if text.startswith(self._shown):
            self._show(text[len(self._shown) :])
        return Completion(self._shown, self._ended, len(self._tokens), prompt_tokens)

    def _show(self, piece: str) -> None:
        if piece:
            self._shown += piece
            self.row.begun = True
            self.row.show(piece)


def _watch(readers: Sequence[_Reader]) -> Any:
    """A stopping criterion that reads along."""
    import torch

    def watch(input_ids: Any, scores: Any, **_: Any) -> Any:
        done = [reader.take(token) for reader, token in zip(readers, input_ids[:, -1].tolist(), strict=True)]
        return torch.tensor(done, device=input_ids.device)

    return watch


def _ends(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    """Every token that ends an answer: models may know more of them than their tokenizer."""
    known = model.generation_config.eos_token_id
    tokens = known if isinstance(known, list) else [known]
    return frozenset(token for token in (*tokens, tokenizer.eos_token_id) if token is not None)
