"""Row -> parse -> render -> score, each row on its own way: what all adapters share."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from llmi_reward.formula import Reward
from llmi_reward.integrations.rows import Row
from llmi_reward.sample import Sample
from llmi_reward.score import Score
from llmi_schema import DEFAULT_LANGUAGE, Document, Language, Picture, RenderedDocument, parse

logger = logging.getLogger(__name__)

Render = Callable[[Document, Sequence[Picture]], Awaitable[RenderedDocument]]
"""Turns a parsed answer and the user's pictures into a rendered document, e.g. `Toolkit.offline().render`."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A row and its score. `sample` is None when it failed before there was one."""

    row: Row
    score: Score
    sample: Sample | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Scorer:
    """Scores rows of a framework.

    Attributes:
        reward: what to score with.
        render: None leaves everything that needs delivered pictures unscored.
        language: the tools that exist.
        deadline_seconds: for one row, from reading it to its score; None waits for ever.
    """

    reward: Reward
    render: Render | None
    language: Language = DEFAULT_LANGUAGE
    deadline_seconds: float | None = None

    async def score_all(self, rows: Sequence[Row]) -> list[Scored]:
        """All rows at once, in order; reasons for missing scores are logged, each once with its number of rows."""
        scored = await asyncio.gather(*(self.score_row(row) for row in rows))
        unscored = Counter(s.score.reason for s in scored if s.score.value is None)
        for reason, count in unscored.most_common():
            logger.warning("%d of %d rows unscored: %s", count, len(rows), reason)
        return scored

    async def score_row(self, row: Row) -> Scored:
        """One row. Whatever fails inside it becomes an unscored score; only cancellation passes through."""
        started = time.monotonic()
        sample: Sample | None = None
        deadline = asyncio.timeout(self.deadline_seconds)
        try:
            async with deadline:
                sample = await self._sample(row)
                score = await self.reward(sample)
        # One row must not cost its neighbours, or the run: rows hold anything, tools and rewards may be the user's.
        except Exception as error:
            if deadline.expired():
                score = Score.unscored(f"the deadline of {self.deadline_seconds:g} s passed")
            else:
                logger.debug("a row failed", exc_info=error)
                score = Score.unscored(f"{type(error).__name__}: {error}")
        return Scored(row, score, sample, time.monotonic() - started)

    async def _sample(self, row: Row) -> Sample:
        constraint = row.constraint
        inputs = await asyncio.to_thread(row.pictures) if row.input_pictures else ()
        document = parse(row.text, len(inputs), self.language)
        rendered = document if self.render is None else await self.render(document, inputs)
        return Sample(row.prompt, rendered, constraint, row.published_split, row.truncated)
