"""`Toolkit`: named tools with their limits, their cache and their numbers.

```python
async with Toolkit.offline() as toolkit:
    rendered = await toolkit.render('A fox. <imgen>{"source": "search", ...}</imgen>')
```

One toolkit may serve several event loops and threads: nothing in it belongs to a loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from llmi_sandbox.cache import ResultCache, cache_key
from llmi_sandbox.gate import Gate
from llmi_sandbox.managed import Answer, Managed
from llmi_sandbox.render import AT_ONCE, Documents, render, render_many, stream
from llmi_sandbox.retries import RetryPolicy
from llmi_sandbox.statistics import Recorder, Statistics
from llmi_sandbox.tools.base import Closeable, Identified, Tool, Varied
from llmi_schema import ConfigurationError, Document, Picture, RenderedDocument, ToolCall, ToolResult

DEFAULT_DEADLINE = 60.0
DEFAULT_CONCURRENCY = 16
DEFAULT_RETRY = RetryPolicy()


class Toolkit:
    """Answers tool calls; never raises for what a tool does.

    Args:
        tools: by the name their calls carry as `source`.
        deadline_seconds: how long one call may run, all attempts together; waiting for its turn does not count, so
            that a busy machine does not look like a bad call. A number for all, or a number per tool (60 for those
            not named).
        concurrency: how many calls of one tool may run at a time; likewise (16 for those not named).
        retry: how calls are tried again and tools left alone; likewise.
        cache: where equal calls of identified tools are answered from; by default 256 MiB in memory.
        uncached: names of tools whose calls always run.
        holds: what is closed with the toolkit besides its tools.

    Raises:
        ConfigurationError: for limits that would let nothing run, or limits of a tool that is not there.
    """

    def __init__(
        self,
        tools: Mapping[str, Tool],
        *,
        deadline_seconds: float | Mapping[str, float] = DEFAULT_DEADLINE,
        concurrency: int | Mapping[str, int] = DEFAULT_CONCURRENCY,
        retry: RetryPolicy | Mapping[str, RetryPolicy] = DEFAULT_RETRY,
        cache: ResultCache | None = None,
        uncached: Collection[str] = (),
        holds: Iterable[Closeable] = (),
    ) -> None:
        self.tools: Mapping[str, Tool] = dict(tools)
        deadlines = per_tool("deadline_seconds", deadline_seconds, DEFAULT_DEADLINE, self.tools)
        limits = per_tool("concurrency", concurrency, DEFAULT_CONCURRENCY, self.tools)
        retry_policies = per_tool("retry", retry, DEFAULT_RETRY, self.tools)
        for name, limit in limits.items():
            if limit < 1:
                raise ConfigurationError(f"concurrency of {name} is {limit}: at least one call must be able to run")
        for name, seconds in deadlines.items():
            if not seconds > 0:
                raise ConfigurationError(f"deadline_seconds of {name} is {seconds:g}: a call needs some time to run")
        self.cache = cache if cache is not None else ResultCache()
        self._cached = {
            name: tool for name, tool in self.tools.items() if isinstance(tool, Identified) and name not in uncached
        }
        self._managed = {
            name: Managed(name, tool, deadlines[name], retry_policies[name]) for name, tool in self.tools.items()
        }
        self._variants: dict[tuple[str, int], Managed] = {}
        self._gates = {name: Gate(limit) for name, limit in limits.items()}
        self._recorder = Recorder(self.tools)
        self._holds = tuple(holds)
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

        What a tool raises becomes a result, see `Managed`. Cancelling the caller cancels the tool.
        """
        return await self._recorded(call, pictures, 0)

    async def alternative(self, call: ToolCall, number: int, pictures: Sequence[Picture] = ()) -> ToolResult:
        """The `number`-th other answer to a call, from 1: a further search result, a picture with another seed.

        Within the same limits as `call`. `no_result` where the tool has one answer only (it is not `Varied`).
        """
        if call.source in self.tools and not isinstance(self.tools[call.source], Varied):
            return ToolResult.failed("no_result", f"the {call.source} tool has one answer to a call, no alternatives")
        return await self._recorded(call, pictures, number)

    async def render(self, document: Document | str, inputs: Sequence[Picture] = ()) -> RenderedDocument:
        """Run every tag of a document; see `llmi_sandbox.render`."""
        return await render(document, self, inputs)

    def stream(
        self, document: Document | str, inputs: Sequence[Picture] = ()
    ) -> AsyncGenerator[tuple[int, ToolResult]]:
        """The results of a document's tags as they come; see `llmi_sandbox.stream`."""
        return stream(document, self, inputs)

    def render_many(
        self, documents: Documents, *, at_once: int = AT_ONCE
    ) -> AsyncGenerator[tuple[int, RenderedDocument]]:
        """Documents without end, each as it is done; see `llmi_sandbox.render_many`."""
        return render_many(documents, self, at_once=at_once)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """The tools that the environment's keys and addresses allow; `llmi_sandbox.config` lists the names.

        Nothing is contacted before the first call. Raises ConfigurationError for a value that cannot be used.
        """
        from llmi_sandbox.config import build, settings_from_env

        return build(cls, settings_from_env(environ))

    @classmethod
    def from_file(cls, path: str | Path) -> Self:
        """The tools a TOML, JSON or YAML file describes; `llmi_sandbox.config` says how.

        Nothing is contacted before the first call. Raises ConfigurationError for a file that cannot be used.
        """
        from llmi_sandbox.config import build, settings_from_file

        return build(cls, settings_from_file(path))

    @property
    def statistics(self) -> Statistics:
        """The numbers up to now, by tool name."""
        return self._recorder.snapshot()

    def close(self) -> None:
        """Close the tools. Later calls are answered with `unavailable`."""
        self._closed = True
        with ExitStack() as closing:  # closes all, also when one of them raises
            for held in self._holds:
                closing.callback(held.close)
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

    async def _recorded(self, call: ToolCall, pictures: Sequence[Picture], variant: int) -> ToolResult:
        result = await self._answer(call, pictures, variant)
        self._recorder.record(call.source, result)
        return result

    async def _answer(self, call: ToolCall, pictures: Sequence[Picture], variant: int) -> ToolResult:
        if call.source not in self.tools:
            known = ", ".join(self.tools) or "none"
            return ToolResult.failed("unavailable", f"no {call.source} tool is configured; configured: {known}")
        if self._closed:
            return ToolResult.failed("unavailable", "the toolkit is closed")
        managed = self._variant(call.source, variant)
        tool = managed.tool
        if call.source not in self._cached or not isinstance(tool, Identified):
            return (await self._run(managed, call, pictures)).result
        broke = False

        async def run() -> ToolResult:
            nonlocal broke
            answer = await self._run(managed, call, pictures)
            broke = answer.broke
            return answer.result

        key = cache_key(tool.identity, call, pictures)
        return await self.cache.get_or_run(key, run, keep=lambda: not broke)

    async def _run(self, managed: Managed, call: ToolCall, pictures: Sequence[Picture]) -> Answer:
        async with self._gates[call.source].place():
            return await managed.answer(call, pictures)

    def _variant(self, name: str, number: int) -> Managed:
        """The tool, or one that answers with another choice, in the same limits."""
        managed = self._managed[name]
        tool = managed.tool
        if number == 0 or not isinstance(tool, Varied):
            return managed
        if (name, number) not in self._variants:
            self._variants[name, number] = managed.around(tool.variant(number))
        return self._variants[name, number]


Value = TypeVar("Value", int, float, RetryPolicy)


def per_tool(what: str, value: Value | Mapping[str, Value], default: Value, tools: Iterable[str]) -> dict[str, Value]:
    """One setting for every tool, or for the tools it names. Raises ConfigurationError for a name that is not there."""
    if not isinstance(value, Mapping):
        return dict.fromkeys(tools, value)
    settings = {**dict.fromkeys(tools, default), **value}
    if unknown := settings.keys() - set(tools):
        raise ConfigurationError(f"{what} names tools that are not there: {', '.join(sorted(unknown))}")
    return settings
