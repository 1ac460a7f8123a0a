"""Changing some tags of a rendered document, and with them the edits that work on their pictures."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from llmi_schema import RenderedDocument, Tag, ToolCall, ToolResult, parse
from llmi_train.scaling.run import Run


@dataclass(frozen=True, slots=True)
class Change:
    """What is to stand in a tag's place: its result, and its call where that is another one."""

    result: ToolResult
    call: ToolCall | None = None


async def revise(rendered: RenderedDocument, changes: Mapping[int, Change], run: Run) -> RenderedDocument:
    """The document with some of its tags changed.

    Edits of a picture that is another one now are done again, and edits of those, each as soon as its picture is
    there; everything else stays as it is.

    Args:
        changes: by picture index.
    """
    old = rendered.document
    text = "".join(
        call.to_tag() if isinstance(segment, Tag) and (call := _new_call(changes, segment.index)) else segment.source
        for segment in old.segments
    )
    document = parse(text, old.input_images, run.language, dialect=old.dialect)
    inputs = rendered.inputs
    tasks: list[asyncio.Task[ToolResult]] = []

    async def result(place: int) -> ToolResult:
        tag, known = document.tags[place], rendered.results[place]
        if change := changes.get(tag.index):
            return change.result
        target = tag.call.picture_index if isinstance(tag, Tag) else None
        if not isinstance(tag, Tag) or target is None or target < len(inputs):
            return known
        source = target - len(inputs)
        before, now = rendered.results[source].picture, (await asyncio.shield(tasks[source])).picture
        if now is None:
            return ToolResult.failed("missing_picture", f"picture {target}, which it works on, was not delivered")
        if before is not None and before.sha256 == now.sha256:
            return known
        return await run.call(tag.call, (now,))

    try:
        for place in range(len(document.tags)):
            tasks.append(asyncio.create_task(result(place)))  # noqa: PERF401 - a task looks at those before it
        results = tuple([await task for task in tasks])
    finally:
        left = [task for task in tasks if not task.done()]
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)
    return RenderedDocument(document=document, results=results, inputs=inputs)


def _new_call(changes: Mapping[int, Change], index: int) -> ToolCall | None:
    change = changes.get(index)
    return change.call if change else None
