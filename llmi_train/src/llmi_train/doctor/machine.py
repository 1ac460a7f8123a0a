"""The machine itself: Python, a compiler, memory, disk, and whether code can be isolated."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from llmi_train.doctor.finding import Finding

_GIB = 1024**3


def python() -> Iterator[Finding]:
    """The version of Python."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("Python", sys.version_info >= (3, 11), version, "Python 3.11 or newer is needed.")


def compiler() -> Iterator[Finding]:
    """A C++ compiler, for DeepSpeed."""
    compiler = os.environ.get("CXX", "c++")
    found = shutil.which(compiler)
    yield Finding(
        "C++ compiler",
        found is not None,
        found or f"`{compiler}` is not installed, and DeepSpeed compiles one operator with it",
        "On Debian or Ubuntu type: sudo apt-get install -y g++",
    )


def memory() -> Iterator[Finding]:
    """Memory that is free now."""
    available = _available_memory()
    if available is not None:
        yield Finding(
            "memory",
            available >= 3 * _GIB,
            f"{available / _GIB:.1f} GiB free",
            "The demo needs about 3 GiB; close something.",
            warning=True,
        )


def _available_memory() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    fields = dict(line.split(":", 1) for line in lines)
    return int(fields["MemAvailable"].split()[0]) * 1024 if "MemAvailable" in fields else None


def disk(folder: Path) -> Iterator[Finding]:
    """Whether `folder`, which need not exist yet, can be written to."""
    existing = next(path for path in [folder.absolute(), *folder.absolute().parents] if path.exists())
    free = shutil.disk_usage(existing).free
    yield Finding("disk", free >= _GIB / 4, f"{free / _GIB:.1f} GiB free in {existing}", "Free at least 256 MiB there.")
    writable = os.access(existing, os.W_OK)
    yield Finding(
        "folder",
        writable,
        f"{existing} {'can' if writable else 'cannot'} be written to",
        "Choose another with --output.",
    )


def sandbox(unsafe: bool) -> Iterator[Finding]:
    """Whether code that draws pictures is isolated here."""
    from llmi_sandbox.code import probe

    isolation = probe()
    isolated = isolation.tier != "none"
    yield Finding(
        "code sandbox",
        isolated or unsafe,
        isolation.sentence if isolated else f"not isolated here ({'; '.join(isolation.missing.values())})",
        "To run the pictures' code without isolation, which is right only for code you trust, add --unsafe (with "
        "make: make demo UNSAFE=1).",
    )
