"""`Writing`: one document while it is written and its pictures are made."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from llmi_sandbox import StreamedRender
from llmi_sandbox.running import Caller
from llmi_schema import DEFAULT_LANGUAGE, BadTag, Language, LLMIError, RenderedDocument, Tag, Text, Thought, ToolResult
from llmi_schema.streaming import Place
from llmi_train.policies import Completion, Policy, Request, WritingError
from llmi_train.writing.events import Answered, Called, Event, Finished, Inside, Thinking, Wrote
from llmi_train.writing.written import ToolRun, Written


class Writing:
    """Asks a policy for a document and runs its tags while it comes.

    `events` is read once. A tool starts when its tag's last character is there; an edit waits for its picture.

    Args:
        policy: writes.
        request: what is asked for.
        toolkit: makes the pictures, usually a `Toolkit`.
        language: the tools that exist; that of the request's constraint where it has one.

    Attributes:
        written: the document, once `events` has ended.
    """

    def __init__(
        self, policy: Policy, request: Request, toolkit: Caller, *, language: Language = DEFAULT_LANGUAGE
    ) -> None:
        self.policy = policy
        self.request = request
        self.written: Written | None = None
        self._toolkit = toolkit
        self._language = request.constraint.language if request.constraint else language
        self._events: asyncio.Queue[Event | BaseException] = asyncio.Queue()
        self._stopped = asyncio.Event()
        self._started = time.perf_counter()
        self._text = ""
        self._told = 0
        self._place: Place = "text"
        self._written_after: float | None = None
        self._called: dict[int, float] = {}
        self._answered: dict[int, float] = {}

    def stop(self) -> None:
        """Ask for no more text and no more pictures: `Finished` comes next, with what is there."""
        self._stopped.set()

    async def events(self) -> AsyncGenerator[Event]:
        """Everything that happens, `Finished` last. Closing it ends the writing and its tools.

        Raises what the policy raises where it wrote nothing. Where it breaks off later, the pictures of what it wrote
        are waited for, and `Finished` says what the problem was.
        """
        self._started = time.perf_counter()
        work = asyncio.create_task(self._work())
        try:
            while True:
                event = await self._events.get()
                if isinstance(event, BaseException):
                    raise event
                yield event
                if isinstance(event, Finished):
                    return
        finally:
            work.cancel()
            await asyncio.wait([work])

    async def run(self) -> Written:
        """The document, for who does not watch."""
        async with aclosing(self.events()) as events:
            async for event in events:
                if isinstance(event, Finished):
                    return event.written
        raise AssertionError("events end with Finished")

    async def _work(self) -> None:
        try:
            async with StreamedRender(
                self._toolkit, self.request.pictures, language=self._language, answered=self._tell_answer
            ) as rendering:
                self.written = await self._write(rendering)
            self._events.put_nowait(Finished(self.written))
        except BaseException as error:  # whatever it is, the reader of the events is to raise it
            self._events.put_nowait(error)
            if not isinstance(error, Exception):
                raise

    async def _write(self, rendering: StreamedRender) -> Written:
        listening = asyncio.ensure_future(self._listen(rendering))
        if not await self._until_stopped(listening):
            return await self._stop(rendering, None)
        completion: Completion | None = None
        problem: str | None = None
        try:
            completion = listening.result()
        except LLMIError as error:
            if not self._text.strip():
                raise
            problem = str(error)
        self._written_after = self._now()
        finishing = asyncio.ensure_future(rendering.finish())
        if not await self._until_stopped(finishing):
            return await self._stop(rendering, completion)
        return self._result(finishing.result(), completion, problem)

    async def _until_stopped(self, work: asyncio.Future[Any]) -> bool:
        """Whether it came to its end, good or bad. It is over in any case."""
        stopping = asyncio.ensure_future(self._stopped.wait())
        try:
            await asyncio.wait((work, stopping), return_when=asyncio.FIRST_COMPLETED)
            return work.done()
        finally:
            await _end(stopping)
            await _end(work)

    async def _stop(self, rendering: StreamedRender, completion: Completion | None) -> Written:
        rendered = await rendering.stop("the writing was stopped before this picture was there")
        return self._result(rendered, completion, "stopped")

    async def _listen(self, rendering: StreamedRender) -> Completion:
        async with aclosing(_closable(self.policy, self.request)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Completion):
                    return piece
                self._take(piece, rendering)
                await asyncio.sleep(0)  # a policy with much in store would let no tool begin
        raise WritingError(f"{self.policy!r} ended its stream without a completion")

    def _take(self, piece: str, rendering: StreamedRender) -> None:
        self._text += piece
        for segment in rendering.feed(piece):
            end = segment.start + len(segment.source)
            match segment:
                case Text():
                    self._tell_prose(end)
                case Thought():
                    self._events.put_nowait(Thinking(segment.source))
                case Tag() | BadTag():
                    self._called[segment.index] = self._now()
                    self._events.put_nowait(Called(segment))
            self._told = end
        self._tell_prose(rendering.settled)
        if rendering.inside != self._place:
            self._place = rendering.inside
            self._events.put_nowait(Inside(self._place))

    def _tell_prose(self, end: int) -> None:
        if end > self._told:
            self._events.put_nowait(Wrote(self._text[self._told : end]))
            self._told = end

    def _tell_answer(self, tag: Tag | BadTag, result: ToolResult) -> None:
        self._called.setdefault(tag.index, self._now())
        self._answered[tag.index] = self._now()
        self._events.put_nowait(Answered(tag, result))

    def _now(self) -> float:
        return time.perf_counter() - self._started

    def _result(self, rendered: RenderedDocument, completion: Completion | None, problem: str | None) -> Written:
        runs = (ToolRun(index, called, self._answered.get(index)) for index, called in sorted(self._called.items()))
        return Written(
            messages=self.request.messages,
            rendered=rendered,
            completion=completion,
            policy=self.policy.identity,
            seconds=self._now(),
            writing_seconds=self._now() if self._written_after is None else self._written_after,
            runs=tuple(runs),
            problem=problem,
        )


async def _closable(policy: Policy, request: Request) -> AsyncGenerator[str | Completion]:
    """The policy's stream; a policy may hand out any async iterator."""
    pieces = policy.stream(request)
    try:
        async for piece in pieces:
            yield piece
    finally:
        if isinstance(pieces, AsyncGenerator):
            await pieces.aclose()


async def _end(future: asyncio.Future[Any]) -> None:
    """Cancel it and wait until it has ended, whatever its outcome."""
    future.cancel()
    await asyncio.wait([future])
    if not future.cancelled():
        future.exception()
