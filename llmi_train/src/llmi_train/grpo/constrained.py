"""Constrained rollouts: some rows of a batch may write documents only, and it is measured what that does to them.

Training computes the log-probabilities of the free policy, so constrained rollouts are off-policy: a completion's
importance ratio is the product, over its tokens, of the probability the free policy gives to what was allowed there.
It is logged as `constraint/log_ratio`; near 0 the policy would have written so anyway.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import torch
from transformers import LogitsProcessor

from llmi_schema import ConfigurationError, Constraint, ImageCount, RowConstraint
from llmi_schema.decoding import DocumentProcessor
from llmi_train.recipe import Constrain


def row_constraints(rows: Sequence[Mapping[str, Any]], default: Constrain) -> list[RowConstraint | None]:
    """What each row may write; None leaves it free. A row's own `constrain` goes before the default.

    Raises `ConfigurationError` for a value that is none, `ConstraintError` for labels that no document satisfies.
    """
    return [_row_constraint(row, row.get("constrain") or default) for row in rows]


def _row_constraint(row: Mapping[str, Any], constrain: str) -> RowConstraint | None:
    inputs = len(row.get("images") or row.get("input_pictures") or ())
    match constrain:
        case "none":
            return None
        case "syntax":
            return RowConstraint(input_images=inputs)
        case "row":
            wanted = Constraint(
                count=ImageCount.decode(row["image_count"]), required_tools=frozenset(row.get("required_tools") or ())
            )
            return RowConstraint(count=wanted.count, required_tools=wanted.required_tools, input_images=inputs)
        case _:
            raise ConfigurationError(f"constrain: {constrain!r} is none of {', '.join(get_args(Constrain))}")


class SomeRows(LogitsProcessor):
    """Applies a constraint to the rows that have one, and adds up the log of the probability that it leaves.

    Args:
        tokenizer: the policy's.
        vocabulary: last dimension of its logits.
        rows: one per row of the batch.
        max_new_tokens: of the generation.
        temperature: of the sampling, which comes after this.
        ends: token ids that end a completion.
    """

    def __init__(
        self,
        tokenizer: Any,
        vocabulary: int,
        rows: Sequence[RowConstraint | None],
        max_new_tokens: int,
        *,
        temperature: float,
        ends: Sequence[int],
    ) -> None:
        self.places = [number for number, row in enumerate(rows) if row is not None]
        self._processor = DocumentProcessor(
            tokenizer, vocabulary, [row for row in rows if row is not None], max_new_tokens
        )
        self._temperature = temperature
        self._ends = torch.tensor(list(ends))
        self._going: torch.Tensor | None = None
        self.log_ratio = torch.zeros(len(self.places))

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        mine, free = input_ids[self.places], scores[self.places]
        allowed = self._processor(mine, free)
        if self._going is None:
            self._going = torch.ones(len(self.places), dtype=torch.bool)
        else:
            self._going &= ~torch.isin(mine[:, -1].cpu(), self._ends)
        mass = torch.logsumexp(allowed.float() / self._temperature, -1)
        mass -= torch.logsumexp(free.float() / self._temperature, -1)
        self.log_ratio += torch.where(self._going, mass.cpu(), 0.0)
        scores = scores.clone()
        scores[self.places] = allowed
        return scores
