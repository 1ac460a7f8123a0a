"""The zygote's loop: keep confined children waiting, give each one run, end those that overrun, report every end.

One thread, no locks: a fork of this process is always in a known state. It never reads the code it forwards,
so no later snippet can find an earlier one in its memory.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from llmi_sandbox.code import wire
from llmi_sandbox.code.isolation.confine import Confinement
from llmi_sandbox.code.zygote import child, disk
from llmi_sandbox.code.zygote.warm import Warm

_DISK_CHECK_SECONDS = 0.1
# Spares are forked when nothing has happened for so long: requests and ends come first. While snippets run it takes
# longer, so that the answer to a short one does not wait for a fork.
_QUIET_MILLISECONDS = 2
_BUSY_MILLISECONDS = 10


@dataclass(slots=True, eq=False)
class _Child:
    """A child, waiting while `run` is None."""

    pid: int
    channel: socket.socket
    scratch: Path
    run: int | None = None
    started: float = 0.0
    files: list[int] = field(default_factory=list)
    was_spare: bool = False
    is_answered: bool = False
    ending: wire.Ending = "by_itself"


@dataclass
class Server:
    """Serves one host until it is gone.

    Attributes:
        control: the socket to the host.
        host: a pidfd of the host where there are any, else None; its end is ours, even while a fork of the host
            keeps the socket open.
        confinement: what every child applies to itself.
        warm: what snippets find imported.
        scratch: where children write: with namespaces the mount point of each child's own file system, else the
            folder in which each gets a folder.
        spares: how many children to keep waiting for their snippet.
    """

    control: socket.socket
    host: int | None
    confinement: Confinement
    warm: Warm
    scratch: Path
    spares: int
    _children: dict[int, _Child] = field(default_factory=dict)
    _waiting: deque[_Child] = field(default_factory=deque)
    _forks: int = 0
    _spares_fail: bool = False
    _disk_checked: float = 0.0

    def serve(self) -> None:
        """Returns when the host is gone; no child is left then."""
        wake, woken = os.pipe()
        for end in (wake, woken):
            os.set_blocking(end, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
        poll = select.poll()
        for descriptor in (self.control.fileno(), wake, *([] if self.host is None else [self.host])):
            poll.register(descriptor, select.POLLIN)
        try:
            while True:
                ready = {descriptor for descriptor, _ in poll.poll(self._patience())}
                if wake in ready:
                    os.read(wake, 4096)
                if self.host in ready:
                    return
                self._reap()
                self._stop_overruns()
                if self.control.fileno() in ready:
                    self._begin(*wire.receive_request(self.control))
                elif not ready and self._wants_spare():
                    self._waiting.append(self._fork())
        except (wire.LostError, ConnectionError):
            return
        finally:
            signal.set_wakeup_fd(-1)
            self._end_all()

    @property
    def _shares_disk(self) -> bool:
        return "namespaces" not in self.confinement.layers

    def _wants_spare(self) -> bool:
        return len(self._waiting) < self.spares and not self._spares_fail

    def _running(self) -> list[_Child]:
        return [each for each in self._children.values() if each.run is not None and not each.is_answered]

    def _patience(self) -> float | None:
        """Milliseconds until something must be done unasked."""
        running = self._running()
        if self._wants_spare():
            return _BUSY_MILLISECONDS if running else _QUIET_MILLISECONDS
        if not running:
            return None
        if self._shares_disk:
            return _DISK_CHECK_SECONDS * 1000
        first = min(each.started for each in running) + self.confinement.limits.wall_seconds
        return max(0.0, first - time.monotonic()) * 1000 + 1

    def _begin(self, run: int, files: list[int]) -> None:
        """Give a run to a waiting child, or to a new one."""
        self._spares_fail = False
        while self._waiting:
            taker = self._waiting.popleft()
            taker.was_spare = True
            if _hand_over(taker, run, files):
                break  # else it died while it waited
        else:
            taker = self._fork()
            if not _hand_over(taker, run, files):
                taker.ending = "no_setup"
        taker.run, taker.started, taker.files = run, time.monotonic(), files

    def _fork(self) -> _Child:
        scratch = self.scratch
        self._forks += 1
        if self._shares_disk:
            scratch = self.scratch / str(self._forks)
            scratch.mkdir(mode=0o700)
        ours, theirs = socket.socketpair()
        zygote = os.getpid()
        pid = os.fork()
        if pid == 0:
            child.live(theirs, scratch, self.confinement, self.warm, zygote)
        theirs.close()
        born = self._children[pid] = _Child(pid, ours, scratch)
        return born

    def _reap(self) -> None:
        """Deal with the children that have stopped or ended.

        A child that has left its report stops itself. The host is told at once, for it takes the kernel a while to
        bury a process. All a snippet gains by stopping itself is its own end.
        """
        while True:
            try:
                pid, status, usage = os.wait3(os.WNOHANG | os.WUNTRACED)
            except ChildProcessError:
                return
            if pid == 0:
                return
            cpu_seconds = usage.ru_utime + usage.ru_stime
            if pid not in self._children:  # a cleaner
                continue
            if os.WIFSTOPPED(status):
                stopped = self._children[pid]
                os.kill(pid, signal.SIGKILL)  # it runs no more, so what it has left can be read
                self._kill_family(pid)
                if stopped.ending == "by_itself":
                    if self._shares_disk and self._is_over(stopped):
                        stopped.ending = "disk"  # it was faster than the watch
                    self._answer(stopped, 0, cpu_seconds)
                continue
            ended = self._children.pop(pid)
            if not self._clear(ended):
                self._answer(ended, status, cpu_seconds)

    def _answer(self, ended: _Child, status: int, cpu_seconds: float) -> None:
        """Tell the host how a run ended, once."""
        if ended.run is None or ended.is_answered:
            return
        ended.is_answered = True
        seconds = time.monotonic() - ended.started
        wire.send_finished(self.control, wire.Finished(ended.run, status, seconds, cpu_seconds, ended.ending))

    def _clear(self, ended: _Child) -> bool:
        """Close and remove what a child leaves, and pass on why it never began, if so.

        True when its run goes on with another child: this one was killed while it waited, and never saw the code.
        """
        try:
            said = ended.channel.recv(600, socket.MSG_DONTWAIT)
        except OSError:  # it was killed before it could say anything
            said = b""
        ended.channel.close()
        goes_on = False
        if ended.run is None:
            with contextlib.suppress(ValueError):
                self._waiting.remove(ended)
            if said != child.READY:  # it could not be confined: no use in trying again before a run needs it
                self._spares_fail = True
        elif said == child.READY and ended.was_spare and ended.ending == "by_itself":
            self._begin(ended.run, ended.files)
            goes_on = True
        else:
            if said != child.READY + child.BEGUN:
                if ended.ending == "by_itself":
                    ended.ending = "no_setup"
                os.write(ended.files[-1], said.removeprefix(child.READY))
            for file in ended.files:
                os.close(file)
        self._kill_family(ended.pid)
        if self._shares_disk:
            if not ended.is_answered and ended.ending == "by_itself" and self._is_over(ended):
                ended.ending = "disk"  # likewise
            _clean(ended.scratch)
        return goes_on

    def _stop_overruns(self) -> None:
        now = time.monotonic()
        look_at_disk = self._shares_disk and now - self._disk_checked >= _DISK_CHECK_SECONDS
        if look_at_disk:
            self._disk_checked = now
        for running in self._running():
            if running.ending != "by_itself":
                continue
            if now - running.started > self.confinement.limits.wall_seconds:
                running.ending = "wall_time"
            elif look_at_disk and self._is_over(running):
                running.ending = "disk"
            else:
                continue
            os.kill(running.pid, signal.SIGKILL)

    def _is_over(self, child: _Child) -> bool:
        limits = self.confinement.limits
        return disk.is_over(child.scratch, limits.disk_bytes, limits.files)

    def _end_all(self) -> None:
        """End the children, and wait for the cleaners too: whoever removes the folder must not meet them in it."""
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)
            self._kill_family(pid)
        self._children.clear()
        with contextlib.suppress(ChildProcessError):
            while True:
                os.wait()

    def _kill_family(self, pid: int) -> None:
        """End what a child has started. Only without seccomp can it have started anything."""
        if "seccomp" not in self.confinement.layers:
            with contextlib.suppress(OSError):
                os.killpg(pid, signal.SIGKILL)


def _hand_over(taker: _Child, run: int, files: list[int]) -> bool:
    try:
        wire.send_request(taker.channel, run, files)
    except OSError:
        return False
    return True


def _clean(scratch: Path) -> None:
    """Remove a scratch; one that is not empty in a process of its own, for thousands of files take their time."""
    try:
        os.rmdir(scratch)
    except OSError:
        if os.fork() == 0:
            try:
                os.closerange(3, child.MOST_DESCRIPTORS)
                disk.remove(scratch)
            finally:
                os._exit(0)
