"""What a server sent back, read strictly: an `Answer`, or the `ChatError` it amounts to."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from llmi_reward.chat.errors import ChatError
from llmi_reward.chat.model import Answer, Usage

_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP reply: status, the Retry-After header in seconds, and the body."""

    status: int
    body: bytes
    retry_after: float | None = None


def read(reply: Reply) -> Answer:
    """The answer in a reply; a refusal is an answer too. Raises `ChatError` for anything that is none."""
    if reply.status != 200:
        raise _failure(reply)
    try:
        value = json.loads(reply.body)
    except (ValueError, RecursionError):
        raise ChatError("bad_reply", f"the reply is not JSON: {_shown(reply.body)}", billed=True) from None
    match value:
        case {"choices": [{"message": dict(message)} as choice, *_]}:
            return _answer(value, message, choice)
    raise ChatError("bad_reply", f"the reply is no chat completion: {_shown(reply.body)}", billed=True)


def _answer(value: dict[str, Any], message: dict[str, Any], choice: dict[str, Any]) -> Answer:
    text, refusal = message.get("content"), message.get("refusal")
    finish = str(choice.get("finish_reason") or "stop")
    if finish == "content_filter" and not refusal:
        refusal = "a content filter stopped the answer"
    if not isinstance(text, str):
        text = ""
    return Answer(text, usage_of(value.get("usage")), finish, model_of(value), refusal or None)


def usage_of(value: Any) -> Usage:
    """What a server says it has counted; 0 for what can be no count of tokens, which then costs the most it could."""
    if not isinstance(value, dict):
        return Usage()
    counts = (value.get("prompt_tokens"), value.get("completion_tokens"))
    return Usage(*(count if type(count) is int and 0 <= count < 2**31 else 0 for count in counts))


def model_of(value: dict[str, Any]) -> str:
    """The name a server gives its model, as text that can be kept: JSON can hold half characters."""
    return str(value.get("model") or "")[:_SHOWN].encode("utf-8", "replace").decode()


def _failure(reply: Reply) -> ChatError:
    said = f"the server answered {reply.status}: {_said(reply.body)}"
    match reply.status:
        case 429 if b"insufficient_quota" in reply.body:
            return ChatError("rejected", said)  # waiting does not fill an account
        case 429:
            return ChatError("rate_limited", said, retry_after=reply.retry_after)
        case 408 | 409 | 425 | 500 | 502 | 503 | 504 | 520 | 522 | 524 | 529:
            return ChatError("server_error", said, retry_after=reply.retry_after)
        case status if status >= 500:
            return ChatError("server_error", said, retry_after=reply.retry_after)
        case _ if b"content_filter" in reply.body or b"content management policy" in reply.body:
            return ChatError("refused", said)  # how Azure declines a prompt
        case _:
            return ChatError("rejected", said)


def _said(body: bytes) -> str:
    """The message of an error in the usual forms, else the beginning of the body."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return _shown(body)
    match value:
        case {"error": {"message": str(message)}} | {"message": str(message)} | {"error": str(message)}:
            return message[:_SHOWN]
        case _:
            return _shown(body)


def _shown(body: bytes) -> str:
    text = body.decode("utf-8", "replace").strip()
    return (text[:_SHOWN] + " ...") if len(text) > _SHOWN else text or "(empty)"
