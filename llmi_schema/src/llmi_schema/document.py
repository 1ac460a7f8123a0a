"""`Document`: a model's text taken apart into prose, thoughts, tags and bad tags, losing no character."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from llmi_schema.calls import ToolCall


@dataclass(frozen=True, slots=True)
class Text:
    """Prose, exactly as written."""

    kind: ClassVar[Literal["text"]] = "text"
    start: int
    source: str


@dataclass(frozen=True, slots=True)
class Thought:
    """A `<think>` block with its markers; never shown to a judge, never scored. Not `closed`: the text ends in it."""

    kind: ClassVar[Literal["thought"]] = "thought"
    start: int
    source: str
    closed: bool


@dataclass(frozen=True, slots=True)
class Tag:
    """A valid tag. `index` is its place among the pictures: the user's first, then every closed tag in order."""

    kind: ClassVar[Literal["tag"]] = "tag"
    start: int
    source: str
    index: int
    call: ToolCall


@dataclass(frozen=True, slots=True)
class BadTag:
    """A closed tag that is no valid call: `reason` says why; `tool` is the tool it names, if it names one."""

    kind: ClassVar[Literal["bad_tag"]] = "bad_tag"
    start: int
    source: str
    index: int
    reason: str
    tool: str | None


Segment = Text | Thought | Tag | BadTag

Dialect = Literal["json", "python"]
"""How tags are written: strict JSON, or the published Python literals (see `llmi_schema.published`)."""


@dataclass(frozen=True, slots=True)
class Document:
    """What `parse` returns. `str(document)` is the source again, character by character.

    Attributes:
        segments: all spans in order; their sources join to the text that was parsed.
        input_images: how many pictures the user gave; they come first in the numbering.
        open_tag: offset of an `<imgen>` that is never closed, or None. What follows it is text.
        fenced: how many tags stand inside Markdown code fences, where they are text.
        dialect: how the text was read.
    """

    segments: tuple[Segment, ...]
    input_images: int = 0
    open_tag: int | None = None
    fenced: int = 0
    dialect: Dialect = "json"

    @property
    def tags(self) -> tuple[Tag | BadTag, ...]:
        """Every closed tag in order, good or bad: the k-th has picture index `input_images + k`."""
        return tuple(s for s in self.segments if isinstance(s, Tag | BadTag))

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """The valid calls in order."""
        return tuple(s.call for s in self.segments if isinstance(s, Tag))

    @property
    def bad_tags(self) -> tuple[BadTag, ...]:
        return tuple(s for s in self.segments if isinstance(s, BadTag))

    @property
    def text(self) -> str:
        """The visible prose: no thoughts, no tags."""
        return "".join(s.source for s in self.segments if isinstance(s, Text))

    @property
    def finished(self) -> bool:
        """False when the text ends inside a tag or a thought."""
        last = self.segments[-1] if self.segments else None
        return self.open_tag is None and not (isinstance(last, Thought) and not last.closed)

    def __str__(self) -> str:
        return "".join(s.source for s in self.segments)

    def canonical(self) -> str:
        """The text with every valid tag in canonical strict JSON; all else is unchanged."""
        return "".join(s.call.to_tag() if isinstance(s, Tag) else s.source for s in self.segments)
