"""`Written`: a document with everything that is known of how it came about."""

from __future__ import annotations

from dataclasses import dataclass

from llmi_schema import RenderedDocument
from llmi_train.policies import Completion, Messages


@dataclass(frozen=True, slots=True)
class ToolRun:
    """Seconds from asking the policy until a tag was complete, and until its tool had answered; None: it never did."""

    index: int
    called: float
    answered: float | None


@dataclass(frozen=True, slots=True)
class Written:
    """Attributes:
    messages: what was asked.
    rendered: the document with what became of its tags.
    completion: what the policy wrote, with its cost; None when it did not come to its end.
    policy: the policy's identity.
    seconds: from asking the policy to the last picture.
    writing_seconds: of them, until the text was complete.
    runs: one per tag.
    problem: why the document is not complete; None when it is.
    """

    messages: Messages
    rendered: RenderedDocument
    completion: Completion | None
    policy: str
    seconds: float
    writing_seconds: float
    runs: tuple[ToolRun, ...] = ()
    problem: str | None = None

    @property
    def prompt(self) -> str:
        """What the user wrote last, pictures left out."""
        asked = [message for message in self.messages if message["role"] == "user"]
        content = asked[-1]["content"] if asked else ""
        if isinstance(content, str):
            return content
        return "\n".join(part["text"] for part in content if part.get("type") == "text")
