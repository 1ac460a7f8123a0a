"""`ChatReader`: a language model as the blind reader."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, create_model

from llmi_data.row import Question, Reading
from llmi_data.validation.fenced import shown
from llmi_data.validation.reader import UnclearError
from llmi_data.wording import fill, version, ways
from llmi_schema import DEFAULT_LANGUAGE, ImageCount

if TYPE_CHECKING:
    from llmi_reward.chat import ChatModel

HERE = "llmi_data.validation"
OPTIONS: Mapping[str, Any] = {"temperature": 0.0, "max_tokens": 512}

_LARGEST_COUNT = 98


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: str
    pictures: Literal["none", "any", "exactly", "at least one"]
    number: int
    unclear: str


@cache
def answer_model() -> type[_Answer]:
    """The form of an answer. The tools are those of the language, so that no other can be named."""
    tools: Any = list[cast("Any", Literal)[DEFAULT_LANGUAGE.tools]]  # type: ignore[misc]  # known when it runs
    return create_model("Reading", __base__=_Answer, tools=(tools, ...))


class ChatReader:
    """Asks a model what a question wants. It is handed a `Question`, which has no labels; use another model than the
    one that wrote the rows.

    Args:
        chat: who is asked.
        model: its name, kept with every verdict.
        attempts: how often it is asked when an answer is not in the form.
        options: fields of the requests, over `temperature` 0 and `max_tokens` 512.
    """

    def __init__(
        self, chat: ChatModel, model: str, *, attempts: int = 2, options: Mapping[str, Any] | None = None
    ) -> None:
        self.chat, self.model, self.attempts = chat, model, attempts
        self.options = {**OPTIONS, **(options or {})}

    @property
    def name(self) -> str:
        """The model and the version of its instructions."""
        return f"{self.model} / {version(HERE, 'read')}"

    async def read(self, question: Question) -> Reading:
        """What the model understood.

        Raises `UnclearError` where it cannot tell or contradicts itself, `ChatError` where it gives no answer.
        """
        from llmi_reward.chat import ask_for

        answer = await ask_for(
            answer_model(), self.chat, reading_messages(question), attempts=self.attempts, options=self.options
        )
        tools = tuple(sorted(set(cast("Any", answer).tools)))
        if answer.unclear.strip():
            raise UnclearError(answer.unclear.strip())
        count = _count(answer)
        if tools and count == ImageCount.none():
            raise UnclearError(f"read as asking for no pictures and for {', '.join(tools)}: {answer.reason}")
        return Reading(image_count=count.encode(), required_tools=tools, note=answer.reason)


def reading_messages(question: Question) -> list[dict[str, Any]]:
    """Chat messages that ask for one reading."""
    names = ", ".join(f'"{name}"' for name in DEFAULT_LANGUAGE.tools)
    return [
        {"role": "system", "content": fill(HERE, "read", ways=ways(), names=names)},
        {"role": "user", "content": shown(question)},
    ]


def _count(answer: _Answer) -> ImageCount:
    match answer.pictures:
        case "none":
            return ImageCount.none()
        case "any":
            return ImageCount.any()
        case "at least one":
            return ImageCount.at_least_one()
    if not 0 <= answer.number <= _LARGEST_COUNT:
        raise UnclearError(f"read as asking for exactly {answer.number} pictures")
    return ImageCount.exactly(answer.number) if answer.number else ImageCount.none()
