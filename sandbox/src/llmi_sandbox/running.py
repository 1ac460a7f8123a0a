"""The calls of one document while they run: each starts the moment what it works on is there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from llmi_schema import BadTag, Picture, Tag, ToolCall, ToolResult


class Caller(Protocol):
    """What rendering needs of a toolkit: an answer to every call, never an exception."""

    async def call(self, call: ToolCall, pictures: Sequence[Picture] = ()) -> ToolResult: ...


class RunningCalls:
    """One task for every closed tag, in order; that of an edit awaits the one of its picture.

    Attributes:
        tasks: the k-th belongs to the k-th tag. None raises unless it is cancelled.
    """

    def __init__(self, toolkit: Caller, inputs: Sequence[Picture]) -> None:
        self.tasks: list[asyncio.Task[ToolResult]] = []
        self._toolkit = toolkit
        self._inputs = tuple(inputs)

    def start(self, tag: Tag | BadTag) -> asyncio.Task[ToolResult]:
        """Start the next tag. Tags come in the order of the document."""
        self.tasks.append(asyncio.create_task(self._run(tag)))
        return self.tasks[-1]

    async def end(self) -> None:
        """Cancel what still runs and wait until it has ended: no task outlives the rendering."""
        await end_all(self.tasks)

    async def _run(self, tag: Tag | BadTag) -> ToolResult:
        if isinstance(tag, BadTag):
            return ToolResult.failed("bad_call", tag.reason)
        target = tag.call.picture_index
        if target is None:
            return await self._toolkit.call(tag.call)
        if target < len(self._inputs):
            return await self._toolkit.call(tag.call, (self._inputs[target],))
        picture = (await asyncio.shield(self.tasks[target - len(self._inputs)])).picture
        if picture is None:
            return ToolResult.failed("missing_picture", f"picture {target}, which it works on, was not delivered")
        return await self._toolkit.call(tag.call, (picture,))


async def end_all(tasks: Sequence[asyncio.Task[ToolResult]] | Sequence[asyncio.Task[None]]) -> None:
    """Cancel what still runs and wait until it has ended."""
    left = [task for task in tasks if not task.done()]
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left)
