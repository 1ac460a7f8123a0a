"""`ChatModel`: anything that answers chat messages, and the values that go in and come out."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from llmi_schema import Picture

Message = Mapping[str, Any]
"""A chat message as the OpenAI API has it: `{"role": "user", "content": text or list of parts}`."""

JsonSchema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, as the server counted them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.prompt_tokens + other.prompt_tokens, self.completion_tokens + other.completion_tokens)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model answered.

    Attributes:
        text: as it came, a `<think>` block included (`without_thoughts` removes it).
        usage: tokens it took; zero where the server does not say.
        finish: why it ended, in the API's words: "stop", "length", "content_filter".
        model: the model's own name for itself.
        refusal: the words in which the model declined; None when it answered.
        replayed: it came from the journal, and nothing was paid now.
    """

    text: str
    usage: Usage = Usage()
    finish: str = "stop"
    model: str = ""
    refusal: str | None = None
    replayed: bool = False


class ChatModel(Protocol):
    """Judges, data generation and selection talk to models through this one method.

    `ChatClient` asks a server, `TransformersChat` a model in this process. Write your own for anything else.
    """

    async def ask(
        self,
        messages: str | Sequence[Message],
        *,
        schema: JsonSchema | None = None,
        sample: int = 0,
        options: Mapping[str, Any] | None = None,
    ) -> Answer:
        """One answer. Raises `ChatError` when there is none.

        Args:
            messages: chat messages, or the text of one user message.
            schema: a JSON schema that the answer should follow. A request, not a promise: not every server enforces
                it, so read the answer with `read_json` or ask with `ask_for`.
            sample: tells otherwise equal requests apart, to get several answers.
            options: fields of the API's request (`temperature`, `max_tokens`, ...) over the model's own defaults.
        """
        ...


def as_messages(messages: str | Sequence[Message]) -> list[Message]:
    return [{"role": "user", "content": messages}] if isinstance(messages, str) else list(messages)


def text_part(text: str) -> dict[str, Any]:
    """A content part with text."""
    return {"type": "text", "text": text}


def picture_part(picture: Picture) -> dict[str, Any]:
    """A content part with a picture, in the request itself."""
    data = b64encode(picture.png).decode("ascii")
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
