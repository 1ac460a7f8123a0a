"""`Run`: one question being answered. Stages reach the policy, the models and the tools through it alone."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from llmi_reward.chat import Answer, ChatError, ChatModel, Message
from llmi_reward.chat.model import JsonSchema
from llmi_sandbox import render
from llmi_sandbox.cache import cache_key
from llmi_schema import (
    DEFAULT_LANGUAGE,
    ConfigurationError,
    Language,
    LLMIError,
    Picture,
    RenderedDocument,
    Tag,
    ToolCall,
    ToolResult,
    parse,
)
from llmi_train.policies import Completion, Policy, Request
from llmi_train.scaling.candidate import Candidate, Question
from llmi_train.scaling.cost import Allowance, Cost, Ledger, Limit, Metered

T = TypeVar("T")
Item = TypeVar("Item")

_TOOLS_END_SOONER = 0.05
"""Of the allowance: so that a document whose tools are late is kept without their pictures."""

log = logging.getLogger(__name__)


class Tools(Protocol):
    """What of a toolkit is needed; a `Toolkit` has it."""

    async def call(self, call: ToolCall, pictures: Sequence[Picture] = ()) -> ToolResult: ...


class Run:
    """Bounds what is under way at once, counts what it costs, and ends what exceeds the allowance.

    Args:
        at_once: documents being written, and questions to models, at a time each. Tools have limits of their own.

    Attributes:
        stopped: which limit ended something, if one did.
        failures: what went wrong, one sentence each.
    """

    def __init__(
        self,
        question: Question,
        policy: Policy,
        tools: Tools,
        *,
        allowance: Allowance | None = None,
        at_once: int = 8,
        language: Language = DEFAULT_LANGUAGE,
    ) -> None:
        self.question = question
        self.policy = policy
        self.language = language
        self.stopped: Limit | None = None
        self.failures: list[str] = []
        self._tools = tools
        self._allowance = allowance or Allowance()
        self._ledger = Ledger(self._allowance)
        self._started = time.monotonic()
        self._writing = asyncio.Semaphore(at_once)
        self._asking = asyncio.Semaphore(at_once)

    @property
    def cost(self) -> Cost:
        """Up to now."""
        return self._ledger.spent.model_copy(update={"seconds": time.monotonic() - self._started})

    @property
    def seconds_left(self) -> float | None:
        limit = self._allowance.seconds
        return None if limit is None else max(0.0, self._started + limit - time.monotonic())

    async def write(self, request: Request) -> Completion:
        """Raises a subclass of `LLMIError` when there is no document."""
        async with self._writing:
            return await self._ledger.write(self.policy, request)

    async def candidate(self, request: Request, known: RenderedDocument | None = None) -> Candidate:
        """Write and render one document; what `known` has a picture for is not made again."""
        completion = await self.write(request)
        document = parse(completion.text, len(self.question.pictures), self.language)
        tools = self if known is None else Remembered(known, self)
        rendered = await render(document, tools, self.question.pictures)
        return Candidate(rendered, seed=request.seed, truncated=not completion.finished)

    async def call(self, call: ToolCall, pictures: Sequence[Picture] = ()) -> ToolResult:
        """Answer one call; `unavailable` where the time is up before the tool has answered."""
        return await self._tool(self._tools.call, call, pictures)

    async def alternative(self, call: ToolCall, number: int) -> ToolResult:
        """Another answer to a call, see `Toolkit.alternative`. `no_result` from tools that know of none."""
        alternative = getattr(self._tools, "alternative", None)
        if alternative is None:
            return ToolResult.failed("no_result", "these tools offer no alternatives")
        return await self._tool(alternative, call, number)

    async def _tool(self, answer: Callable[..., Awaitable[ToolResult]], *arguments: Any) -> ToolResult:
        left = self.seconds_left
        if left is not None:
            left = max(0.0, left - _TOOLS_END_SOONER * (self._allowance.seconds or 0.0))
        self._ledger.tool()
        try:
            async with asyncio.timeout(left) as deadline:
                return await answer(*arguments)
        except TimeoutError:
            if not deadline.expired():
                raise
            self.stopped = "deadline"
            return ToolResult.failed("unavailable", "the time for this document was up")

    def chat(self, model: ChatModel) -> ChatModel:
        """The model within the allowance; what it takes is counted."""
        return Metered(model, self._ask)

    async def each(
        self, items: Iterable[Item], work: Callable[[Item], Awaitable[T]], *, late: bool = False
    ) -> list[T | None]:
        """Work on all items at once; the results in their order.

        None stands for an item that failed, or that was not done when the allowance was used up: it costs its
        neighbours nothing, and `failures` or `stopped` tells of it. Raises `ConfigurationError` where an item meets
        one: no other would fare better.

        Args:
            late: do it even when the time is up: work that calls tools at most, which then do not answer.
        """
        seconds = None if late else self.seconds_left
        if seconds == 0:
            self.stopped = "deadline"
            return [None for _ in items]
        tasks = [asyncio.ensure_future(work(item)) for item in items]
        try:
            if tasks:
                await asyncio.wait(tasks, timeout=seconds)
        finally:
            left = [task for task in tasks if not task.done()]
            for task in left:
                task.cancel()
            if left:
                await asyncio.wait(left)
        if left:
            self.stopped = "deadline"
        errors = [None if task.cancelled() else task.exception() for task in tasks]
        for error in errors:
            if isinstance(error, ConfigurationError):
                raise error
        return [self._result(task) for task in tasks]

    def _result(self, task: asyncio.Future[T]) -> T | None:
        if task.cancelled():
            return None
        error = task.exception()
        if error is None:
            return task.result()
        if isinstance(error, ChatError) and error.reason == "budget":
            self.stopped = "budget"
        elif isinstance(error, LLMIError):
            self.failures.append(str(error))
        elif isinstance(
            error, Exception
        ):  # policies, models and tools are anybody's code: a fault costs its item alone
            log.error("test-time scaling: one item failed", exc_info=error)
            self.failures.append(f"{type(error).__name__}: {error}")
        else:
            raise error
        return None

    async def _ask(
        self,
        model: ChatModel,
        messages: Sequence[Message],
        schema: JsonSchema | None,
        sample: int,
        options: Mapping[str, Any] | None,
    ) -> Answer:
        async with self._asking:
            try:
                return await self._ledger.ask(model, messages, schema, sample, options)
            except ChatError as error:
                if error.reason == "budget":
                    self.stopped = "budget"
                raise


class Remembered:
    """Tools that answer the calls of a rendered document with its own pictures, chosen or repaired as they may be."""

    def __init__(self, known: RenderedDocument, tools: Tools) -> None:
        self._tools = tools
        self._results: dict[str, ToolResult] = {}
        pictures = [*known.inputs, *(result.picture for result in known.results)]
        for tag, result in zip(known.document.tags, known.results, strict=True):
            if isinstance(tag, Tag) and result.ok:
                target = tag.call.picture_index
                source = None if target is None else pictures[target]
                self._results[cache_key("", tag.call, () if source is None else (source,))] = result

    async def call(self, call: ToolCall, pictures: Sequence[Picture] = ()) -> ToolResult:
        known = self._results.get(cache_key("", call, pictures))
        return known or await self._tools.call(call, pictures)


def amended(candidate: Candidate, stage: str, **changes: Any) -> Candidate:
    """A candidate that a stage has changed."""
    return replace(candidate, history=(*candidate.history, stage), **changes)
