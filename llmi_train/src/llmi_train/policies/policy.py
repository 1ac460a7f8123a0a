"""`Policy`: whatever writes tagged documents, a model in this process or one behind a server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Protocol

from llmi_schema import Picture, RowConstraint

Messages = list[dict[str, Any]]
"""Chat messages as every chat API spells them."""


@dataclass(frozen=True, slots=True)
class Completion:
    """What a policy wrote. Not `finished` when the token limit cut it off.

    Attributes:
        tokens: how many it wrote.
        prompt_tokens: how many it read; 0 where nobody counted.
        cost: money, in the currency of the endpoint's prices; None where no price is known.
    """

    text: str
    finished: bool
    tokens: int
    prompt_tokens: int = 0
    cost: float | None = None


@dataclass(frozen=True)
class Request:
    """One document to write.

    Attributes:
        messages: the conversation; the last message is the user's.
        pictures: the user's own, in the order a document numbers them.
        temperature: 0 takes the likeliest token.
        seed: tells samples of one prompt apart.
        max_tokens: the longest answer; the policy's own limit unless given.
        constraint: only documents that satisfy it may be written; None leaves the policy free.
    """

    messages: Messages
    pictures: tuple[Picture, ...] = ()
    temperature: float = 0.0
    seed: int = 0
    max_tokens: int | None = None
    constraint: RowConstraint | None = None


class Policy(Protocol):
    """Writes one document per request; requests may run at the same time.

    Attributes:
        identity: everything about the policy that affects what it writes, for caches, journals and reports.
    """

    @property
    def identity(self) -> str: ...

    async def write(self, request: Request) -> Completion:
        """The whole document. Raises a subclass of `llmi_schema.LLMIError` when none can be had."""
        ...

    def stream(self, request: Request) -> AsyncIterator[str | Completion]:
        """Pieces of text as they are written, then the `Completion` they add up to."""
        ...
