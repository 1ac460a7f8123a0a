"""`Sample`: everything a reward may look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from llmi_schema import BadTag, Constraint, Document, Picture, RenderedDocument, Tag, ToolResult

Messages = Sequence[dict[str, Any]]
Split = Literal["train", "test"]


@dataclass(frozen=True)
class Sample:
    """One answer to one prompt.

    Attributes:
        prompt: a string or chat messages.
        document: the answer with what became of its tags, or only parsed when nothing was rendered; then every
            reward that needs delivered pictures leaves the sample unscored.
        constraint: what the prompt asked for.
        split: "train" counts pictures with the published shape, "test" exactly.
        truncated: generation was cut off before the model ended its answer, so the document is not finished.
    """

    prompt: str | Messages
    document: RenderedDocument | Document
    constraint: Constraint
    split: Split = "train"
    truncated: bool = False

    @cached_property
    def rendered(self) -> RenderedDocument | None:
        return self.document if isinstance(self.document, RenderedDocument) else None

    @cached_property
    def parsed(self) -> Document:
        return self.document.document if isinstance(self.document, RenderedDocument) else self.document

    @property
    def finished(self) -> bool:
        """The text ended outside tags and thoughts, and the model ended it."""
        return self.parsed.finished and not self.truncated

    @cached_property
    def tags(self) -> tuple[Tag | BadTag, ...]:
        """Every closed tag, good or bad: what the model attempted."""
        return self.parsed.tags

    @cached_property
    def results(self) -> tuple[tuple[Tag | BadTag, ToolResult], ...]:
        """Every closed tag with what became of it; empty when nothing was rendered."""
        return tuple(zip(self.tags, self.rendered.results, strict=True)) if self.rendered else ()

    @cached_property
    def delivered(self) -> dict[str, tuple[Tag | BadTag, Picture]]:
        """The distinct pictures by content (sha256), in order, each with the tag that delivered it first."""
        first: dict[str, tuple[Tag | BadTag, Picture]] = {}
        for tag, result in self.results:
            if result.picture is not None:
                first.setdefault(result.picture.sha256, (tag, result.picture))
        return first

    @cached_property
    def unavailable(self) -> tuple[Tag | BadTag, ...]:
        """Tags left without a picture because a tool was down, and edits of the pictures that are missing for it."""
        tags: dict[int, Tag | BadTag] = {}
        for tag, result in self.results:
            down = result.reason == "unavailable"
            orphan = result.reason == "missing_picture" and isinstance(tag, Tag) and tag.call.picture_index in tags
            if down or orphan:
                tags[tag.index] = tag
        return tuple(tags.values())


def tool_of(tag: Tag | BadTag) -> str | None:
    """The tool a tag calls; for a bad tag the one it names, if it names one."""
    return tag.call.source if isinstance(tag, Tag) else tag.tool
