"""What a run will ask for and cost, worked out before anything is spent, with the arithmetic shown."""

from __future__ import annotations

import struct
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict

from llmi_data.generation.brief import messages, prepared
from llmi_data.operation.shards import WHOLE, Shard
from llmi_data.plan import Assignment, Plan
from llmi_data.row import Message, Question

if TYPE_CHECKING:
    from llmi_data.generation.ingredients import Ingredients
    from llmi_data.generation.pictures import Pictures
    from llmi_data.operation.config import GenerateConfig, RunConfig, ValidateConfig
    from llmi_data.operation.models import ModelConfig
    from llmi_schema import Picture

T = TypeVar("T")

_BYTES_PER_TOKEN = 4.0
_PIXELS_PER_TOKEN = 784
_REQUEST_BYTES = 360
_SAMPLE = 40
_ENOUGH = 20
"""Answers in a journal from which on they are taken for typical."""

_ASSUMED_COMPLETION = {"generate": 220, "validate: reader": 110, "validate: judge": 70}
_ASSUMED_CALLS = {"generate": 1.2}
"""Per row: one draft in six is taken to come back. Readers and judges are taken to keep to the form."""


class StepForecast(BaseModel):
    """One model's part. Money is None where no prices are known.

    `basis` says where the tokens of a call come from: given, measured, or estimated.
    """

    model_config = ConfigDict(frozen=True)

    step: str
    model: str
    rows: int
    calls_per_row: float
    prompt_per_call: int
    completion_per_call: int
    basis: str
    prices: tuple[float, float] | None = None
    journaled: int = 0

    @property
    def calls(self) -> int:
        return round(self.rows * self.calls_per_row)

    @property
    def tokens(self) -> int:
        return self.calls * (self.prompt_per_call + self.completion_per_call)

    @property
    def money(self) -> float | None:
        if self.prices is None:
            return None
        prompt, completion = self.prices
        return self.calls * (self.prompt_per_call * prompt + self.completion_per_call * completion) / 1e6

    @property
    def arithmetic(self) -> list[str]:
        """How the figures come about, a line each."""
        calls, prompt, completion = (f"{n:,}" for n in (self.calls, self.prompt_per_call, self.completion_per_call))
        lines = [
            f"{self.step} ({self.model}): {self.rows:,} rows x {self.calls_per_row:.2f} calls = {calls} calls",
            f"  {calls} x ({prompt} + {completion}) tokens = {self.tokens:,} tokens ({self.basis})",
        ]
        if self.prices is None:
            lines.append("  money: not known; give prices: {prompt: ..., completion: ...} per million tokens")
        else:
            first, second = self.prices
            lines.append(
                f"  {calls} x ({prompt} x {first:g} + {completion} x {second:g}) / 1,000,000 = {self.money:,.4f}"
            )
        if self.journaled:
            lines.append(f"  {self.journaled:,} answers are in the journal and will not be paid for again")
        return lines


class Forecast(BaseModel):
    """The parts of all models that a run asks; none for a run without models."""

    model_config = ConfigDict(frozen=True)

    steps: tuple[StepForecast, ...]

    @property
    def calls(self) -> int:
        return sum(step.calls for step in self.steps)

    @property
    def tokens(self) -> int:
        return sum(step.tokens for step in self.steps)

    @property
    def money(self) -> float | None:
        """None where a price is missing."""
        parts = [step.money for step in self.steps]
        return None if None in parts else sum(part for part in parts if part is not None)

    def __str__(self) -> str:
        if not self.steps:
            return "no model is asked: nothing is spent"
        money = "" if self.money is None else f", {self.money:,.4f} in money"
        lines = [line for step in self.steps for line in step.arithmetic]
        return "\n".join([*lines, f"in all: {self.calls:,} calls, {self.tokens:,} tokens{money}"])


def forecast(config: RunConfig) -> Forecast:
    """What a run will use, were it to begin anew.

    Tokens of a call are those given for the model; else measured, where a journal of the run holds at least 20 answers;
    else estimated: prompts are the real ones for a sample of the plan, at four bytes a token, and answers are assumed.
    """
    pictures = config.generate.users_pictures(config.plan)
    questions = [_question(given) for _, _, given in _prepared(config.plan, pictures)]
    making = generation_forecast(config.plan, config.generate, config.journal)
    checking = validation_forecast(questions, config.plan.rows, config.validate_, config.journal)
    return Forecast(steps=making.steps + checking.steps)


def generation_forecast(
    plan: Plan, settings: GenerateConfig, journals: Callable[[str], Path], shard: Shard = WHOLE
) -> Forecast:
    """The writer's part, for a plan or one shard of it."""
    if settings.model is None:
        return Forecast(steps=())
    start, stop = shard.bounds(plan.rows)
    asked = [messages(*row) for row in _prepared(plan, settings.users_pictures(plan))]
    return Forecast(steps=(step_forecast("generate", settings.model, stop - start, asked, journals("generate")),))


def validation_forecast(
    questions: Sequence[Question], rows: int, settings: ValidateConfig, journals: Callable[[str], Path]
) -> Forecast:
    """The judge's and the reader's parts, for `rows` rows like these questions."""
    from llmi_data.validation.chat_reader import reading_messages
    from llmi_data.validation.judge import judging_messages

    sample = _sample(questions)
    steps = []
    if judge := settings.judge:
        asked = [judging_messages(question) for question in sample]
        steps.append(step_forecast("validate: judge", judge, rows, asked, journals("judge")))
    if reader := settings.reader:
        asked = [reading_messages(question) for question in sample]
        steps.append(step_forecast("validate: reader", reader, rows, asked, journals("reader")))
    return Forecast(steps=tuple(steps))


def step_forecast(
    step: str, model: ModelConfig, rows: int, asked: Sequence[Sequence[Mapping[str, Any]]], journal: Path
) -> StepForecast:
    """One model's part, for `rows` rows whose requests are like those in `asked`."""
    answers, measured = _measured(journal)
    if model.tokens is not None:
        prompt, completion, basis = model.tokens.prompt, model.tokens.completion, "given"
    elif measured is not None:
        (prompt, completion), basis = measured, f"measured over {answers:,} answers in {journal.name}"
    else:
        prompt, completion = mean(map(_tokens, asked)), float(_ASSUMED_COMPLETION[step])
        basis = "estimated: prompts at 4 bytes a token, answers assumed"
    return StepForecast(
        step=step,
        model=model.name,
        rows=rows,
        calls_per_row=_ASSUMED_CALLS.get(step, 1.0),
        prompt_per_call=round(prompt),
        completion_per_call=round(completion),
        basis=basis,
        prices=None if model.prices is None else (model.prices.prompt, model.prices.completion),
        journaled=answers,
    )


def _measured(journal: Path) -> tuple[int, tuple[float, float] | None]:
    """How many answers there are, and their mean tokens where these are enough and were counted."""
    if not journal.exists():
        return 0, None
    from llmi_reward.chat import Journal

    with Journal(journal) as answers:
        number, usage = len(answers), answers.usage()
    if number < _ENOUGH or not usage.tokens:
        return number, None
    return number, (usage.prompt_tokens / number, usage.completion_tokens / number)


def _sample(items: Sequence[T]) -> Sequence[T]:
    """Evenly from all."""
    return items[:: max(1, len(items) // _SAMPLE)]


def _prepared(plan: Plan, pictures: Pictures | None) -> list[tuple[Assignment, Ingredients, tuple[Picture, ...]]]:
    """A sample of the plan's rows, which are mixed, as they would be asked for."""
    return [(a, *prepared(a, plan.seed, pictures)) for a in _sample(list(plan.expand()))]


def _question(pictures: Sequence[Picture]) -> Question:
    """As long as a request is meant to be, with the pictures that will be attached."""
    text = Message(role="user", content="x" * _REQUEST_BYTES)
    return Question(messages=(text,), pictures=tuple(picture.png for picture in pictures))


def _tokens(asked: Sequence[Mapping[str, Any]]) -> float:
    return sum(_content_tokens(message["content"]) for message in asked)


def _content_tokens(content: Any) -> float:
    if isinstance(content, str):
        return len(content.encode()) / _BYTES_PER_TOKEN
    return sum(
        len(part["text"].encode()) / _BYTES_PER_TOKEN if part["type"] == "text" else _picture_tokens(part)
        for part in content
    )


def _picture_tokens(part: Mapping[str, Any]) -> float:
    """A token per 28 x 28 pixels, as the Qwen vision models take them; others take no more."""
    head = b64decode(part["image_url"]["url"].partition(",")[2][:32])
    width, height = struct.unpack(">II", head[16:24])
    return width * height / _PIXELS_PER_TOKEN
