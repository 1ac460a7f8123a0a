"""`render`: a document's tags become pictures, each the moment what it depends on is there.

Only an edit depends on anything: on the picture it changes. There are no waves and no barriers, so the time to
render is that of the longest chain of edits. A failure touches its own segment and what is edited from it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from llmi_schema import (
    BadTag,
    ConfigurationError,
    Document,
    Picture,
    RenderedDocument,
    Tag,
    ToolCall,
    ToolResult,
    parse,
)


class Caller(Protocol):
    """What render needs of a toolkit: an answer to every call, never an exception."""

    async def call(self, call: ToolCall, pictures: Sequence[Picture] = ()) -> ToolResult: ...


async def render(document: Document | str, toolkit: Caller, inputs: Sequence[Picture] = ()) -> RenderedDocument:
    """Run every tag of a document.

    Args:
        document: what `parse` returned, or the text itself (of the default language).
        toolkit: answers the calls, usually a `Toolkit`.
        inputs: the user's pictures; edits may work on them.

    Raises:
        ConfigurationError: when the document was parsed for another number of input pictures.
    """
    if isinstance(document, str):
        document = parse(document, len(inputs))
    if document.input_images != len(inputs):
        raise ConfigurationError(
            f"the document was parsed for {document.input_images} input pictures and {len(inputs)} are given: "
            "parse(text, input_images=len(inputs))"
        )
    running: list[asyncio.Task[ToolResult]] = []

    async def picture_at(index: int) -> Picture | None:
        if index < len(inputs):
            return inputs[index]
        return (await running[index - len(inputs)]).picture

    async def run(tag: Tag) -> ToolResult:
        target = tag.call.picture_index
        if target is None:
            return await toolkit.call(tag.call)
        picture = await picture_at(target)
        if picture is None:
            return ToolResult.failed("missing_picture", f"picture {target}, which it works on, was not delivered")
        return await toolkit.call(tag.call, (picture,))

    # The group cancels and awaits every call when this coroutine is cancelled: no task outlives the render.
    async with asyncio.TaskGroup() as group:
        running.extend(group.create_task(_bad(tag) if isinstance(tag, BadTag) else run(tag)) for tag in document.tags)
    return RenderedDocument(document=document, results=tuple(task.result() for task in running), inputs=tuple(inputs))


async def _bad(tag: BadTag) -> ToolResult:
    return ToolResult.failed("bad_call", tag.reason)
