"""`ChatError`: why a model gave no usable answer."""

from __future__ import annotations

from typing import Literal

from llmi_schema import LLMIError

ChatFailure = Literal[
    "unreachable",  # no connection, or it broke off
    "timeout",  # the deadline passed
    "rate_limited",  # the server said to come back later
    "server_error",  # the server failed
    "bad_reply",  # a reply that is cut short or is no chat completion
    "rejected",  # the server does not take this request: wrong key, model or parameter
    "refused",  # the model, or a filter, declines to answer
    "cut_off",  # the answer reached its token limit before it was complete
    "bad_answer",  # the answer is not what it was asked to be
    "budget",  # the call could have cost more than is left
    "closed",  # the client was closed
]


class ChatError(LLMIError):
    """No usable answer. `reason` is for code, the message for people.

    `billed` tells that the provider may have charged for it: nothing is known of an answer that never came.
    """

    def __init__(
        self, reason: ChatFailure, message: str, *, retry_after: float | None = None, billed: bool = False
    ) -> None:
        super().__init__(message)
        self.reason: ChatFailure = reason
        self.retry_after = retry_after
        self.billed = billed
