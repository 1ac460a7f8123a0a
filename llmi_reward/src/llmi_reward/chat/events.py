"""Server-sent events, however their bytes are cut, and the chat completion that they add up to."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from llmi_reward.chat.errors import ChatError
from llmi_reward.chat.model import Answer, Usage
from llmi_reward.chat.reply import model_of, usage_of

_SHOWN = 300


class EventReader:
    """Takes bytes, gives the data of each event that is complete (https://html.spec.whatwg.org/#event-stream).

    Comments and all fields but `data` are left out.
    """

    def __init__(self) -> None:
        self._line = bytearray()
        self._data: list[bytes] = []
        self._after_return = False

    def feed(self, chunk: bytes) -> list[bytes]:
        events: list[bytes] = []
        if self._after_return:  # a line end that was cut in two
            chunk = chunk.removeprefix(b"\n")
        self._after_return = chunk.endswith(b"\r")
        lines = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        for line in lines[:-1]:
            self._line += line
            self._take(bytes(self._line), events)
            self._line.clear()
        self._line += lines[-1]
        return events

    def _take(self, line: bytes, events: list[bytes]) -> None:
        if not line:
            if self._data:
                events.append(b"\n".join(self._data))
                self._data.clear()
        elif line.startswith(b"data:"):
            self._data.append(line[5:].removeprefix(b" "))


@dataclass(slots=True)
class StreamedAnswer:
    """Adds up the events of one streamed completion.

    Attributes:
        complete: the server said that the answer has ended.
    """

    complete: bool = False
    _pieces: list[str] = field(default_factory=list)
    _refusal: list[str] = field(default_factory=list)
    _finish: str = "stop"
    _model: str = ""
    _usage: Usage = field(default_factory=Usage)

    def take(self, event: bytes) -> str:
        """The text an event adds, often none. Raises `ChatError` for an event that is none of a completion."""
        if event.strip() == b"[DONE]":
            self.complete = True
            return ""
        try:
            value = json.loads(event)
        except (ValueError, RecursionError):
            raise _bad(f"an event of the stream is not JSON: {_shown(event)}") from None
        match value:
            case {"error": problem} if problem:
                said = problem.get("message") if isinstance(problem, dict) else problem
                raise ChatError("server_error", f"the server broke off: {str(said)[:_SHOWN]}", billed=True)
            case {"choices": list(choices)}:
                self._model = model_of(value) or self._model
                self._count(value.get("usage"))
                return self._choice(choices[0]) if choices and isinstance(choices[0], dict) else ""
        raise _bad(f"an event of the stream is no piece of a completion: {_shown(event)}")

    def answer(self) -> Answer:
        refusal = "".join(self._refusal)
        if self._finish == "content_filter" and not refusal:
            refusal = "a content filter stopped the answer"
        return Answer("".join(self._pieces), self._usage, self._finish, self._model, refusal or None)

    def _choice(self, choice: dict[str, Any]) -> str:
        if choice.get("index"):  # one answer was asked for
            return ""
        if finish := choice.get("finish_reason"):
            self._finish, self.complete = str(finish), True
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            return ""
        if isinstance(refusal := delta.get("refusal"), str):
            self._refusal.append(refusal)
        text = delta.get("content")
        if not isinstance(text, str):
            return ""
        self._pieces.append(text)
        return text

    def _count(self, usage: Any) -> None:
        """Some servers count as they go, most at the end: the last word holds."""
        if isinstance(usage, dict):
            self._usage = usage_of(usage)


def _bad(problem: str) -> ChatError:
    return ChatError("bad_reply", problem, billed=True)


def _shown(data: bytes) -> str:
    text = data.decode("utf-8", "replace").strip()
    return f"{text[:_SHOWN]} ..." if len(text) > _SHOWN else text or "(empty)"
