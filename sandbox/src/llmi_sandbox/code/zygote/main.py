"""From a fresh interpreter to a warm launcher, which forks the zygotes its host asks for.

A zygote shares the launcher's memory until one of them writes to it: a second one costs milliseconds, not seconds.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from llmi_sandbox.code import wire
from llmi_sandbox.code.isolation import namespaces, rlimits, seccomp
from llmi_sandbox.code.isolation.confine import Confinement
from llmi_sandbox.code.isolation.libc import PR_SET_PDEATHSIG, prctl
from llmi_sandbox.code.isolation.readable import DEVICES, importable, readable_paths
from llmi_sandbox.code.isolation.tier import Isolation, measure
from llmi_sandbox.code.limits import Limits
from llmi_sandbox.code.zygote import disk, fonts
from llmi_sandbox.code.zygote.server import Server
from llmi_sandbox.code.zygote.warm import Warm, set_environment, warm_up


def main(argument: str) -> NoReturn:
    """Run what the host asks for in one JSON argument: a probe, or a launcher. See `llmi_sandbox.code.start`."""
    settings: dict[str, Any] = json.loads(argument)
    scratch = Path(settings["scratch"])
    root = scratch / "root"
    root.mkdir()
    if settings["control"] is None:
        sys.stdout.write(json.dumps(measure(root, readable_paths((), ())).as_dict()))
        sys.exit(0)
    control = socket.socket(fileno=settings["control"])
    limits = Limits(**settings["limits"])
    warm = warm_up(settings["namespace"], limits.figures)
    readable = readable_paths(warm.packages, fonts.files())
    isolation = measure(root, readable, without=settings["without"])
    wire.send_hello(control, isolation.as_dict())
    if isolation.tier == "none" and not settings["unsafe"]:
        sys.exit(0)
    # Missing in an interpreter built for old kernels, as conda's are; the socket then tells of the host's end.
    host = os.pidfd_open(os.getppid()) if hasattr(os, "pidfd_open") else None
    _Launcher(control, host, warm, readable, isolation, limits, scratch, settings["spares"]).serve()
    with contextlib.suppress(ChildProcessError):
        os.wait()  # for all the zygotes
    disk.remove(scratch)
    sys.exit(0)


@dataclass(frozen=True, slots=True)
class _Launcher:
    """Forks zygotes until its host is gone."""

    control: socket.socket
    host: int | None
    warm: Warm
    readable: tuple[Path, ...]
    isolation: Isolation
    limits: Limits
    scratch: Path
    spares: int

    def serve(self) -> None:
        if sys.platform == "linux":
            rlimits.offer_to_oom_killer()
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # zygotes are reaped by the kernel
        sources = [self.control.fileno(), *([] if self.host is None else [self.host])]
        number = 0
        while True:
            ready, _, _ = select.select(sources, [], [])
            if self.host in ready:
                return
            try:
                zygote = wire.receive_socket(self.control)
            except (wire.LostError, ConnectionError):
                return
            number += 1
            launcher = os.getpid()
            pid = os.fork()
            if pid == 0:
                self._become_zygote(zygote, launcher, self.scratch / str(number))
            zygote.close()
            wire.send_hello(self.control, {"pid": pid})

    def _become_zygote(self, control: socket.socket, launcher: int, scratch: Path) -> NoReturn:
        try:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self.control.close()
            if sys.platform == "linux":
                prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() == launcher:
                self._serve_host(control, scratch)
        except OSError as error:
            wire.send_hello(control, {"problem": str(error)})
        finally:
            os._exit(0)

    def _serve_host(self, control: socket.socket, scratch: Path) -> None:
        layers = frozenset(self.isolation.layers)
        confinement = Confinement(
            layers=layers,
            limits=self.limits,
            readable=self.readable,
            filter=seccomp.compile_filter(own_tree="namespaces" in layers) if "seccomp" in layers else b"",
            base_memory=rlimits.address_space() + wire.report_size(self.limits) if "limits" in layers else 0,
        )
        if "landlock" in layers or "namespaces" in layers:
            sys.path[:] = importable(self.readable)
        if "namespaces" in layers:
            namespaces.enter(self.scratch / "root", self.readable, DEVICES)
            scratch = namespaces.scratch_path(self.readable)
            _become_process_one(control)
        else:
            scratch.mkdir(mode=0o700)
        set_environment(scratch)
        wire.send_hello(control, {})
        Server(control, self.host, confinement, self.warm, scratch, self.spares).serve()
        if "namespaces" not in layers:
            disk.remove(scratch)


def _become_process_one(control: socket.socket) -> None:
    """Only a fork is inside the new process tree. The parent waits for it, and takes it along when it dies."""
    pid = os.fork()
    if pid:
        control.close()
        os.waitpid(pid, 0)
        os._exit(0)
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
