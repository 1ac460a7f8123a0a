"""`StreamParser`: what `parse` does, for a text that is still being written.

```python
parser = StreamParser()
for piece in pieces:
    for segment in parser.feed(piece): ...   # a tag is given out at its last character
document = parser.close()                    # what parse("".join(pieces)) is
```

However a text is cut, the segments are those of `parse`, and the work is linear in its length.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

from llmi_schema.calls import CLOSE_TAG, CLOSE_THOUGHT, OPEN_TAG, OPEN_THOUGHT
from llmi_schema.document import BadTag, Document, Segment, Tag, Text, Thought
from llmi_schema.language import DEFAULT_LANGUAGE, Language
from llmi_schema.parser import parse
from llmi_schema.reading import Dialect, Reader

_STOP = re.compile("[<\n]")
_INFO_ENDS = re.compile("[`\n]")
_SPACE = re.compile(r"\s*+")
_OUTSIDE = re.compile('[^"<]*+')
_INSIDE = re.compile(r'[^"\\<]*+')

Place = Literal["text", "tag", "thought"]


class StreamParser:
    """Takes a text apart as it comes.

    It follows the rules that `llmi_schema.scanner` writes as one pattern. A text whose reading depends on what follows
    is held until that has come: a tag until its end, a line that may open a code fence until it is whole.

    Args:
        input_images, language, dialect: see `parse`.
    """

    def __init__(
        self, input_images: int = 0, language: Language = DEFAULT_LANGUAGE, *, dialect: Dialect = "json"
    ) -> None:
        self._input_images, self._language, self._dialect = input_images, language, dialect
        self._reader = Reader(language, dialect)
        self._index = input_images
        self._source: list[str] = []
        self._found: list[Segment] = []

        self._buffer = ""  # the newest text; what was read of it goes when `feed` returns
        self._offset = 0  # where the buffer begins in the document
        self._at = 0  # where reading stands in the buffer
        self._prose: list[str] = []  # prose since the last mark, as far as it has left the buffer
        self._prose_start = self._prose_end = 0
        self._hold: int | None = 0  # from here on nothing is certain yet
        self._held: list[str] = []  # text after it that has left the buffer

        self._read: Callable[[], bool] = self._line
        self._spaces = self._run = self._fence_length = 0  # a line's indentation and marks; the open fence's marks
        self._mark = self._fence_mark = ""
        self._trailing = False
        self._json = "start"  # where the tag's body stands: start, outside strings, inside one, or no object at all
        self._first_close: int | None = None

    @property
    def settled(self) -> int:
        """How many characters of the document are read for good: prose, and tags and thoughts that have ended."""
        return self._offset + self._at if self._hold is None else self._hold

    @property
    def inside(self) -> Place:
        """What the text stands in at the moment."""
        places: dict[str, Place] = {"_tag": "tag", "_thought": "thought"}
        return places.get(self._read.__name__, "text")

    def feed(self, piece: str) -> list[Segment]:
        """The segments that are complete with this piece; prose is complete when a tag or thought after it is."""
        self._source.append(piece)
        self._buffer += piece
        self._found = []
        while self._read():
            pass
        self._tidy()
        return self._found

    def close(self) -> Document:
        """The document, when no more text comes."""
        return parse("".join(self._source), self._input_images, self._language, dialect=self._dialect)

    # Each method below reads from `_at` on. False: it cannot go on without more text.

    def _text(self) -> bool:
        buffer = self._buffer
        while (stop := _STOP.search(buffer, self._at)) is not None:
            start = stop.start()
            if buffer[start] == "\n":
                self._at = start + 1
                self._start_line()
                return True
            if buffer.startswith(OPEN_TAG, start):
                self._open(start, OPEN_TAG, self._tag)
                self._json = "start" if self._dialect == "json" else "none"
                self._first_close = None
                return True
            if buffer.startswith(OPEN_THOUGHT, start):
                self._open(start, OPEN_THOUGHT, self._thought)
                return True
            self._at = start
            if self._may_become(OPEN_TAG) or self._may_become(OPEN_THOUGHT):
                return False
            self._at += 1
        self._at = len(buffer)
        return False

    def _start_line(self) -> None:
        self._hold = self._offset + self._at
        self._read = self._line
        self._spaces = self._run = 0

    def _line(self) -> bool:
        """The beginning of a line: does it open a code fence?"""
        for at in range(self._at, len(self._buffer)):
            character = self._buffer[at]
            if not self._run and character == " " and self._spaces < 3:
                self._spaces += 1
            elif not self._run and character in "`~":
                self._mark, self._run = character, 1
            elif self._run and character == self._mark:
                self._run += 1
            else:
                self._at = at
                if self._run < 3:
                    self._go_on(self._text)
                elif self._mark == "~":
                    self._open_fence()
                else:
                    self._read = self._info
                return True
        self._at = len(self._buffer)
        return False

    def _info(self) -> bool:
        """The rest of a line that begins with backticks: with another one in it, it is no fence."""
        stop = _INFO_ENDS.search(self._buffer, self._at)
        if stop is None:
            self._at = len(self._buffer)
            return False
        self._at = stop.start()
        if self._buffer[self._at] == "\n":
            self._open_fence()
        else:
            self._back_to(self._hold or 0)
            self._go_on(self._text)
        return True

    def _open_fence(self) -> None:
        self._fence_mark, self._fence_length = self._mark, self._run
        self._go_on(self._fence)

    def _fence(self) -> bool:
        end = self._buffer.find("\n", self._at)
        if end < 0:
            self._at = len(self._buffer)
            return False
        self._at = end + 1
        self._read = self._fence_line
        self._spaces = self._run = 0
        self._trailing = False
        return True

    def _fence_line(self) -> bool:
        """The beginning of a line inside a fence: does it close the fence?"""
        for at in range(self._at, len(self._buffer)):
            character = self._buffer[at]
            if not self._run and character == " " and self._spaces < 3:
                self._spaces += 1
            elif character == self._fence_mark and not self._trailing:
                self._run += 1
            elif self._run >= self._fence_length and character in " \t\r":
                self._trailing = True
            else:
                self._at = at
                closed = self._run >= self._fence_length and character == "\n"
                self._read = self._text if closed else self._fence
                return True
        self._at = len(self._buffer)
        return False

    def _thought(self) -> bool:
        end = self._buffer.find(CLOSE_THOUGHT, self._at)
        if end < 0:
            self._at = max(self._at, len(self._buffer) - len(CLOSE_THOUGHT) + 1)
            return False
        start, source = self._taken(self._offset + end + len(CLOSE_THOUGHT))
        self._found.append(Thought(start, source, True))
        return True

    def _tag(self) -> bool:
        """A tag ends at the first `</imgen>` outside its strings if it looks like an object, else at the first one."""
        buffer = self._buffer
        if self._json == "none":
            if self._first_close is None:
                end = buffer.find(CLOSE_TAG, self._at)
                if end < 0:
                    self._at = max(self._at, len(buffer) - len(CLOSE_TAG) + 1)
                    return False
                self._first_close = self._offset + end + len(CLOSE_TAG)
            self._end_tag(self._first_close)
            return True
        self._at = {"start": _SPACE, "outside": _OUTSIDE, "string": _INSIDE}[self._json].match(buffer, self._at).end()  # type: ignore[union-attr]
        if self._at == len(buffer):
            return False
        match self._json, buffer[self._at]:
            case "start", "{":
                self._json, self._at = "outside", self._at + 1
            case "outside", '"':
                self._json, self._at = "string", self._at + 1
            case "string", '"':
                self._json, self._at = "outside", self._at + 1
            case "outside", "<" if buffer.startswith(CLOSE_TAG, self._at):
                self._end_tag(self._offset + self._at + len(CLOSE_TAG))
            case "outside", "<" if self._may_become(CLOSE_TAG):
                return False
            case "string", "\\" if self._at + 1 == len(buffer):
                return False
            case "string", "\\" if buffer[self._at + 1] != "<":
                self._at += 2
            case "string", "<" if buffer.startswith(CLOSE_TAG, self._at):
                self._first_close = self._first_close or self._offset + self._at + len(CLOSE_TAG)
                self._at += len(CLOSE_TAG)
            case "string", "<" if self._may_become(CLOSE_TAG) or self._may_become(OPEN_TAG):
                return False
            case "string", "<" if not buffer.startswith(OPEN_TAG, self._at):
                self._at += 1
            case _:
                self._json = "none"
        return True

    def _end_tag(self, end: int) -> None:
        start, source = self._taken(end)
        (mark,) = parse(source, self._index, self._language, dialect=self._dialect).marks
        if isinstance(mark, Tag):
            self._found.append(Tag(start, source, self._index, mark.tool, self._reader))
        else:
            self._found.append(BadTag(start, source, self._index, self._reader))
        self._index += 1

    # Bookkeeping

    def _may_become(self, word: str) -> bool:
        """Whether the text ends in what may still become this word."""
        rest = len(self._buffer) - self._at
        return rest < len(word) and word.startswith(self._buffer[self._at :])

    def _go_on(self, read: Callable[[], bool]) -> None:
        """What was held is prose."""
        if self._held:
            self._prose += self._held
            self._prose_end = self._offset
            self._held.clear()
        self._hold = None
        self._read = read

    def _open(self, start: int, word: str, read: Callable[[], bool]) -> None:
        self._hold = self._offset + start
        self._at = start + len(word)
        self._read = read

    def _back_to(self, place: int) -> None:
        """Read again from there, which is not before what is held."""
        if place < self._offset:
            self._buffer = "".join(self._held)[place - (self._hold or 0) :] + self._buffer
            self._offset = place
        self._at = place - self._offset
        self._held.clear()

    def _taken(self, end: int) -> tuple[int, str]:
        """End what is held there: the prose before it is given out. Returns where it starts, and its text."""
        start = self._hold or 0
        self._set_prose_aside(start)
        if self._prose:
            self._found.append(Text(self._prose_start, "".join(self._prose)))
        held = "".join(self._held)
        source = held[: end - start] + self._buffer[max(0, start - self._offset) : max(0, end - self._offset)]
        self._back_to(end)
        self._prose.clear()
        self._prose_start = self._prose_end = end
        self._go_on(self._text)
        return start, source

    def _set_prose_aside(self, until: int) -> None:
        if self._prose_end < until:
            self._prose.append(self._buffer[self._prose_end - self._offset : until - self._offset])
            self._prose_end = until

    def _tidy(self) -> None:
        """Let the buffer go as far as it was read."""
        self._set_prose_aside(self.settled)
        if self._hold is not None and (held := self._buffer[max(0, self._hold - self._offset) : self._at]):
            self._held.append(held)
        self._buffer = self._buffer[self._at :]
        self._offset += self._at
        self._at = 0
