"""`Scoring`: the reward of a training run, each completion scored as soon as it is written.

As a plain TRL reward function it renders and judges a batch when TRL asks for it: after the last completion is
written, and after the forward passes for old and reference log-probabilities. A trainer that knows it (`trainer.py`)
tells it of every completion that ends, so that tools and judges work while the others are still being written.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from llmi_reward import Score
from llmi_reward.integrations.columns import columns_to_rows, hand_over
from llmi_reward.integrations.raw_sample import RawSample
from llmi_reward.integrations.scorer import Scored, Scorer
from llmi_schema import RowConstraint
from llmi_schema.repair import repair
from llmi_train.recipe import Truncated

Columns = Mapping[str, Any]
"""One row of the dataset."""

MASKED = "cut off at the token limit, and `truncated: mask` leaves such answers out"


@dataclass(frozen=True, slots=True)
class Begun:
    """A completion that ended: its number in the batch, its row of the dataset, what was written."""

    number: int
    columns: Columns
    text: str
    tokens: Sequence[int]


class Scoring:
    """Scores completions of a training run.

    Args:
        scorer: how one row is rendered and scored, with its deadline.
        end_tokens: token ids that end an answer; one that does not end with one of them was cut off.
        truncated: what becomes of those, see `recipe.Truncated`.
        name: TRL logs the value as `rewards/<name>/mean`.
    """

    def __init__(
        self, scorer: Scorer, *, end_tokens: Collection[int], truncated: Truncated = "score", name: str = "reward"
    ) -> None:
        self.scorer = scorer
        self.end_tokens = frozenset(end_tokens)
        self.truncated = truncated
        self.last: list[Scored] = []
        self.__name__ = name
        self._begun: dict[int, RawSample] = {}
        self._under_way: dict[int, asyncio.Task[Scored]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def begin(self, completions: Sequence[Begun], loop: asyncio.AbstractEventLoop) -> None:
        """Start on some completions of the batch in `loop`, an event loop that runs in another thread."""
        rows = {
            one.number: self._rows([one.columns["prompt"]], [one.text], _as_batch(one.columns), [one.tokens])[0]
            for one in completions
        }
        self._begun |= rows
        self._loop = loop
        loop.call_soon_threadsafe(self._start, rows)

    def has_begun(self, number: int) -> bool:
        return number in self._begun

    def forget(self) -> None:
        """Stop what was begun and not asked for. Call it when a batch is done with."""
        self._begun.clear()
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop)

    def _start(self, rows: Mapping[int, RawSample]) -> None:
        for number, row in rows.items():
            self._under_way[number] = asyncio.ensure_future(self._score(row))

    def _stop(self) -> None:
        for scoring in self._under_way.values():
            scoring.cancel()
        self._under_way.clear()

    async def __call__(
        self,
        prompts: Sequence[Any],
        completions: Sequence[Any],
        completion_ids: Sequence[Sequence[int]],
        **columns: Any,
    ) -> list[float | None]:
        """TRL's reward function. Raises `TooManyUnscoredError` where the scorer has a limit and it is passed."""
        asked = time.monotonic()
        rows = self._rows(prompts, completions, columns, completion_ids)
        scored = list(await asyncio.gather(*(self._finish(number, row) for number, row in enumerate(rows))))
        self.scorer.account_for([one for one in scored if one.score.reason != MASKED])
        values = hand_over(scored, columns)
        log: Callable[[str, float], None] | None = columns.get("log_metric")
        if log is not None:
            log("reward/waited_seconds", time.monotonic() - asked)
            log("reward/slowest_seconds", max(s.seconds for s in scored))
        self.last = scored
        return values

    def _rows(
        self, prompts: Sequence[Any], completions: Sequence[Any], columns: Columns, tokens: Sequence[Sequence[int]]
    ) -> list[RawSample]:
        rows = columns_to_rows(prompts, completions, {**columns, "completion_ids": tokens}, self.end_tokens)
        return [self._repaired(row) if row.truncated and self.truncated == "repair" else row for row in rows]

    def _repaired(self, row: RawSample) -> RawSample:
        inputs = len(row.input_pictures or ())
        return replace(row, completion=repair(row.text, RowConstraint(input_images=inputs)), truncated=False)

    async def _finish(self, number: int, row: RawSample) -> Scored:
        """What was begun, if it was this very completion: a tokenizer may parse answers its own way."""
        scoring = self._under_way.pop(number, None)
        if scoring is not None:
            early = self._begun[number]
            if (early.text, early.truncated) == (row.text, row.truncated):
                return await scoring
            scoring.cancel()
        return await self._score(row)

    async def _score(self, row: RawSample) -> Scored:
        if row.truncated and self.truncated == "mask":
            return Scored(row, Score.unscored(MASKED), None, 0.0)
        return await self.scorer.score_row(row)


def _as_batch(columns: Columns) -> dict[str, list[Any]]:
    return {name: [value] for name, value in columns.items()}
