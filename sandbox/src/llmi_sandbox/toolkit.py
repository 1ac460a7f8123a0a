"""`Toolkit`: named tools with their limits, their cache and their numbers.

```python
async with Toolkit.offline() as toolkit:
    rendered = await toolkit.render('A fox. <imgen>{"source": "search", ...}</imgen>')
```

One toolkit may serve several event loops and threads: nothing in it belongs to a loop.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from llmi_sandbox.cache import ResultCache, cache_key
from llmi_sandbox.gate import Gate
from llmi_sandbox.render import render
from llmi_sandbox.statistics import Recorder, Statistics
from llmi_sandbox.tools.base import Closeable, Identified, Tool
from llmi_schema import ConfigurationError, Document, LLMIError, Picture, RenderedDocument, ToolCall, ToolResult

log = logging.getLogger(__name__)

DEFAULT_DEADLINE = 60.0
DEFAULT_CONCURRENCY = 16


class Toolkit:
    """Answers tool calls; never raises for what a tool does.

    Args:
        tools: by the name their calls carry as `source`.
        deadline_seconds: how long one call may run; waiting for its turn does not count, so that a busy machine
            does not look like a bad call.
        concurrency: how many calls of one tool may run at a time; a number for all, or a number per tool (16 for
            those not named).
        cache: where equal calls of identified tools are answered from; by default 256 MiB in memory.

    Raises:
        ConfigurationError: for limits that would let nothing run, or limits of a tool that is not there.
    """

    def __init__(
        self,
        tools: Mapping[str, Tool],
        *,
        deadline_seconds: float = DEFAULT_DEADLINE,
        concurrency: int | Mapping[str, int] = DEFAULT_CONCURRENCY,
        cache: ResultCache | None = None,
    ) -> None:
        if not deadline_seconds > 0:
            raise ConfigurationError(f"deadline_seconds={deadline_seconds:g}: a call needs some time to run")
        self.tools: Mapping[str, Tool] = dict(tools)
        self.deadline_seconds = deadline_seconds
        self.cache = cache if cache is not None else ResultCache()
        self._gates = {name: Gate(limit) for name, limit in _limits(concurrency, self.tools).items()}
        self._recorder = Recorder(self.tools)
        self._closed = False

    @classmethod
    def offline(
        cls,
        *,
        search: str | Path | Tool | None = None,
        size: tuple[int, int] = (320, 240),
        unsafe: bool = False,
        workers: int | None = None,
        deadline_seconds: float = DEFAULT_DEADLINE,
        cache: ResultCache | None = None,
    ) -> Self:
        """The four tools without network, keys or models. Nothing starts before the first call.

        Code runs in the sandbox. Search looks through a small gallery of drawings, or through your own captioned
        folder (see `LocalSearch`), or is a tool of yours. Generation and editing are stand-ins that say so in every
        picture's provenance.

        Args:
            search: a folder of captioned pictures, or a search tool.
            size: width and height of generated pictures.
            unsafe: let code run even where the machine allows no isolation.
            workers: snippets at a time; as many as there are processors unless set.
        """
        from llmi_sandbox.code import CodeSandbox
        from llmi_sandbox.tools.code import CodeTool
        from llmi_sandbox.tools.edit import OfflineEditor
        from llmi_sandbox.tools.gallery import gallery
        from llmi_sandbox.tools.generate import OfflineGenerator
        from llmi_sandbox.tools.search import LocalSearch

        match search:
            case None:
                search = LocalSearch(gallery(), provider="offline gallery")
            case str() | Path():
                search = LocalSearch.from_folder(search)
        sandbox = CodeSandbox(workers=workers, unsafe=unsafe)
        tools: dict[str, Tool] = {
            "search": search,
            "diffusion": OfflineGenerator(size=size),
            "code": CodeTool(sandbox),
            "edit": OfflineEditor(),
        }
        return cls(tools, deadline_seconds=deadline_seconds, concurrency={"code": sandbox.workers}, cache=cache)

    async def call(self, call: ToolCall, pictures: Sequence[Picture] = ()) -> ToolResult:
        """Answer one call within its limits.

        What a tool raises becomes a result: `unavailable` for this project's own errors and for operating system
        errors (a missing requirement, a refused connection), `timeout` for `TimeoutError`, `crashed` for the rest.
        Cancelling the caller cancels the tool.
        """
        result = await self._answer(call, pictures)
        self._recorder.record(call.source, result)
        return result

    async def render(self, document: Document | str, inputs: Sequence[Picture] = ()) -> RenderedDocument:
        """Run every tag of a document; see `llmi_sandbox.render`."""
        return await render(document, self, inputs)

    @property
    def statistics(self) -> Statistics:
        """The numbers up to now, by tool name."""
        return self._recorder.snapshot()

    def close(self) -> None:
        """Close the tools. Later calls are answered with `unavailable`."""
        self._closed = True
        with ExitStack() as closing:  # closes all, also when one of them raises
            for tool in self.tools.values():
                if isinstance(tool, Closeable):
                    closing.callback(tool.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.close)

    async def _answer(self, call: ToolCall, pictures: Sequence[Picture]) -> ToolResult:
        tool = self.tools.get(call.source)
        if tool is None:
            known = ", ".join(self.tools) or "none"
            return ToolResult.failed("unavailable", f"no {call.source} tool is configured; configured: {known}")
        if self._closed:
            return ToolResult.failed("unavailable", "the toolkit is closed")
        if not isinstance(tool, Identified):
            return await self._run(tool, call, pictures)
        key = cache_key(tool.identity, call, pictures)
        return await self.cache.get_or_run(key, lambda: self._run(tool, call, pictures))

    async def _run(self, tool: Tool, call: ToolCall, pictures: Sequence[Picture]) -> ToolResult:
        async with self._gates[call.source]:
            started = time.perf_counter()
            result = await self._within_deadline(tool, call, pictures)
            return result.model_copy(update={"seconds": time.perf_counter() - started})

    async def _within_deadline(self, tool: Tool, call: ToolCall, pictures: Sequence[Picture]) -> ToolResult:
        try:
            async with asyncio.timeout(self.deadline_seconds) as deadline:
                result = await tool(call, pictures)
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) is None or task.cancelling():
                raise
            # nobody cancelled this call: something inside the tool was, and must not pass for the caller's wish
            return ToolResult.failed("crashed", f"the {call.source} tool was cancelled from inside")
        except TimeoutError as error:
            if deadline.expired():
                return ToolResult.failed("timeout", f"no answer within {self.deadline_seconds:g} seconds")
            return ToolResult.failed("timeout", f"the {call.source} tool timed out: {error or 'no detail'}")
        except (LLMIError, OSError) as error:
            return ToolResult.failed("unavailable", f"the {call.source} tool is unavailable: {error}")
        except Exception as error:  # a tool is anybody's code: its faults stay in its own segment
            log.exception("the %s tool raised", call.source)
            return ToolResult.failed("crashed", f"the {call.source} tool raised {type(error).__name__}: {error}")
        if not isinstance(result, ToolResult):
            kind = type(result).__name__
            return ToolResult.failed("crashed", f"the {call.source} tool answered {kind}, not a ToolResult")
        return result


def _limits(concurrency: int | Mapping[str, int], tools: Iterable[str]) -> dict[str, int]:
    if isinstance(concurrency, int):
        limits = dict.fromkeys(tools, concurrency)
    else:
        limits = {**dict.fromkeys(tools, DEFAULT_CONCURRENCY), **concurrency}
        if unknown := limits.keys() - set(tools):
            raise ConfigurationError(f"concurrency names tools that are not there: {', '.join(sorted(unknown))}")
    for name, limit in limits.items():
        if limit < 1:
            raise ConfigurationError(f"concurrency of {name} is {limit}: at least one call must be able to run")
    return limits
