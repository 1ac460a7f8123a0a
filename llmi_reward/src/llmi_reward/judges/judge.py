"""`LLMJudge` and `MLLMJudge`: parts of a formula that ask a model for marks by a rubric."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from typing import Any, TypeVar

from llmi_reward.chat.errors import ChatError
from llmi_reward.chat.model import ChatModel, Message
from llmi_reward.chat.structured import ask_until
from llmi_reward.judges.pictures import DEFAULT_PIXELS, capped
from llmi_reward.judges.prompt import marking_messages
from llmi_reward.judges.rubric import LOWEST, Rubric
from llmi_reward.judges.verdict import Verdict, marks_schema, read_marks
from llmi_reward.leaves import Judge
from llmi_reward.rules.prose import prose_length
from llmi_reward.rules.reasons import NOT_RENDERED
from llmi_reward.sample import Sample
from llmi_reward.score import Score
from llmi_schema import MAX_IMAGES, Picture

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LLMJudge(Judge):
    """Judges the text, and the pictures by the words they were asked for in; it sees none. L of the paper.

    The value is the weighted mean of the rubric's criteria, each the median over the samples, brought from 1..5 to
    0..1; marks and reasons are in `Score.details`. A text without prose gets the lowest marks and nobody is asked.

    Where more than half of the samples bring no valid verdict the score is unscored, with the most common reason.

    Args:
        model: who judges.
        rubric: what is asked; the shipped "llm" unless given.
        samples: independent verdicts per answer; an odd number has a median that was really given.
        options: fields of the request; several samples are drawn at temperature 0.7 unless set here.
    """

    model: ChatModel = field(repr=False)
    rubric: Rubric = field(default_factory=lambda: Rubric.shipped("llm"))
    samples: int = 1
    options: Mapping[str, Any] | None = field(default=None, repr=False, hash=False)
    name: str = "llm"

    async def judge(self, sample: Sample) -> Score:
        if prose_length(sample.parsed.text) == 0:
            lowest = {criterion.name: LOWEST for criterion in self.rubric.criteria}
            return Score(0.0, details={"marks": lowest, "because": "there is no text around the pictures"})
        messages = marking_messages(self.rubric, sample, None)
        return await _ask(self.model, self.rubric, messages, self.samples, self.options)


@dataclass(frozen=True, slots=True)
class MLLMJudge(Judge):
    """Judges the delivered pictures, seeing them where they stand in the text and the user's before it. M of the paper.

    Value, median and failures as for `LLMJudge`. Not asked, and decided by what is known:

    | case                                                            | M        |
    |-----------------------------------------------------------------|----------|
    | nothing was rendered                                            | unscored |
    | nothing delivered, no tag, and no picture wanted                | 1        |
    | nothing delivered, no tag, and the number is free               | unscored: there is no M (`presets.llmi`)  |
    | nothing delivered, and all tags failed for a tool that was down | unscored |
    | nothing delivered otherwise                                     | 0        |
    | more than `max_images` delivered                                | 0        |

    Args:
        model: who judges; it must see pictures.
        rubric: what is asked; the shipped "mllm" unless given.
        samples: independent verdicts per answer.
        max_images: most pictures that are judged.
        pixels: larger pictures are made smaller, to this many pixels.
        options: as for `LLMJudge`.
    """

    model: ChatModel = field(repr=False)
    rubric: Rubric = field(default_factory=lambda: Rubric.shipped("mllm"))
    samples: int = 1
    max_images: int = MAX_IMAGES
    pixels: int = DEFAULT_PIXELS
    options: Mapping[str, Any] | None = field(default=None, repr=False, hash=False)
    name: str = "mllm"

    async def judge(self, sample: Sample) -> Score:
        if sample.rendered is None:
            return Score.unscored(NOT_RENDERED.reason)
        delivered = len(sample.delivered)
        if delivered == 0:
            return _nothing_delivered(sample)
        if delivered > self.max_images:
            why = f"{delivered} pictures were delivered, more than the {self.max_images} that are judged"
            return Score(0.0, details={"because": why})
        pictures = await capped(_pictures(sample), self.pixels)
        messages = marking_messages(self.rubric, sample, pictures)
        return await _ask(self.model, self.rubric, messages, self.samples, self.options)


def _nothing_delivered(sample: Sample) -> Score:
    wanted = sample.constraint.count
    if not sample.tags:
        if wanted.maximum == 0:
            return Score(1.0, details={"because": "no picture was wanted and there is none"})
        if wanted.minimum == 0:
            return Score.unscored("there is no picture, and none was asked for: nothing to judge")
    elif len(sample.unavailable) == len(sample.tags):
        return Score.unscored(f"all {len(sample.tags)} tags failed because a tool was unavailable")
    return Score(0.0, details={"because": "no picture was delivered"})


def _pictures(sample: Sample) -> list[Picture]:
    inputs = list(sample.rendered.inputs) if sample.rendered else []
    return inputs + [picture for _, picture in sample.delivered.values()]


async def _ask(
    model: ChatModel, rubric: Rubric, messages: Sequence[Message], samples: int, options: Mapping[str, Any] | None
) -> Score:
    """All samples at once; the median of those that are verdicts."""
    merged = {**({"temperature": 0.7} if samples > 1 else {}), **(options or {})}
    outcomes = await together(_verdict(model, rubric, messages, number, merged) for number in range(samples))
    verdicts = [outcome for outcome in outcomes if isinstance(outcome, Verdict)]
    failures = [outcome for outcome in outcomes if isinstance(outcome, ChatError)]
    if 2 * len(verdicts) <= samples:
        return Score.unscored(why(failures))
    marks = {c.name: float(median(verdict.marks[c.name] for verdict in verdicts)) for c in rubric.criteria}
    details: dict[str, Any] = {"marks": marks, "reasons": verdicts[0].reasons, "rubric": str(rubric)}
    if samples > 1:
        details["samples"] = [verdict.marks for verdict in verdicts]
    if failures:
        details["failed"] = [str(failure) for failure in failures]
    return Score(rubric.value(marks), details=details)


async def _verdict(
    model: ChatModel, rubric: Rubric, messages: Sequence[Message], sample: int, options: Mapping[str, Any]
) -> Verdict | ChatError:
    """One sample's verdict, or why there is none."""
    read = partial(read_marks, rubric)
    try:
        return await ask_until(read, model, messages, schema=marks_schema(rubric), sample=sample, options=options)
    except ChatError as error:
        return error


async def together(asked: Iterable[Awaitable[T]]) -> list[T]:
    """All results, in order. One that raises, or a cancellation, takes the others with it."""
    tasks = [asyncio.ensure_future(one) for one in asked]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def why(failures: Sequence[ChatError]) -> str:
    """The most common failure in a sentence that starts with its kind, so that equal ones can be counted."""
    reason, _ = Counter(failure.reason for failure in failures).most_common(1)[0]
    return f"{reason.replace('_', ' ')}: {next(failure for failure in failures if failure.reason == reason)}"
