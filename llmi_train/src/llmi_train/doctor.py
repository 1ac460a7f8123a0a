"""What a machine must have, checked before any work: each finding says what to type when something is missing."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from llmi_schema import SystemRequirementError

_GIB = 1024**3


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `remedy` says what to do when it is not `ok`; a `warning` does not stop a run."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""
    warning: bool = False


def examine(*, folder: Path = Path(), unsafe: bool = False) -> list[Finding]:
    """Look at everything a training run needs here."""
    return [*_python(), *_compiler(), *_memory(), *_disk(folder), *_sandbox(unsafe)]


def require(findings: list[Finding]) -> None:
    """Raise `SystemRequirementError` for the first finding that stops a run."""
    for finding in findings:
        if not finding.ok and not finding.warning:
            raise SystemRequirementError(f"{finding.name}: {finding.detail}. {finding.remedy}")


def _python() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("Python", sys.version_info >= (3, 11), version, "Python 3.11 or newer is needed.")


def _compiler() -> Iterator[Finding]:
    compiler = os.environ.get("CXX", "c++")
    found = shutil.which(compiler)
    yield Finding(
        "C++ compiler",
        found is not None,
        found or f"`{compiler}` is not installed, and DeepSpeed compiles one operator with it",
        "On Debian or Ubuntu type: sudo apt-get install -y g++",
    )


def _memory() -> Iterator[Finding]:
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


def _disk(folder: Path) -> Iterator[Finding]:
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


def _sandbox(unsafe: bool) -> Iterator[Finding]:
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
