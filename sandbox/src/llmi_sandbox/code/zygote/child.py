"""One snippet's process: from the fork to its end. It never returns."""

from __future__ import annotations

import mmap
import os
import signal
import sys
import tempfile
import types
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from llmi_sandbox.code import wire
from llmi_sandbox.code.isolation.confine import Confinement
from llmi_sandbox.code.zygote.execute import Outcome, execute
from llmi_sandbox.code.zygote.warm import reseed

READY = b"ready"
"""What a child says through its pipe once it is confined and before it reads a line of the code."""

MOST_DESCRIPTORS = 4096  # a zygote has a dozen, and two per running child


@dataclass(frozen=True, slots=True)
class Files:
    """The descriptors of one run, as the host sent them."""

    code: int
    report: int
    stdout: int
    stderr: int


def live(
    files: Files,
    pipe: int,
    scratch: Path,
    confinement: Confinement,
    modules: dict[str, types.ModuleType],
    zygote: int,
) -> NoReturn:
    """Be confined, run the code, leave the figure in the report, and end. `zygote` is the parent's process number."""
    leave = os._exit  # held here, where a snippet that replaces it in `os` does not stop its process from ending
    try:
        code = os.pread(files.code, os.fstat(files.code).st_size, 0)
        report = mmap.mmap(files.report, 0)
        _settle(files, pipe, scratch)
        confinement.apply(scratch)
        if os.getppid() != zygote:  # it died before its death could be a signal: nobody would ever end this process
            leave(1)
        os.write(pipe, READY)
        os.close(pipe)
    except BaseException as error:  # noqa: BLE001 - whatever went wrong, the host must learn of it and no code may run
        os.write(pipe, f"{type(error).__name__}: {error}".encode()[:500])
        leave(1)
    try:
        limits = confinement.limits
        _answer(report, execute(code, modules, limits.dpi, limits.max_pixels))
        _flush()
    finally:  # a snippet may leave a timer or a trap behind; nothing of it may reach the zygote's code above
        leave(0)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):  # the snippet may have filled, closed or replaced it
            continue


def _settle(files: Files, pipe: int, scratch: Path) -> None:
    """A clean process: its own session, descriptors, environment, signals and random numbers."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(files.stdout, 1)
    os.dup2(files.stderr, 2)
    os.closerange(3, pipe)
    os.closerange(pipe + 1, MOST_DESCRIPTORS)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # what a killed snippet printed is kept
    os.environ.clear()
    os.environ.update(_environment(scratch))
    tempfile.tempdir = None
    reseed()


def _environment(scratch: Path) -> dict[str, str]:
    home = str(scratch)
    return {
        "HOME": home,
        "TMPDIR": home,
        "MPLCONFIGDIR": home,
        "USER": "sandbox",
        "LOGNAME": "sandbox",
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }


def _answer(report: mmap.mmap, outcome: Outcome) -> None:
    width = height = 0
    if outcome.pixels is not None:
        height, width = outcome.pixels.size
        flat = outcome.pixels.view.cast("B")
        report[wire.PIXELS_AT : wire.PIXELS_AT + len(flat)] = flat
    wire.write_report(report, {"kind": outcome.kind, "message": outcome.message}, width, height)
