"""The moment of no return: a forked child gives up everything but its scratch and its processor time."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from llmi_sandbox.code.isolation import landlock, namespaces, rlimits, seccomp
from llmi_sandbox.code.isolation.libc import PR_SET_PDEATHSIG, prctl
from llmi_sandbox.code.isolation.readable import DEVICES
from llmi_sandbox.code.limits import Limits


@dataclass(frozen=True, slots=True)
class Confinement:
    """How children of one zygote are confined.

    Attributes:
        layers: names of the layers in force (see `tier.LAYERS`).
        readable: what a snippet may read.
        filter: the compiled seccomp program.
        base_memory: address space of the zygote, in bytes.
    """

    layers: frozenset[str]
    limits: Limits
    readable: tuple[Path, ...]
    filter: bytes
    base_memory: int

    def apply(self, scratch: Path) -> None:
        """Confine the calling process to `scratch`, its working folder from here on. Raises OSError."""
        if "namespaces" in self.layers:
            namespaces.fresh_tmp(scratch, self.limits.disk_bytes, self.limits.files)
        os.chdir(scratch)
        if "limits" in self.layers:
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            rlimits.apply(self.limits, base_memory=self.base_memory)
            rlimits.drop_privileges()
        if "landlock" in self.layers:
            landlock.restrict((*self.readable, *DEVICES[1:]), (scratch, DEVICES[0]))
        if "seccomp" in self.layers:
            seccomp.install(seccomp.for_process(self.filter, os.getpid()))
