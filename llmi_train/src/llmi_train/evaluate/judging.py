"""`CriterionJudge`: a model that says, criterion by criterion, how far a document meets it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from statistics import median

from llmi_reward import Sample
from llmi_reward.chat import ChatError, ChatModel, ask_until
from llmi_reward.judges.checking import Question, checking_messages, mark_schema, read_mark
from llmi_reward.judges.judge import together, why
from llmi_reward.judges.pictures import DEFAULT_PIXELS, capped
from llmi_schema import MAX_IMAGES, Picture


@dataclass(frozen=True, slots=True)
class Mark:
    """What one criterion was given.

    Attributes:
        question: the criterion's id.
        value: as a share of the highest mark; None when it is missing.
        reason: the judge's, or why it is missing.
        given: the marks of each repetition as they were given; None for one that failed.
    """

    question: str
    value: float | None
    reason: str = ""
    given: tuple[int | None, ...] = ()


@dataclass(frozen=True, slots=True)
class CriterionJudge:
    """Asks a model about each criterion on its own, with the pictures where they stand.

    Args:
        model: who judges. A `ChatClient` with a journal keeps every answer, so that asking again costs nothing.
        name: of the judge, for reports; results of different judges are never compared.
        repeats: how often each question is asked; the median counts, and repetitions tell how far to trust it.
        sees: whether the model is shown pictures.
        pixels: larger pictures are made smaller, to this many pixels.
    """

    model: ChatModel = field(repr=False)
    name: str
    repeats: int = 1
    sees: bool = True
    pixels: int = DEFAULT_PIXELS

    async def marks(self, questions: Sequence[Question], sample: Sample) -> list[Mark]:
        """A mark per question. A document with more pictures than a judge is sent gets the lowest everywhere."""
        if len(sample.delivered) > MAX_IMAGES:
            because = f"more than the {MAX_IMAGES} pictures that are judged"
            return [Mark(question.id, 0.0, because, (question.lowest,)) for question in questions]
        pictures = await capped(_pictures(sample), self.pixels) if self.sees else None
        return await together(self._mark(question, sample, pictures) for question in questions)

    async def _mark(self, question: Question, sample: Sample, pictures: dict[str, Picture] | None) -> Mark:
        messages = checking_messages(question, sample, pictures)
        options = {"temperature": 0.7} if self.repeats > 1 else {}
        read = partial(read_mark, question)

        async def one(number: int) -> tuple[int, str] | ChatError:
            try:
                schema = mark_schema(question)
                return await ask_until(read, self.model, messages, schema=schema, sample=number, options=options)
            except ChatError as error:
                return error

        outcomes = await together(one(number) for number in range(self.repeats))
        verdicts = [outcome for outcome in outcomes if not isinstance(outcome, ChatError)]
        given = tuple(None if isinstance(outcome, ChatError) else outcome[0] for outcome in outcomes)
        if 2 * len(verdicts) <= self.repeats:
            return Mark(question.id, None, why([o for o in outcomes if isinstance(o, ChatError)]), given)
        middle = median(mark for mark, _ in verdicts)
        reason = min(verdicts, key=lambda verdict: abs(verdict[0] - middle))[1]
        return Mark(question.id, question.share(middle), reason, given)


def _pictures(sample: Sample) -> list[Picture]:
    inputs = list(sample.rendered.inputs) if sample.rendered else []
    return inputs + [picture for _, picture in sample.delivered.values()]
