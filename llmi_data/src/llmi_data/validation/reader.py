"""What a blind reader is: something that is given a `Question`, which has no labels, and answers a `Reading`."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol

from llmi_data.row import Question, Reading
from llmi_schema import LLMIError


class UnclearError(LLMIError):
    """A prompt a reader cannot make sense of. It costs that row and no other; the message says why."""


class BlindReader(Protocol):
    """Reads a question and says how many pictures it wants and which tools it needs.

    `read` may be a plain method or an async one. It raises `UnclearError` for a prompt that contradicts itself.
    """

    @property
    def name(self) -> str:
        """Recorded with every verdict: the model and the version of its instructions."""

    def read(self, question: Question) -> Reading | Awaitable[Reading]: ...
