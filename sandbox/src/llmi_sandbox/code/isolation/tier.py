"""`Isolation`: what this machine can do to contain a snippet, found by trying, and what to tell the user.

Tier A: namespaces, Landlock, seccomp, resource limits, no capabilities. Tier B, as in a container: the same
without namespaces. Below B nothing runs unless the user says `unsafe=True`.
"""

from __future__ import annotations

import os
import platform
import signal
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from llmi_sandbox.code.isolation import landlock, namespaces, rlimits, seccomp
from llmi_sandbox.code.isolation.readable import DEVICES
from llmi_sandbox.code.isolation.syscalls import is_known_machine

Tier = Literal["A", "B", "none"]

LAYERS = ("namespaces", "landlock", "seccomp", "limits")


@dataclass(frozen=True, slots=True)
class Isolation:
    """What contains a snippet on this machine.

    Attributes:
        tier: `A`, `B` or `none`.
        layers: the layers that work, with their versions where they have one.
        missing: the layers that do not, with the reason.
    """

    tier: Tier
    layers: dict[str, str]
    missing: dict[str, str]

    @property
    def sentence(self) -> str:
        """What to tell a person, in one or two sentences."""
        lacking = "; ".join(f"{name}: {why}" for name, why in self.missing.items())
        if self.tier == "A":
            return "Snippets are fully isolated (tier A)."
        if self.tier == "B":
            return f"Snippets are isolated, as inside a container (tier B). Missing: {lacking}."
        return (
            f"This machine cannot isolate snippets ({lacking}). Run on Linux 5.13 or later with Landlock and seccomp "
            "(a default Docker container will do), or pass unsafe=True to run code you trust without isolation."
        )

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def measure(root: Path, readable: Iterable[Path], *, without: Iterable[str] = ()) -> Isolation:
    """Try each layer in a process that is thrown away. Call it from a process with one thread.

    Args:
        root: an empty folder to build the new file tree on.
        readable: what that tree would hold.
        without: layers to leave out, for tests that show what each is good for.
    """
    if sys.platform != "linux":
        return Isolation("none", {}, dict.fromkeys(LAYERS, f"{platform.system()} has none; only Linux has"))
    threads = len(os.listdir("/proc/self/task"))
    trials: dict[str, Callable[[], str]] = {
        "namespaces": lambda: (
            f"a library started {threads - 1} threads, and only one thread can move"
            if threads > 1
            else _try(lambda: _namespaces(root, tuple(readable)))
        ),
        "landlock": lambda: _try(_landlock),
        "seccomp": lambda: _try(_seccomp),
        "limits": lambda: _try(rlimits.drop_privileges),
    }
    left_out = dict.fromkeys(without, "left out on request")
    missing = {
        name: problem for name, trial in trials.items() if (problem := left_out[name] if name in left_out else trial())
    }
    versions = {"landlock": f"ABI {landlock.abi()}"}
    layers = {name: versions.get(name, "yes") for name in LAYERS if name not in missing}
    tier: Tier = "none" if missing.keys() - {"namespaces"} else "B" if missing else "A"
    return Isolation(tier, layers, missing)


def _namespaces(root: Path, readable: tuple[Path, ...]) -> None:
    namespaces.enter(root, readable, DEVICES)
    namespaces.fresh_tmp(namespaces.scratch_path(readable), 2**20, 16)


def _landlock() -> None:
    if not landlock.abi():
        raise OSError(f"Linux {platform.release()} has it not, or not switched on")
    rlimits.drop_privileges()
    landlock.restrict((), ())
    try:
        os.listdir("/")
    except PermissionError:
        return
    raise OSError("it is there but does not hold")


def _seccomp() -> None:
    if not is_known_machine():
        raise OSError(f"there is no table of system calls for {platform.machine()}")
    rlimits.drop_privileges()
    seccomp.install(seccomp.for_process(seccomp.compile_filter(), os.getpid()))
    try:
        os.kill(os.getppid(), 0)
    except PermissionError:
        return
    raise OSError("it is there but does not hold")


def _try(trial: Callable[[], object]) -> str:
    """Run a trial in a fork. Returns "" when it worked, else the reason."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(10)
        problem = ""
        try:
            trial()
        except BaseException as error:  # noqa: BLE001 - the parent must learn of it, whatever it is
            problem = str(error) or type(error).__name__
        os.write(writer, problem.encode()[:500])
        os._exit(0 if not problem else 1)
    os.close(writer)
    with open(reader, "rb") as pipe:
        problem = pipe.read().decode(errors="replace")
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return problem or ("" if status == 0 else f"the trial ended with status {status}")
