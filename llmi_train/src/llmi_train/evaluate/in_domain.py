"""What a policy is worth: it answers held-out prompts, its tags are run, the reward is computed with exact counts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from llmi_reward import Reward, Sample, Score
from llmi_sandbox import Toolkit
from llmi_schema import RenderedDocument, parse
from llmi_train.policies import Completion, Writer

if TYPE_CHECKING:
    from llmi_data import Row  # it takes a quarter of the time in which a command starts


@dataclass(frozen=True, slots=True)
class Judged:
    """One answer: the row, what was written, what became of it, and what it scored."""

    row: Row
    completion: Completion
    document: RenderedDocument
    score: Score

    @property
    def sample(self) -> Sample:
        """What a reward is shown of it."""
        return _sample(self.row, self.completion, self.document)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All answers of one policy. Unscored ones are counted, and are in no mean."""

    answers: tuple[Judged, ...]

    @property
    def reward(self) -> float | None:
        """Mean reward over the scored answers."""
        return _mean(a.score.value for a in self.answers)

    @property
    def satisfied(self) -> dict[str, float | None]:
        """Shares of the answers that are what was asked for, judged by delivered pictures and not by the reward."""
        return {
            "valid document": _mean(float(valid(a)) for a in self.answers),
            "right number of pictures": _mean(float(_count_met(a)) for a in self.answers),
            "every required tool": _mean(float(_tools_met(a)) for a in self.answers if a.row.required_tools),
        }

    @property
    def unscored(self) -> int:
        return sum(a.score.value is None for a in self.answers)

    @property
    def invalid(self) -> int:
        """Documents with a bad tag, a tag left open, or an end that was cut off."""
        return sum(not valid(a) for a in self.answers)

    def summary(self) -> dict[str, Any]:
        """The numbers, ready for JSON."""
        return {
            "answers": len(self.answers),
            "reward": self.reward,
            "satisfied": self.satisfied,
            "unscored": self.unscored,
            "invalid_documents": self.invalid,
        }


def valid(answer: Judged) -> bool:
    """Whether a document is finished and every tag in it is a call."""
    document = answer.document.document
    return answer.completion.finished and document.finished and not document.bad_tags and not document.fenced


def _count_met(answer: Judged) -> bool:
    return answer.row.constraint.count.allows(len(answer.document.delivered))


def _tools_met(answer: Judged) -> bool:
    delivered = {picture.provenance.tool for picture in answer.document.delivered}
    return answer.row.constraint.required_tools <= delivered


def evaluate(
    writer: Writer,
    rows: Sequence[Row],
    reward: Reward,
    toolkit: Toolkit,
    *,
    progress: Callable[[int], None] = lambda done: None,
    **writing: Any,
) -> Evaluation:
    """Write, render and score one answer per row (split "test": counts are exact).

    Args:
        progress: called with the number of answers written so far.
        writing: passed on to `Writer.complete`, e.g. `temperature` or `constraints`.
    """
    completions = writer.complete([row.messages for row in rows], progress=progress, **writing)
    return asyncio.run(_judge(rows, completions, reward, toolkit))


async def _judge(
    rows: Sequence[Row], completions: Sequence[Completion], reward: Reward, toolkit: Toolkit
) -> Evaluation:
    async def one(row: Row, completion: Completion) -> Judged:
        document = await toolkit.render(parse(completion.text, len(row.images)), row.pictures)
        return Judged(row, completion, document, await reward(_sample(row, completion, document)))

    return Evaluation(tuple(await asyncio.gather(*map(one, rows, completions))))


def _sample(row: Row, completion: Completion, document: RenderedDocument) -> Sample:
    return Sample(row.messages, document, row.constraint, split="test", truncated=not completion.finished)


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
