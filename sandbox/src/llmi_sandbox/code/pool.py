"""`Pool`: the processes of one sandbox, and the snippets that wait for them.

A launcher forks zygotes; each zygote serves its share of the workers, and a thread here listens to it. When a zygote
dies its snippets are run once more, by a new one.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import socket
import threading
import time
import warnings
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from llmi_sandbox.code import wire
from llmi_sandbox.code.isolation.tier import Isolation
from llmi_sandbox.code.run import Run
from llmi_sandbox.code.start import Launcher, Settings, start_launcher
from llmi_sandbox.errors import SandboxUnavailableError

_MOST_ATTEMPTS = 2
_GRACE_SECONDS = 10  # a zygote this late with an answer is taken for dead
_STOP_SECONDS = 10


@dataclass(slots=True, eq=False)
class _Zygote:
    """A zygote, the thread that listens to it, and what it runs."""

    control: socket.socket
    pid: int
    running: dict[int, Run] = field(default_factory=dict)
    listener: threading.Thread | None = None

    def hang_up(self) -> None:
        """Tell it, and the listener here, that the host is done with it. The listener closes the socket."""
        try:
            self.control.shutdown(socket.SHUT_RDWR)
        except OSError:  # it is gone already
            return


class Pool:
    """Belongs to one process and its threads; a fork of the host makes one of its own.

    Args:
        settings: for the launcher.
        workers: snippets at a time, over all zygotes.
        zygotes: how many share the work.
    """

    def __init__(self, settings: Settings, workers: int, zygotes: int) -> None:
        self.pid = os.getpid()
        self.closed = False
        self._settings = settings
        self._zygote_count = zygotes
        self._share = -(-workers // zygotes)
        self._workers = workers
        self._started = False
        self._replacing = 0
        self._launcher: Launcher | None = None
        self._zygotes: list[_Zygote] = []
        self._waiting: deque[Run] = deque()
        self._numbers: Iterator[int] = itertools.count()
        self._lock = threading.Lock()
        self._starting = threading.RLock()

    def start(self) -> Isolation:
        """Start what is missing. Returns how snippets are isolated.

        Raises:
            SandboxUnavailableError: it could not be started, or the pool is closed.
        """
        with self._starting:
            if self.closed:
                raise SandboxUnavailableError("this CodeSandbox is closed; make a new one")
            launcher, is_new = (self._launcher, False) if self._launcher else (self._new_launcher(), True)
            try:
                while len(self._zygotes) < self._zygote_count:
                    try:
                        self._add_zygote(launcher)
                    except wire.LostError:
                        if is_new:
                            raise SandboxUnavailableError("the sandbox process ended as soon as it began") from None
                        launcher, is_new = self._new_launcher(), True
            except SandboxUnavailableError:
                if not self._zygotes:
                    self._drop_launcher()
                raise
            if not self._started and launcher.isolation.tier == "none":
                warnings.warn(f"CodeSandbox(unsafe=True): {launcher.isolation.sentence}", stacklevel=4)
            self._started = True
            return launcher.isolation

    def submit(self, run: Run) -> None:
        """Let a snippet run as soon as a worker is free.

        Raises:
            SandboxUnavailableError: when a first start fails. Later ones end the run as `sandbox_lost`.
        """
        try:
            if not self._zygotes and not self._replacing:
                self.start()
        except SandboxUnavailableError as error:
            if not (self._started or self.closed):
                raise
            run.lose(str(error))
            return
        with self._lock:
            if self.closed:
                run.lose("the sandbox is closed")
            elif not run.abandoned:
                self._waiting.append(run)
                self._dispatch()

    def abandon(self, run: Run) -> None:
        """Nobody waits for this run any more. If it runs, it ends by itself within its limits."""
        with self._lock:
            run.abandoned = True
            if run in self._waiting:
                self._waiting.remove(run)
            run.close()

    def close(self) -> None:
        """End all processes. Snippets that wait or run get `sandbox_lost`. Closing twice is fine."""
        if self.pid != os.getpid():  # a copy in a fork of the host: the processes are the parent's
            return
        with self._starting:
            with self._lock:
                if self.closed:
                    return
                self.closed = True
                zygotes, self._zygotes = self._zygotes, []
                unfinished = [*self._waiting, *(run for zygote in zygotes for run in zygote.running.values())]
                self._waiting.clear()
            for run in unfinished:
                run.lose("the sandbox was closed")
            for zygote in zygotes:
                zygote.hang_up()
            for zygote in zygotes:
                if zygote.listener:
                    zygote.listener.join(_STOP_SECONDS)
            self._drop_launcher()

    def _new_launcher(self) -> Launcher:
        self._drop_launcher()
        self._launcher = start_launcher(self._settings)
        return self._launcher

    def _drop_launcher(self) -> None:
        launcher, self._launcher = self._launcher, None
        if launcher:
            launcher.remove()

    def _add_zygote(self, launcher: Launcher) -> None:
        zygote = _Zygote(*launcher.spawn())
        zygote.listener = threading.Thread(target=self._listen, args=(zygote,), name="llmi-sandbox", daemon=True)
        with self._lock:
            self._zygotes.append(zygote)
        try:
            zygote.listener.start()
        except RuntimeError as error:
            with self._lock:
                self._zygotes.remove(zygote)
            zygote.control.close()
            raise SandboxUnavailableError(f"the sandbox needs a thread of its own: {error}") from None
        with self._lock:
            self._dispatch()

    def _dispatch(self) -> None:
        """Send waiting snippets to the zygotes with the least to do. The caller holds the lock."""
        while self._waiting and self._zygotes and sum(len(z.running) for z in self._zygotes) < self._workers:
            zygote = min(self._zygotes, key=lambda zygote: len(zygote.running))
            if len(zygote.running) >= self._share:
                return
            run = self._waiting.popleft()
            number = next(self._numbers)
            zygote.running[number] = run
            try:
                run.send(zygote.control, number)
            except ConnectionError:  # the listener finds the zygote dead and deals with it
                return
            except OSError as error:
                del zygote.running[number]
                run.lose(f"the snippet could not be sent: {error}", "sandbox_error")

    def _listen(self, zygote: _Zygote) -> None:
        """One thread per zygote: hand every end to the run it belongs to, until the zygote is gone."""
        patience = self._settings.limits.wall_seconds + _GRACE_SECONDS
        try:
            while True:
                zygote.control.settimeout(patience)
                try:
                    finished = wire.receive_finished(zygote.control)
                except TimeoutError:
                    with self._lock:
                        late = any(time.monotonic() - run.sent > patience for run in zygote.running.values())
                    if late:  # it hangs
                        with contextlib.suppress(OSError):
                            os.kill(zygote.pid, signal.SIGKILL)
                    continue
                except (wire.LostError, OSError):
                    break
                with self._lock:
                    run = zygote.running.pop(finished.run, None)
                    self._dispatch()
                if run:
                    run.finished.set_result(finished)
        finally:
            zygote.hang_up()
            self._replace(zygote)
            zygote.control.close()

    def _replace(self, zygote: _Zygote) -> None:
        """A zygote died: give each of its snippets a second chance with another one."""
        with self._lock:
            if self.closed or zygote not in self._zygotes:
                return
            self._zygotes.remove(zygote)
            self._replacing += 1
            interrupted = [run for run in zygote.running.values() if not run.abandoned]
            zygote.running.clear()
            self._waiting.extendleft(run for run in reversed(interrupted) if run.attempts < _MOST_ATTEMPTS)
            self._dispatch()
        for run in interrupted:
            if run.attempts >= _MOST_ATTEMPTS:
                run.lose("the sandbox process died twice while the snippet ran")
        problem = "unexpectedly"
        try:
            self.start()
            problem = ""
        except (SandboxUnavailableError, OSError) as error:
            problem = str(error)
        finally:  # whatever happens in this thread, nobody may wait for ever
            with self._lock:
                self._replacing -= 1
                lost = list(self._waiting) if problem and not (self._zygotes or self._replacing) else []
                if lost:
                    self._waiting.clear()
            for run in lost:
                run.lose(f"the sandbox process died and could not be started again: {problem}")
