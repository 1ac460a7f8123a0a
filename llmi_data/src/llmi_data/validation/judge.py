"""`ImplicitnessJudge`: a language model that finds the tools given away in ways that no rule foresees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import BaseModel, ConfigDict

from llmi_data.row import ImplicitVerdict, Question
from llmi_data.validation.fenced import shown
from llmi_data.wording import fill, version, ways

if TYPE_CHECKING:
    from llmi_reward.chat import ChatModel

HERE = "llmi_data.validation"
OPTIONS: Mapping[str, Any] = {"temperature": 0.0, "max_tokens": 384}


class Implicitness(Protocol):
    """Judges whether a question leaves it to the writer how its pictures are made."""

    async def judge(self, question: Question) -> ImplicitVerdict: ...


class JudgeAnswer(BaseModel):
    """The form of an answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: str
    words: str
    implicit: bool


class ImplicitnessJudge:
    """Asks a model; the user's pictures are not sent, for the words alone can give a tool away.

    Args:
        chat: who is asked.
        model: its name, kept with every verdict.
        attempts: how often it is asked when an answer is not in the form.
        options: fields of the requests, over `temperature` 0 and `max_tokens` 384.
    """

    def __init__(
        self, chat: ChatModel, model: str, *, attempts: int = 2, options: Mapping[str, Any] | None = None
    ) -> None:
        self.chat, self.model, self.attempts = chat, model, attempts
        self.options = {**OPTIONS, **(options or {})}

    @property
    def name(self) -> str:
        """The model and the version of its instructions."""
        return f"{self.model} / {version(HERE, 'judge')}"

    async def judge(self, question: Question) -> ImplicitVerdict:
        """The model's verdict. Raises `ChatError` where it gives none."""
        from llmi_reward.chat import ask_for

        asked = judging_messages(question)
        answer = await ask_for(JudgeAnswer, self.chat, asked, attempts=self.attempts, options=self.options)
        reason = answer.reason if answer.implicit or not answer.words else f"{answer.words!r}: {answer.reason}"
        return ImplicitVerdict(judge=self.name, implicit=answer.implicit, reason=reason)


def judging_messages(question: Question) -> list[dict[str, Any]]:
    """Chat messages that ask for one verdict."""
    return [
        {"role": "system", "content": fill(HERE, "judge", ways=ways())},
        {"role": "user", "content": shown(question, pictures=False)},
    ]
