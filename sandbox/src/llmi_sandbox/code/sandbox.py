"""`CodeSandbox`: snippets in, results out, in order, a few at a time, from threads and from asyncio."""

from __future__ import annotations

import asyncio
import itertools
import os
import threading
import time
import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from llmi_sandbox.code import wire
from llmi_sandbox.code.isolation.tier import Isolation
from llmi_sandbox.code.limits import Limits
from llmi_sandbox.code.result import CodeResult, Kind, RunFiles, read_result
from llmi_sandbox.code.start import Zygote, start_zygote
from llmi_sandbox.errors import SandboxUnavailableError
from llmi_sandbox.gate import Waiter

_MOST_ATTEMPTS = 2
_GRACE_SECONDS = 10  # a zygote this late with an answer is taken for dead
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
        unsafe: run even where the machine offers too little isolation, with what it offers. For development.
        without: isolation layers to leave out, for tests of the others; needs `unsafe`.

    Raises:
        SandboxUnavailableError: from the first call that has to start processes, where they cannot be started or
            isolated. Everything a snippet does is a `CodeResult`.
    """

    def __init__(
        self,
        *,
        workers: int | None = None,
        limits: Limits = Limits(),  # noqa: B008 - immutable
        unsafe: bool = False,
        without: Iterable[str] = (),
    ) -> None:
        if workers is not None and workers < 1:
            raise ValueError(f"CodeSandbox(workers={workers}): at least one is needed")
        self.workers = workers or _cores()
        self.limits = limits
        self.unsafe = unsafe
        self._without = tuple(without)
        self._state = _State()

    def start(self) -> Isolation:
        """Start the processes now instead of with the first snippet. Returns how snippets are isolated."""
        state = self._own_state()
        with state.starting:
            with state.lock:
                zygote, closed = state.zygote, state.closed
            if closed:
                raise SandboxUnavailableError("this CodeSandbox is closed; make a new one")
            if zygote is None:
                zygote = start_zygote(self.limits, unsafe=self.unsafe, without=self._without)
                listener = threading.Thread(target=self._listen, args=(state, zygote), name="llmi-sandbox", daemon=True)
                try:
                    listener.start()
                except RuntimeError as error:
                    zygote.remove()
                    raise SandboxUnavailableError(f"the sandbox needs a thread of its own: {error}") from None
                with state.lock:
                    first, state.started = not state.started, True
                    state.zygote = zygote
                    self._dispatch(state)
                if first and zygote.isolation.tier == "none":
                    warnings.warn(f"CodeSandbox(unsafe=True): {zygote.isolation.sentence}", stacklevel=3)
            return zygote.isolation

    def run(self, code: str) -> CodeResult:
        """Run a snippet and wait for its result."""
        return self._begin(_Run(code, self.limits)).wait()

    async def arun(self, code: str) -> CodeResult:
        """Run a snippet without blocking the event loop."""
        run = _Run(code, self.limits)
        ended = Waiter()
        run.finished.add_done_callback(lambda _: ended.wake())
        try:
            await asyncio.to_thread(self._begin, run)
            await ended.wait()
        except asyncio.CancelledError:
            self._abandon(run)
            raise
        return await asyncio.to_thread(run.wait)

    def run_many(self, codes: Iterable[str]) -> Iterator[CodeResult]:
        """Run snippets, as many at a time as there are workers, and yield results in the snippets' order.

        Reads `codes` only a little ahead of what it yields, so both may be endless.
        """
        waiting: deque[_Run] = deque()
        try:
            for code in codes:
                waiting.append(self._begin(_Run(code, self.limits)))
                if len(waiting) >= _AHEAD * self.workers:
                    yield waiting.popleft().wait()
            while waiting:
                yield waiting.popleft().wait()
        finally:
            for run in waiting:
                self._abandon(run)

    def close(self) -> None:
        """End all processes. Snippets that wait or run get `sandbox_lost`. Closing twice is fine."""
        state = self._own_state()
        with state.starting, state.lock:
            if state.closed:
                return
            state.closed = True
            zygote, state.zygote = state.zygote, None
            unfinished = [*state.waiting, *state.running.values()]
            state.waiting.clear()
            state.running.clear()
        for run in unfinished:
            run.lose("the sandbox was closed")
        if zygote:
            zygote.remove()

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
        return {name: value for name, value in self.__dict__.items() if name != "_state"}

    def __setstate__(self, settings: dict[str, Any]) -> None:
        self.__dict__.update(settings)
        self._state = _State()

    def _own_state(self) -> _State:
        """After a fork of the host the child must not touch its parent's zygote: it starts its own."""
        if self._state.pid != os.getpid():
            self._state = _State(closed=self._state.closed)
        return self._state

    def _begin(self, run: _Run) -> _Run:
        state = self._own_state()
        try:
            if state.zygote is None and not state.respawning:
                self.start()
        except SandboxUnavailableError as error:
            if not (state.started or state.closed):
                raise
            run.lose(str(error))
            return run
        with state.lock:
            if state.closed:
                run.lose("the sandbox is closed")
            elif not run.abandoned:
                state.waiting.append(run)
                self._dispatch(state)
        return run

    def _dispatch(self, state: _State) -> None:
        """Send waiting snippets to the zygote while there is room. The caller holds the lock."""
        while state.zygote and state.waiting and len(state.running) < self.workers:
            run = state.waiting.popleft()
            number = next(state.numbers)
            state.running[number] = run
            try:
                run.send(state.zygote, number)
            except OSError as error:
                if isinstance(error, ConnectionError):  # the listener finds the zygote dead and deals with it
                    return
                del state.running[number]
                run.lose(f"the snippet could not be sent: {error}", "sandbox_error")

    def _listen(self, state: _State, zygote: Zygote) -> None:
        """One thread per zygote: hand every end to the run it belongs to, until the zygote is gone."""
        with state.starting:  # until `start` has put the zygote in its place
            pass
        patience = self.limits.wall_seconds + _GRACE_SECONDS
        while True:
            try:
                zygote.control.settimeout(patience)
                finished = wire.receive_finished(zygote.control)
            except TimeoutError:
                with state.lock:
                    late = any(time.monotonic() - run.sent > patience for run in state.running.values())
                if late:
                    zygote.kill()
                continue
            except (wire.LostError, OSError):
                self._replace(state, zygote)
                return
            with state.lock:
                run = state.running.pop(finished.run, None)
                self._dispatch(state)
            if run:
                run.finished.set_result(finished)

    def _replace(self, state: _State, zygote: Zygote) -> None:
        """A zygote died: give each of its snippets a second chance with a new one."""
        with state.lock:
            if state.closed or state.zygote is not zygote:
                return
            state.zygote = None
            state.respawning = True
            interrupted = [run for run in state.running.values() if not run.abandoned]
            state.running.clear()
            state.waiting.extendleft(run for run in reversed(interrupted) if run.attempts < _MOST_ATTEMPTS)
        for run in interrupted:
            if run.attempts >= _MOST_ATTEMPTS:
                run.lose("the sandbox process died twice while the snippet ran")
        problem = "unexpectedly"
        try:
            zygote.remove()
            self.start()
            problem = ""
        except (SandboxUnavailableError, OSError) as error:
            problem = str(error)
        finally:  # whatever happens in this thread, nobody may wait for ever
            with state.lock:
                state.respawning = False
                lost = list(state.waiting) if problem else []
                if problem:
                    state.waiting.clear()
            for run in lost:
                run.lose(f"the sandbox process died and could not be started again: {problem}")

    def _abandon(self, run: _Run) -> None:
        """Nobody waits for this run any more. If it runs, it ends by itself within its limits."""
        state = self._own_state()
        with state.lock:
            run.abandoned = True
            if run in state.waiting:
                state.waiting.remove(run)
            run.close()


@dataclass(slots=True, eq=False)
class _Run:
    """One snippet on its way."""

    code: str
    limits: Limits
    finished: Future[wire.Finished | CodeResult] = field(default_factory=Future)
    files: RunFiles | None = None
    attempts: int = 0
    sent: float = 0.0
    abandoned: bool = False

    def send(self, zygote: Zygote, number: int) -> None:
        """Files are made here, not when the snippet was handed in: they are bounded by the workers."""
        self.close()
        self.files = RunFiles.make(self.code, self.limits)
        self.attempts += 1
        self.sent = time.monotonic()
        wire.send_request(zygote.control, number, self.files.descriptors)

    def lose(self, message: str, kind: Kind = "sandbox_lost") -> None:
        self.finished.set_result(CodeResult(kind, message=message))

    def wait(self) -> CodeResult:
        """The result, decoded and encoded in the caller's thread, so that callers share the work."""
        try:
            finished = self.finished.result()
            if isinstance(finished, CodeResult):
                return finished
            if self.files is None:
                raise RuntimeError("a run ended that was never sent")
            return read_result(finished, self.files, self.limits, self.code)
        finally:
            self.close()

    def close(self) -> None:
        if self.files:
            self.files.close()
            self.files = None


@dataclass(slots=True, eq=False)
class _State:
    """What belongs to one process; a fork of the host begins with a new one."""

    closed: bool = False
    started: bool = False
    respawning: bool = False
    zygote: Zygote | None = None
    pid: int = field(default_factory=os.getpid)
    lock: threading.Lock = field(default_factory=threading.Lock)
    starting: threading.RLock = field(default_factory=threading.RLock)
    waiting: deque[_Run] = field(default_factory=deque)
    running: dict[int, _Run] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=itertools.count)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
