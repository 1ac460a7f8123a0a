"""From a fresh interpreter to a warm, confined zygote that serves its host."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any, NoReturn

from llmi_sandbox.code import wire
from llmi_sandbox.code.isolation import namespaces, rlimits, seccomp
from llmi_sandbox.code.isolation.confine import Confinement
from llmi_sandbox.code.isolation.libc import PR_SET_PDEATHSIG, prctl
from llmi_sandbox.code.isolation.readable import DEVICES, importable, readable_paths
from llmi_sandbox.code.isolation.tier import Isolation, measure
from llmi_sandbox.code.limits import Limits
from llmi_sandbox.code.zygote import disk
from llmi_sandbox.code.zygote.server import Server
from llmi_sandbox.code.zygote.warm import PACKAGES, font_files, warm_up


def main(argument: str) -> NoReturn:
    """Run what the host asks for in one JSON argument: a probe, or a zygote. See `llmi_sandbox.code.start`."""
    settings: dict[str, Any] = json.loads(argument)
    scratch = Path(settings["scratch"])
    root = scratch / "root"
    root.mkdir()
    if settings["control"] is None:
        sys.stdout.write(json.dumps(measure(root, readable_paths((), ())).as_dict()))
        sys.exit(0)
    control = socket.socket(fileno=settings["control"])
    modules = warm_up()
    readable = readable_paths(PACKAGES, font_files())
    isolation = measure(root, readable, without=settings["without"])
    if isolation.tier == "none" and not settings["unsafe"]:
        wire.send_hello(control, isolation.as_dict())
        sys.exit(0)
    limits = Limits(**settings["limits"])
    _serve(control, modules, readable, isolation, limits, scratch)
    sys.exit(0)


def _serve(
    control: socket.socket,
    modules: dict[str, Any],
    readable: tuple[Path, ...],
    isolation: Isolation,
    limits: Limits,
    scratch: Path,
) -> None:
    layers = frozenset(isolation.layers)
    # Missing in an interpreter built for old kernels, as conda's are; the socket then tells of the host's end.
    host = os.pidfd_open(os.getppid()) if hasattr(os, "pidfd_open") else None
    if sys.platform == "linux":
        rlimits.offer_to_oom_killer()
    confinement = Confinement(
        layers=layers,
        limits=limits,
        readable=readable,
        filter=seccomp.compile_filter(modes="namespaces" in layers) if "seccomp" in layers else b"",
        base_memory=rlimits.address_space() + wire.report_size(limits.max_pixels) if "limits" in layers else 0,
    )
    if "landlock" in layers or "namespaces" in layers:
        sys.path[:] = importable(readable)
    if "namespaces" in layers:
        namespaces.enter(scratch / "root", readable, DEVICES)
        writable = namespaces.scratch_path(readable)
        _become_process_one(control)
    else:
        writable = scratch
    wire.send_hello(control, isolation.as_dict())
    Server(control, host, confinement, modules, writable).serve()
    if "namespaces" not in layers:
        disk.remove(scratch)


def _become_process_one(control: socket.socket) -> None:
    """Only a fork is inside the new process tree. The parent waits for it, and takes it along when it dies."""
    child = os.fork()
    if child:
        control.close()
        os.waitpid(child, 0)
        os._exit(0)
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
