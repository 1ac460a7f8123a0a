"""The zygote's loop: fork a child per request, end the ones that overrun, report every end.

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
import types
from dataclasses import dataclass, field
from pathlib import Path

from llmi_sandbox.code import wire
from llmi_sandbox.code.isolation.confine import Confinement
from llmi_sandbox.code.zygote import child, disk

_DISK_CHECK_SECONDS = 0.1


@dataclass(slots=True)
class _Child:
    run: int
    started: float
    pipe: int
    stderr: int
    scratch: Path
    ending: wire.Ending = "by_itself"


@dataclass
class Server:
    """Serves one host until it is gone.

    Attributes:
        control: the socket to the host.
        host: a pidfd of the host where there are any, else None; its end is ours, even while a fork of the host
            keeps the socket open.
        confinement: what every child applies to itself.
        modules: the namespace of the snippets.
        scratch: where children write: with namespaces the mount point of each child's own file system, else the
            folder in which each gets a folder.
    """

    control: socket.socket
    host: int | None
    confinement: Confinement
    modules: dict[str, types.ModuleType]
    scratch: Path
    _children: dict[int, _Child] = field(default_factory=dict)
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
                    self._fork(*wire.receive_request(self.control))
        except (wire.LostError, ConnectionError):
            return
        finally:
            signal.set_wakeup_fd(-1)
            self._end_all()

    @property
    def _shares_disk(self) -> bool:
        return "namespaces" not in self.confinement.layers

    def _patience(self) -> float | None:
        """Milliseconds until a child must be looked at."""
        if not self._children:
            return None
        if self._shares_disk:
            return _DISK_CHECK_SECONDS * 1000
        first = min(c.started for c in self._children.values()) + self.confinement.limits.wall_seconds
        return max(0.0, first - time.monotonic()) * 1000 + 1

    def _fork(self, run: int, descriptors: list[int]) -> None:
        files = child.Files(*descriptors)
        scratch = self.scratch
        if self._shares_disk:
            scratch = self.scratch / str(run)
            scratch.mkdir(mode=0o700)
        reader, writer = os.pipe()
        started = time.monotonic()
        zygote = os.getpid()
        pid = os.fork()
        if pid == 0:
            child.live(files, writer, scratch, self.confinement, self.modules, zygote)
        for descriptor in (writer, files.code, files.report, files.stdout):
            os.close(descriptor)
        self._children[pid] = _Child(run, started, reader, files.stderr, scratch)

    def _reap(self) -> None:
        while True:
            try:
                pid, status, usage = os.wait3(os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            ended = self._children.pop(pid, None)
            if ended is None:  # a cleaner
                continue
            self._clear(pid, ended)
            wire.send_finished(
                self.control,
                wire.Finished(
                    run=ended.run,
                    status=status,
                    seconds=time.monotonic() - ended.started,
                    cpu_seconds=usage.ru_utime + usage.ru_stime,
                    ending=ended.ending,
                ),
            )

    def _clear(self, pid: int, ended: _Child) -> None:
        """Close and remove what a child leaves, and pass on why it never began, if so."""
        said = os.read(ended.pipe, 600)
        os.close(ended.pipe)
        if said != child.READY:
            if ended.ending == "by_itself":
                ended.ending = "no_setup"
            os.write(ended.stderr, said)
        os.close(ended.stderr)
        self._kill_family(pid)
        if self._shares_disk:
            if ended.ending == "by_itself" and self._is_over(ended):
                ended.ending = "disk"  # it was faster than the watch
            _clean(ended.scratch)

    def _stop_overruns(self) -> None:
        now = time.monotonic()
        look_at_disk = self._shares_disk and now - self._disk_checked >= _DISK_CHECK_SECONDS
        if look_at_disk:
            self._disk_checked = now
        for pid, running in self._children.items():
            if running.ending != "by_itself":
                continue
            if now - running.started > self.confinement.limits.wall_seconds:
                running.ending = "wall_time"
            elif look_at_disk and self._is_over(running):
                running.ending = "disk"
            else:
                continue
            os.kill(pid, signal.SIGKILL)

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
