"""Raw sample -> parse -> render -> score, each row on its own way: what all adapters share."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypedDict

from llmi_reward.formula import Formula, Reward
from llmi_reward.integrations.background import run_blocking
from llmi_reward.integrations.limit import UnscoredLimit
from llmi_reward.integrations.raw_sample import RawSample
from llmi_reward.sample import Sample
from llmi_reward.score import Score
from llmi_schema import DEFAULT_LANGUAGE, Document, Language, Picture, RenderedDocument, parse

logger = logging.getLogger(__name__)

Render = Callable[[Document, Sequence[Picture]], Awaitable[RenderedDocument]]
"""Turns a parsed answer and the user's pictures into a rendered document, e.g. `Toolkit.offline().render`."""


class Options(TypedDict, total=False):
    """What every adapter takes besides its own arguments; see `Scorer`."""

    language: Language
    deadline_seconds: float | None
    limit: UnscoredLimit | None
    observe: Callable[[Sequence[Scored]], None] | None


@dataclass(frozen=True, slots=True)
class Scored:
    """A row and its score. `sample` is None when it failed before there was one."""

    row: RawSample
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
        limit: ends a run in which too much goes unscored; None lets it go on.
        observe: is shown every batch of scored rows, to count or keep them. What it raises is logged.
    """

    reward: Reward
    render: Render | None
    language: Language = DEFAULT_LANGUAGE
    deadline_seconds: float | None = 300.0
    limit: UnscoredLimit | None = None
    observe: Callable[[Sequence[Scored]], None] | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """The keys of every score's contributions; empty for a reward that is no formula, which may have any."""
        return self.reward.labels if isinstance(self.reward, Formula) else ()

    async def score_all(self, rows: Sequence[RawSample]) -> list[Scored]:
        """All rows at once, in order; reasons for missing scores are logged, each once with its number of rows.

        Raises `TooManyUnscoredError` where there is a `limit` and it is passed.
        """
        if self._at_once:
            scored = [self._score_now(row) for row in rows]
        else:
            scored = await asyncio.gather(*(self.score_row(row) for row in rows))
        self.account_for(scored)
        return scored

    def account_for(self, scored: Sequence[Scored]) -> None:
        """Log what went unscored and tell `observe` and the `limit`. For callers that score rows one by one.

        Raises `TooManyUnscoredError` where there is a `limit` and it is passed.
        """
        unscored = Counter(s.score.reason for s in scored if s.score.value is None)
        for reason, count in unscored.most_common():
            logger.warning("%d of %d rows unscored: %s", count, len(scored), reason)
        if self.observe is not None:
            try:
                self.observe(scored)
            except Exception:  # a report must not end a training run
                logger.exception("observe failed")
        if self.limit is not None:
            self.limit.note(s.score for s in scored)

    async def score_one(self, row: RawSample) -> Scored:
        """`score_all` for a framework that hands over one row at a time."""
        return (await self.score_all([row]))[0]

    def score_blocking(self, rows: Sequence[RawSample]) -> list[Scored]:
        """`score_all` for a framework that calls plain functions."""
        return run_blocking(self.score_all(rows))

    async def score_row(self, row: RawSample) -> Scored:
        """One row. Whatever fails inside it becomes an unscored score; only cancellation passes through."""
        started = time.monotonic()
        sample: Sample | None = None
        deadline = asyncio.timeout(self.deadline_seconds)
        try:
            async with deadline:
                sample = await self._sample(row)
                score = await self.reward(sample)
        # One row must not cost its neighbours, or the run: rows hold anything, tools and rewards may be the user's.
        except Exception as error:  # noqa: BLE001
            if deadline.expired():
                score = Score.unscored(f"the deadline of {self.deadline_seconds:g} s passed")
            else:
                score = _failed(error)
        return Scored(row, score, sample, time.monotonic() - started)

    @property
    def _at_once(self) -> bool:
        """Nothing to wait for: no judge is asked and nothing is rendered. Rows then need no task each."""
        return self.render is None and isinstance(self.reward, Formula) and not self.reward.needs_judge

    def _score_now(self, row: RawSample) -> Scored:
        started = time.monotonic()
        sample: Sample | None = None
        try:
            constraint, document = row.constraint, row.rendered
            if document is None:
                inputs = row.pictures()
                sample = row.sample(constraint, parse(row.text, len(inputs), self.language))
            else:
                sample = row.sample(constraint, document)
            score = self.reward.score(sample)  # type: ignore[attr-defined]  # `_at_once` has seen that it is a Formula
        except Exception as error:  # noqa: BLE001  # as in `score_row`
            score = _failed(error)
        return Scored(row, score, sample, time.monotonic() - started)

    async def _sample(self, row: RawSample) -> Sample:
        constraint = row.constraint
        if row.rendered is not None:
            return row.sample(constraint, row.rendered)
        inputs = await asyncio.to_thread(row.pictures) if row.input_pictures else ()
        document = parse(row.text, len(inputs), self.language)
        return row.sample(constraint, document if self.render is None else await self.render(document, inputs))


def _failed(error: Exception) -> Score:
    logger.debug("a row failed", exc_info=error)
    return Score.unscored(f"{type(error).__name__}: {error}")
