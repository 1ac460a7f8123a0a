"""What travels through the stages: what was asked, and the documents that may answer it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256

from llmi_reward import Sample
from llmi_schema import Constraint, Picture, RenderedDocument
from llmi_train.policies import Messages


@dataclass(frozen=True)
class Question:
    """What is to be answered.

    Attributes:
        messages: the conversation; the last message is the user's.
        pictures: the user's own.
        constraint: what the prompt asks for; any number of pictures unless given.
    """

    messages: Messages
    pictures: tuple[Picture, ...] = ()
    constraint: Constraint = field(default_factory=Constraint)

    @classmethod
    def of(cls, prompt: str, *pictures: Picture, constraint: Constraint | None = None) -> Question:
        return cls([{"role": "user", "content": prompt}], pictures, constraint or Constraint())


@dataclass(frozen=True)
class Candidate:
    """One possible answer. Equal content has equal `digest`, whatever it went through.

    Attributes:
        seed: of the sample it began as.
        truncated: the token limit cut it off.
        history: the stages that changed it.
    """

    rendered: RenderedDocument
    seed: int = 0
    truncated: bool = False
    history: tuple[str, ...] = ()

    @cached_property
    def digest(self) -> str:
        """Of the text and of what became of its tags."""
        results = [result.picture.sha256 if result.picture else result.reason for result in self.rendered.results]
        text = self.rendered.document.source
        return sha256(f"{self.truncated} {results} {text}".encode("utf-8", "surrogatepass")).hexdigest()

    def sample(self, question: Question) -> Sample:
        """As rewards and judges see it; counts are exact."""
        return Sample(question.messages, self.rendered, question.constraint, split="test", truncated=self.truncated)


Candidates = tuple[Candidate, ...]
"""Best first, as far as is known."""


def canonical(candidates: Iterable[Candidate]) -> Candidates:
    """Each content once, in an order that depends on the contents alone. Of equal ones the lowest seed is kept."""
    found: dict[str, Candidate] = {}
    for candidate in sorted(candidates, key=lambda c: (c.digest, c.seed)):
        found.setdefault(candidate.digest, candidate)
    return tuple(found.values())
