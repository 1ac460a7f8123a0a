"""What happens while a document is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmi_schema import BadTag, Tag, ToolResult
from llmi_schema.streaming import Place

if TYPE_CHECKING:
    from llmi_train.writing.written import Written


@dataclass(frozen=True, slots=True)
class Wrote:
    """Prose, as a reader sees it: no tags, no thoughts."""

    text: str


@dataclass(frozen=True, slots=True)
class Thinking:
    """A thought that has ended, with its markers."""

    text: str


@dataclass(frozen=True, slots=True)
class Inside:
    """The text has come into a tag or a thought, or back out of it."""

    place: Place


@dataclass(frozen=True, slots=True)
class Called:
    """A tag is complete, and its tool runs."""

    tag: Tag | BadTag


@dataclass(frozen=True, slots=True)
class Answered:
    """A tool has answered."""

    tag: Tag | BadTag
    result: ToolResult


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event."""

    written: Written


Event = Wrote | Thinking | Inside | Called | Answered | Finished
