"""`CodeSandbox`: snippets in, results out, in order, a few at a time, from threads and from asyncio."""

from __future__ import annotations

import asyncio
import os
import sys
import weakref
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from types import TracebackType
from typing import Any, Self

from llmi_sandbox.code.isolation.tier import Isolation
from llmi_sandbox.code.limits import Limits
from llmi_sandbox.code.pool import Pool
from llmi_sandbox.code.result import CodeResult
from llmi_sandbox.code.run import Run
from llmi_sandbox.code.start import Settings
from llmi_sandbox.gate import Waiter

NAMESPACE = {"plt": "matplotlib.pyplot", "pd": "pandas", "sns": "seaborn", "np": "numpy"}
"""The names every snippet finds imported."""

_DRAWN_BY = ("matplotlib", "numpy", "pandas", "pillow", "seaborn")
_WORKERS_PER_ZYGOTE = 8  # a zygote forks some 300 times a second, and a processor draws about ten plots in that time
_AHEAD = 2  # run_many keeps this many snippets per worker under way


class CodeSandbox:
    """Runs plotting code written by a model, isolated from this process, this machine and other snippets.

    A warm process has imported matplotlib, pandas, seaborn and numpy; each snippet runs in a fork of it, with
    `plt`, `pd`, `sns` and `np` at hand. Processes start with the first snippet, in about two seconds.

    ```python
    with CodeSandbox() as sandbox:
        result = sandbox.run("plt.plot([1, 4, 9])")
    result.picture or result.message
    ```

    Args:
        workers: snippets at a time; default one per processor core.
        limits: what one snippet may use.
        namespace: further modules to have imported, by the name they get: `{"stats": "scipy.stats"}`. Their packages
            become readable wherever they are installed; others can be imported by the snippet if they lie beside
            matplotlib, which takes their time each time.
        zygotes: processes that fork the snippets' ones; default one per eight workers.
        spares: forks that wait for their snippet, confined already, per zygote; default one per worker, at most
            four. Each holds some 15 MB. With 0 a fork is made when its snippet comes.
        unsafe: run even where the machine offers too little isolation, with what it offers. For development.
        without: isolation layers to leave out, for tests of the others; anything but `namespaces` needs `unsafe`.

    Raises:
        SandboxUnavailableError: from the first call that has to start processes, where they cannot be started or
            isolated. Everything a snippet does is a `CodeResult`.
    """

    def __init__(
        self,
        *,
        workers: int | None = None,
        limits: Limits = Limits(),  # noqa: B008 - immutable
        namespace: Mapping[str, str] | None = None,
        zygotes: int | None = None,
        spares: int | None = None,
        unsafe: bool = False,
        without: Iterable[str] = (),
    ) -> None:
        for name, value in (("workers", workers), ("zygotes", zygotes)):
            if value is not None and value < 1:
                raise ValueError(f"CodeSandbox({name}={value}): at least one is needed")
        if spares is not None and spares < 0:
            raise ValueError(f"CodeSandbox(spares={spares}): 0 or more are needed")
        self.workers = workers or _cores()
        self.limits = limits
        self.unsafe = unsafe
        self._zygotes = min(zygotes or -(-self.workers // _WORKERS_PER_ZYGOTE), self.workers)
        share = -(-self.workers // self._zygotes)
        self._settings = Settings(
            limits=limits,
            unsafe=unsafe,
            without=tuple(without),
            namespace={**NAMESPACE, **(namespace or {})},
            spares=min(share, 4) if spares is None else spares,
        )
        self._open_pool()

    @property
    def identity(self) -> str:
        """All that a figure depends on besides its code: limits, namespace, and the versions of what draws it."""
        modules = sorted(self._settings.namespace.items())
        packages = sorted({*_DRAWN_BY, *(module.partition(".")[0] for _, module in modules)})
        python = ".".join(map(str, sys.version_info[:3]))
        return f"python {python}/{'/'.join(map(_version, packages))}/{modules}/{self.limits}"

    def start(self) -> Isolation:
        """Start the processes now instead of with the first snippet. Returns how snippets are isolated."""
        return self._own_pool().start()

    def run(self, code: str) -> CodeResult:
        """Run a snippet and wait for its result."""
        return self._begin(Run(code, self.limits)).wait()

    async def arun(self, code: str) -> CodeResult:
        """Run a snippet without blocking the event loop."""
        run = Run(code, self.limits)
        ended = Waiter()
        run.finished.add_done_callback(lambda _: ended.wake())
        try:
            await asyncio.to_thread(self._begin, run)
            await ended.wait()
        except asyncio.CancelledError:
            self._own_pool().abandon(run)
            raise
        return await asyncio.to_thread(run.wait)

    def run_many(self, codes: Iterable[str]) -> Iterator[CodeResult]:
        """Run snippets, as many at a time as there are workers, and yield results in the snippets' order.

        Reads `codes` only a little ahead of what it yields, so both may be endless.
        """
        waiting: deque[Run] = deque()
        try:
            for code in codes:
                waiting.append(self._begin(Run(code, self.limits)))
                if len(waiting) >= _AHEAD * self.workers:
                    yield waiting.popleft().wait()
            while waiting:
                yield waiting.popleft().wait()
        finally:
            for run in waiting:
                self._own_pool().abandon(run)

    def close(self) -> None:
        """End all processes. Snippets that wait or run get `sandbox_lost`. Closing twice is fine."""
        self._own_pool().close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.start)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.close)

    def __getstate__(self) -> dict[str, Any]:
        """Settings travel; processes do not: a copy in another process starts its own."""
        return {name: value for name, value in self.__dict__.items() if name != "_pool"}

    def __setstate__(self, settings: dict[str, Any]) -> None:
        self.__dict__.update(settings)
        self._open_pool()

    def _open_pool(self) -> None:
        self._pool = Pool(self._settings, self.workers, self._zygotes)
        weakref.finalize(self, self._pool.close)

    def _own_pool(self) -> Pool:
        """After a fork of the host the child must not touch its parent's processes: it starts its own."""
        if self._pool.pid != os.getpid():
            closed = self._pool.closed
            self._open_pool()
            self._pool.closed = closed
        return self._pool

    def _begin(self, run: Run) -> Run:
        pool = self._own_pool()
        pool.submit(run)
        return run


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:  # a module of another name than its package, or of no package
        return package


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
