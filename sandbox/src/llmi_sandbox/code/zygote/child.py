"""One snippet's process: forked ahead of its snippet, confined, waiting, used once. It never returns."""

from __future__ import annotations

import mmap
import os
import random
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from llmi_sandbox.code import wire
from llmi_sandbox.code.isolation.confine import Confinement
from llmi_sandbox.code.zygote import pages, warm
from llmi_sandbox.code.zygote.execute import Outcome, execute

READY, BEGUN = b"ready", b"+"
"""What a child says once it is confined, and once it has been given its code; in between it has seen none."""

MOST_DESCRIPTORS = 4096  # a zygote has a dozen, and five per running child


@dataclass(frozen=True, slots=True)
class Files:
    """The descriptors of one run, as the host sent them."""

    code: int
    report: int
    stdout: int
    stderr: int


def live(channel: socket.socket, scratch: Path, confinement: Confinement, ready: warm.Warm, zygote: int) -> NoReturn:
    """Be confined, wait for the code, run it, leave the figures in the report, and end.

    Args:
        channel: to the zygote: the child says `READY` or what went wrong, the zygote sends one request, the child
            says `BEGUN`. When its report is complete it stops itself, and the zygote buries it.
        scratch: its working folder.
        zygote: the parent's process number.
    """
    # Held here, where a snippet that replaces them does not keep its process from ending.
    leave, send_signal, this = os._exit, os.kill, os.getpid()
    try:
        _settle(channel.fileno(), scratch)
        pages.populate(ready.written, until_readable=channel.fileno())
        confinement.apply(scratch)
        if os.getppid() != zygote:  # it died before its death could be a signal: nobody would ever end this process
            leave(1)
        channel.send(READY)
        code, report = _receive(channel)
    except wire.LostError:  # the zygote ends, or has no use for another child
        leave(0)
    except BaseException as error:  # noqa: BLE001 - whatever went wrong, the host must learn of it and no code may run
        try:
            channel.send(f"{type(error).__name__}: {error}".encode()[:500])
        finally:
            leave(1)
    try:
        _answer(report, execute(code, ready.modules, ready.saves, confinement.limits))
        _flush()
        send_signal(this, signal.SIGSTOP)
    finally:  # a snippet may leave a timer or a trap behind; nothing of it may reach the zygote's code above
        leave(0)


def _settle(channel: int, scratch: Path) -> None:
    """A clean process: its own session, descriptors, environment, signals and random numbers."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.closerange(3, channel)
    os.closerange(channel + 1, MOST_DESCRIPTORS)
    if os.environ["HOME"] != str(scratch):
        os.environ.update(dict.fromkeys(warm.SCRATCH_VARIABLES, str(scratch)))
    random.seed(0)  # Python has seeded it anew for the fork; numpy's generator is still as `warm_up` has left it


def _receive(channel: socket.socket) -> tuple[bytes, mmap.mmap]:
    """Wait for the request; take its files over. Returns the code and the memory of the report."""
    files = Files(*wire.receive_request(channel)[1])
    os.dup2(files.stdout, 1)
    os.dup2(files.stderr, 2)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # what a killed snippet printed is kept
    code = os.pread(files.code, os.fstat(files.code).st_size, 0)
    report = mmap.mmap(files.report, 0)
    channel.send(BEGUN)
    channel.close()
    os.closerange(3, MOST_DESCRIPTORS)
    return code, report


def _answer(report: mmap.mmap, outcome: Outcome) -> None:
    at = wire.PIXELS_AT
    for pixels in outcome.pixels:
        flat = pixels.view.cast("B")
        report[at : at + len(flat)] = flat
        at += len(flat)
    wire.write_report(
        report, {"kind": outcome.kind, "message": outcome.message}, [pixels.size for pixels in outcome.pixels]
    )


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):  # the snippet may have filled, closed or replaced it
            continue
