"""What a sample proves: attempts are its closed tags, achievements its delivered pictures. Text proves nothing."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import NamedTuple

from llmi_schema import BadTag, Document, Picture, RenderedDocument, Tag

AnyTag = Tag | BadTag


class Evidence(NamedTuple):
    """One pass over a document and its results; every rule reads from it.

    Attributes:
        tags: every closed tag, good or bad: what the model attempted.
        good: how many of them are valid calls.
        attempted: the tools they call; a bad tag counts for the tool it names, if it names one.
        made: how many results are pictures, repeats included.
        delivered: the distinct pictures by content (sha256), in order, each with the tag that made it first. A copy
            of a picture the user gave is no delivery: an edit that changes nothing has made nothing.
        succeeded: the tools that delivered.
        unavailable: tags left without a picture because a tool was down, and edits of the pictures missing for it.
    """

    tags: tuple[AnyTag, ...]
    good: int
    attempted: AbstractSet[str | None]
    made: int
    delivered: dict[str, tuple[AnyTag, Picture]]
    succeeded: AbstractSet[str | None]
    unavailable: tuple[AnyTag, ...]


def gather_evidence(document: Document, rendered: RenderedDocument | None) -> Evidence:
    """Read the evidence off a document; `rendered` is None when nothing was rendered."""
    tags = document.tags
    attempted = {tag.tool for tag in tags}
    attempted.discard(None)
    good = [*map(type, tags)].count(Tag)
    if rendered is None:
        return Evidence(tags, good, attempted, 0, {}, frozenset(), ())
    given = {picture.sha256 for picture in rendered.inputs} if rendered.inputs else ()
    delivered: dict[str, tuple[AnyTag, Picture]] = {}
    down: dict[int, AnyTag] = {}
    made = 0
    for tag, result in zip(tags, rendered.results, strict=True):
        if (picture := result.picture) is not None:
            made += 1
            if (content := picture.sha256) not in delivered and content not in given:
                delivered[content] = (tag, picture)
        elif result.reason == "unavailable" or (
            down and result.reason == "missing_picture" and isinstance(tag, Tag) and tag.call.picture_index in down
        ):
            down[tag.index] = tag
    all_delivered = len(delivered) == good == len(tags)
    succeeded = attempted if all_delivered else {tag.tool for tag, _ in delivered.values() if type(tag) is Tag}
    return Evidence(tags, good, attempted, made, delivered, succeeded, tuple(down.values()) if down else ())


def tool_of(tag: AnyTag) -> str | None:
    """The tool a tag calls; for a bad tag the one it names, if it names one."""
    return tag.tool
