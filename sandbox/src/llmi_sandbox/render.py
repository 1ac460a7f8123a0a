"""Rendering: a document's tags become pictures, each the moment what it depends on is there.

Only an edit depends on anything: on the picture it changes. There are no waves and no barriers, so the time to
render is that of the longest chain of edits. A failure touches its own segment and what is edited from it.

```python
rendered = await render(text, toolkit)
async for index, result in stream(text, toolkit): ...        # results as they come
async for number, rendered in render_many(texts, toolkit): ...   # documents as they come, few in memory at a time
```
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable, Sequence
from contextlib import aclosing

from llmi_sandbox.running import Caller, RunningCalls, end_all
from llmi_schema import ConfigurationError, Document, Picture, RenderedDocument, ToolResult, parse

Source = Document | str | tuple[Document | str, Sequence[Picture]]
"""A document, or its text, alone or with the user's pictures."""

Documents = Iterable[Source] | AsyncIterable[Source]

AT_ONCE = 64
"""Documents in work at a time: enough to keep tools of 64 calls at once busy."""


async def render(document: Document | str, toolkit: Caller, inputs: Sequence[Picture] = ()) -> RenderedDocument:
    """Run every tag of a document.

    Args:
        document: what `parse` returned, or the text itself (of the default language).
        toolkit: answers the calls, usually a `Toolkit`.
        inputs: the user's pictures; edits may work on them.

    Raises:
        ConfigurationError: when the document was parsed for another number of input pictures.
    """
    document = _parsed(document, inputs)
    running = _start(document, toolkit, inputs)
    try:
        # one by one, not `gather`: no call raises unless this very task is cancelled
        results = tuple([await task for task in running])
    finally:
        await end_all(running)
    return RenderedDocument(document=document, results=results, inputs=tuple(inputs))


async def stream(
    document: Document | str, toolkit: Caller, inputs: Sequence[Picture] = ()
) -> AsyncGenerator[tuple[int, ToolResult]]:
    """Run every tag of a document; yield each result as soon as it is there.

    Yields the tag's picture index (the user's pictures come first, then every closed tag in order) and its result.
    Closing the generator cancels what still runs. Raises what `render` raises.
    """
    document = _parsed(document, inputs)
    running = _start(document, toolkit, inputs)
    index = {task: number for number, task in enumerate(running, len(inputs))}
    waiting: set[asyncio.Task[ToolResult]] = set(running)
    try:
        while waiting:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in sorted(done, key=index.__getitem__):
                yield index[task], task.result()
    finally:
        await end_all(running)


async def render_many(
    documents: Documents, toolkit: Caller, *, at_once: int = AT_ONCE
) -> AsyncGenerator[tuple[int, RenderedDocument]]:
    """Render documents without end; yield each with its place in `documents` as soon as it is done.

    Documents are taken from the iterable when there is room for them, so that at most `2 * at_once` are in memory:
    `at_once` in work, and as many done and not yet fetched. A document that is hard to finish holds nobody up.

    Args:
        documents: documents or texts, alone or as `(document, input pictures)`; any iterable, or an async one.
        at_once: how many are in work at a time.

    Raises:
        ConfigurationError: see `render`. What the iterable raises comes out too; what still runs is cancelled.
    """
    if at_once < 1:
        raise ConfigurationError(f"at_once={at_once}: at least one document must be in work")
    todo = _numbered(documents)
    turn = asyncio.Lock()  # an async generator has one reader at a time
    done: asyncio.Queue[tuple[int, RenderedDocument]] = asyncio.Queue(at_once)

    async def work() -> None:
        while True:
            async with turn:
                item = await anext(todo, None)
            if item is None:
                return
            number, (document, inputs) = item
            await done.put((number, await render(document, toolkit, inputs)))

    async with aclosing(todo):
        workers = [asyncio.create_task(work()) for _ in range(at_once)]
        try:
            ended = asyncio.ensure_future(asyncio.gather(*workers))
            ended.add_done_callback(_retrieve)
            while not (ended.done() and done.empty()):
                fetching = asyncio.ensure_future(done.get())
                await asyncio.wait((fetching, ended), return_when=asyncio.FIRST_COMPLETED)
                if fetching.done():
                    yield fetching.result()
                else:
                    fetching.cancel()
            ended.result()  # raises what a worker raised
        finally:
            await end_all([*workers])


def _retrieve(future: asyncio.Future[list[None]]) -> None:
    """Mark its exception as seen: it is raised from `render_many`, or nobody is interested any more."""
    if not future.cancelled():
        future.exception()


async def _numbered(
    documents: Documents,
) -> AsyncGenerator[tuple[int, tuple[Document | str, Sequence[Picture]]]]:
    number = 0
    async for source in _each(documents):
        yield number, source if isinstance(source, tuple) else (source, ())
        number += 1


async def _each(documents: Documents) -> AsyncIterator[Source]:
    if isinstance(documents, AsyncIterable):
        async for source in documents:
            yield source
    else:
        for source in documents:
            yield source


def _parsed(document: Document | str, inputs: Sequence[Picture]) -> Document:
    if isinstance(document, str):
        return parse(document, len(inputs))
    if document.input_images != len(inputs):
        raise ConfigurationError(
            f"the document was parsed for {document.input_images} input pictures and {len(inputs)} are given: "
            "parse(text, input_images=len(inputs))"
        )
    return document


def _start(document: Document, toolkit: Caller, inputs: Sequence[Picture]) -> list[asyncio.Task[ToolResult]]:
    """One task for every closed tag, in order."""
    calls = RunningCalls(toolkit, inputs)
    for tag in document.tags:
        calls.start(tag)
    return calls.tasks
