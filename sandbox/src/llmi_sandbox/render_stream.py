"""Rendering a document while it is written: a tag's tool starts at the tag's last character.

```python
async with StreamedRender(toolkit) as rendering:
    async for piece in pieces:
        rendering.feed(piece)                 # what is complete runs already
    rendered = await rendering.finish()       # what `render` of the whole text would be
```
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Self

from llmi_sandbox.running import Caller, RunningCalls
from llmi_schema import (
    DEFAULT_LANGUAGE,
    BadTag,
    Language,
    Picture,
    RenderedDocument,
    Segment,
    Tag,
    ToolResult,
)
from llmi_schema.streaming import Place, StreamParser


class StreamedRender:
    """A document that is written and rendered at the same time. Belongs to one event loop.

    Args:
        toolkit: answers the calls.
        inputs: the user's pictures; edits may work on them.
        language: the tools that exist.
        answered: is told each tag and its result, as soon as it is there, and all before `finish` returns.
    """

    def __init__(
        self,
        toolkit: Caller,
        inputs: Sequence[Picture] = (),
        *,
        language: Language = DEFAULT_LANGUAGE,
        answered: Callable[[Tag | BadTag, ToolResult], None] = lambda tag, result: None,
    ) -> None:
        self._inputs = tuple(inputs)
        self._parser = StreamParser(len(self._inputs), language)
        self._calls = RunningCalls(toolkit, self._inputs)
        self._answered = answered

    @property
    def inside(self) -> Place:
        """What the text stands in: prose, a tag or a thought."""
        return self._parser.inside

    @property
    def settled(self) -> int:
        """How many characters are read for good; see `StreamParser`."""
        return self._parser.settled

    def feed(self, piece: str) -> list[Segment]:
        """Take more text; start the tools of the tags it completes. Returns the segments it completes."""
        segments = self._parser.feed(piece)
        for segment in segments:
            if isinstance(segment, Tag | BadTag):
                self._start(segment)
        return segments

    async def finish(self) -> RenderedDocument:
        """No more text comes: wait for all pictures."""
        document = self._parser.close()
        for tag in document.tags[len(self._calls.tasks) :]:  # those whose end the end of the text decides
            self._start(tag)
        results = tuple([await task for task in self._calls.tasks])
        await asyncio.sleep(0)  # a task that is done tells of it in the loop's next round
        return RenderedDocument(document=document, results=results, inputs=self._inputs)

    async def stop(self, why: str) -> RenderedDocument:
        """Stop: what has been written, and the pictures there are. The others are missing, for the reason given."""
        await self._calls.end()
        await asyncio.sleep(0)  # see `finish`
        document = self._parser.close()
        missing = ToolResult.failed("unavailable", why)
        done = [missing if task.cancelled() else task.result() for task in self._calls.tasks]
        results = (*done, *[missing] * (len(document.tags) - len(done)))
        return RenderedDocument(document=document, results=results, inputs=self._inputs)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._calls.end()

    def _start(self, tag: Tag | BadTag) -> None:
        def tell(task: asyncio.Task[ToolResult]) -> None:
            if not task.cancelled():
                self._answered(tag, task.result())

        self._calls.start(tag).add_done_callback(tell)
