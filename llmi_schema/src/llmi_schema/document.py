"""`Document`: a model's text taken apart into prose, thoughts, tags and bad tags, losing no character."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, cast

from llmi_schema.calls import ToolCall
from llmi_schema.reading import Dialect, Reader

__all__ = ["BadTag", "Dialect", "Document", "Segment", "Tag", "Text", "Thought"]


class _Span:
    """A piece of a text: a value, equal to another that shows the same.

    Not a frozen dataclass, because building one of those takes longer than finding a tag.
    """

    __slots__ = ("_source", "_start")
    __match_args__: ClassVar[tuple[str, ...]] = ("start", "source")

    def __init__(self, start: int, source: str) -> None:
        self._start = start
        self._source = source

    @property
    def start(self) -> int:
        """Offset in the document."""
        return self._start

    @property
    def source(self) -> str:
        """The piece, exactly as written."""
        return self._source

    def _shown(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self.__match_args__)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._shown() == other._shown()

    def __hash__(self) -> int:
        return hash((type(self), self._start, self._source))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__match_args__)
        return f"{type(self).__name__}({shown})"


class Text(_Span):
    """Prose, exactly as written."""

    __slots__ = ()
    kind: ClassVar[Literal["text"]] = "text"


class Thought(_Span):
    """A `<think>` block with its markers; never shown to a judge, never scored. Not `closed`: the text ends in it."""

    __slots__ = ("_closed",)
    __match_args__ = ("start", "source", "closed")
    kind: ClassVar[Literal["thought"]] = "thought"

    def __init__(self, start: int, source: str, closed: bool) -> None:
        self._start = start
        self._source = source
        self._closed = closed

    @property
    def closed(self) -> bool:
        return self._closed


class Tag(_Span):
    """A valid tag. `index` is its place among the pictures: the user's first, then every closed tag in order.

    `tool` is known at once; `call` is read from the source when it is first asked for.
    """

    __slots__ = ("_call", "_index", "_reader", "_tool")
    __match_args__ = ("start", "source", "index", "call")
    kind: ClassVar[Literal["tag"]] = "tag"

    def __init__(self, start: int, source: str, index: int, tool: str, reader: Reader) -> None:
        self._start = start
        self._source = source
        self._index = index
        self._tool = tool
        self._reader = reader
        self._call: ToolCall | None = None

    @property
    def index(self) -> int:
        return self._index

    @property
    def tool(self) -> str:
        """The tool it calls."""
        return self._tool

    @property
    def call(self) -> ToolCall:
        if self._call is None:
            self._call = self._reader.call(self._source)
        return self._call


class BadTag(_Span):
    """A closed tag that is no valid call. Why is worked out when it is asked for."""

    __slots__ = ("_index", "_reader")
    __match_args__ = ("start", "source", "index", "reason", "tool")
    kind: ClassVar[Literal["bad_tag"]] = "bad_tag"

    def __init__(self, start: int, source: str, index: int, reader: Reader) -> None:
        self._start = start
        self._source = source
        self._index = index
        self._reader = reader

    @property
    def index(self) -> int:
        return self._index

    @property
    def reason(self) -> str:
        """Why it is no call, in a sentence."""
        return self._reader.fault(self._source, self._index)

    @property
    def tool(self) -> str | None:
        """The tool it names, if it names one: it counts as an attempt of that tool."""
        return self._reader.named_tool(self._source)


Segment = Text | Thought | Tag | BadTag


@dataclass(frozen=True, slots=True)
class Document:
    """What `parse` returns: a text and what stands in it. `str(document)` is the text again.

    Attributes:
        source: the text, exactly as it was parsed.
        marks: the thoughts and the closed tags in it, good and bad, in order; all else is prose.
        input_images: how many pictures the user gave; they come first in the numbering.
        open_tag: offset of an `<imgen>` that is never closed, or None. What follows it is text.
        fenced: how many tags stand inside Markdown code fences, where they are text.
        dialect: how the text was read.
    """

    source: str
    marks: tuple[Thought | Tag | BadTag, ...] = ()
    input_images: int = 0
    open_tag: int | None = None
    fenced: int = 0
    dialect: Dialect = "json"

    @property
    def segments(self) -> tuple[Segment, ...]:
        """All pieces in order, prose included; their sources join to the text."""
        segments: list[Segment] = []
        written = 0
        for mark in self.marks:
            if mark.start > written:
                segments.append(Text(written, self.source[written : mark.start]))
            segments.append(mark)
            written = mark.start + len(mark.source)
        if written < len(self.source):
            segments.append(Text(written, self.source[written:]))
        return tuple(segments)

    @property
    def tags(self) -> tuple[Tag | BadTag, ...]:
        """Every closed tag in order, good or bad: the k-th has picture index `input_images + k`."""
        if Thought not in map(type, self.marks):
            return cast("tuple[Tag | BadTag, ...]", self.marks)
        return tuple(mark for mark in self.marks if not isinstance(mark, Thought))

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """The valid calls in order."""
        return tuple(mark.call for mark in self.marks if isinstance(mark, Tag))

    @property
    def bad_tags(self) -> tuple[BadTag, ...]:
        return tuple(mark for mark in self.marks if isinstance(mark, BadTag))

    @property
    def text(self) -> str:
        """The visible prose: no thoughts, no tags."""
        return "".join(segment.source for segment in self.segments if isinstance(segment, Text))

    @property
    def finished(self) -> bool:
        """False when the text ends inside a tag or a thought."""
        last = self.marks[-1] if self.marks else None
        return self.open_tag is None and not (isinstance(last, Thought) and not last.closed)

    def __str__(self) -> str:
        return self.source

    def canonical(self) -> str:
        """The text with every valid tag in canonical strict JSON; all else is unchanged."""
        return "".join(s.call.to_tag() if isinstance(s, Tag) else s.source for s in self.segments)
