"""The memory a child will write to, learnt from one that draws, so that a spare copies it while it waits.

A fork shares its parent's pages until it writes to them, and CPython writes to every object it looks at: it counts
references. A small figure costs more than 3,000 page faults. To ask the kernel for all these pages at once is cheaper,
and while no snippet waits it delays nobody.
"""

from __future__ import annotations

import os
import select
import struct
from collections.abc import Callable, Iterator

from llmi_sandbox.code.isolation.libc import call, syscall
from llmi_sandbox.code.isolation.syscalls import is_known_machine

Ranges = bytes
"""Address and length of each range of pages, as the kernel's `struct iovec`."""

_RANGE = struct.Struct("=QQ")
_MADV_POPULATE_WRITE = 23
_MADV_COLLAPSE = 25
_HUGE = 2 * 2**20
_AT_ONCE = 128  # ranges: the half millisecond that a request which comes meanwhile waits
_ENTRY = struct.Struct("=Q")
_PRESENT_AND_NOBODY_ELSES = 1 << 63 | 1 << 56  # Source: the kernel's `Documentation/admin-guide/mm/pagemap.rst`


def learn(work: Callable[[], object]) -> Ranges:
    """Where a fork of this process writes when it does some work. Empty where the kernel does not tell.

    Call it from a process with one thread.
    """
    if not is_known_machine():
        return b""
    try:
        shared = list(_writable())
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                work()
                with open(writer, "wb") as pipe:
                    for start, end in shared:
                        pipe.writelines(_copied(start, end))
            finally:
                os._exit(0)
        os.close(writer)
        with open(reader, "rb") as pipe:
            found = pipe.read()
        os.waitpid(pid, 0)
    except OSError:
        return b""
    return found[: len(found) // _RANGE.size * _RANGE.size]


def populate(ranges: Ranges, until_readable: int) -> None:
    """Give the calling process its own copy of these pages; stop as soon as a descriptor has something to read.

    It only saves time: where the kernel is older than 6.13 or refuses, nothing happens.
    """
    if not ranges:
        return
    called = select.poll()
    called.register(until_readable, select.POLLIN)
    try:
        this = os.pidfd_open(os.getpid())
        try:
            step = _AT_ONCE * _RANGE.size
            for at in range(0, len(ranges), step):
                if called.poll(0):
                    return
                part = ranges[at : at + step]
                syscall("process_madvise", this, part, len(part) // _RANGE.size, _MADV_POPULATE_WRITE, 0)
        finally:
            os.close(this)
    except (OSError, AttributeError):  # a Python built for an old C library lacks pidfd_open
        return


def _writable() -> Iterator[tuple[int, int]]:
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as file:
        for line in file:
            span, rights = line.split()[:2]
            if rights == "rw-p":
                start, _, end = span.partition("-")
                yield int(start, 16), int(end, 16)


def _copied(start: int, end: int) -> Iterator[bytes]:
    """The ranges of one mapping whose pages are this process's alone."""
    page = os.sysconf("SC_PAGESIZE")
    with open("/proc/self/pagemap", "rb", buffering=0) as map_:
        entries = os.pread(map_.fileno(), (end - start) // page * _ENTRY.size, start // page * _ENTRY.size)
    begun = None
    for at, (entry,) in enumerate(_ENTRY.iter_unpack(entries)):
        own = entry & _PRESENT_AND_NOBODY_ELSES == _PRESENT_AND_NOBODY_ELSES
        if own and begun is None:
            begun = at
        elif not own and begun is not None:
            yield _RANGE.pack(start + begun * page, (at - begun) * page)
            begun = None
    if begun is not None:
        yield _RANGE.pack(start + begun * page, end - start - begun * page)


def gather() -> None:
    """Hold this process's memory in huge pages where that can be done: a fork then has fewer to copy entries for.

    It only saves time: where the kernel is older than 6.1 or refuses, nothing happens.
    """
    for start, end in _writable():
        first, last = -(-start // _HUGE) * _HUGE, end // _HUGE * _HUGE
        if first < last:
            try:
                call("madvise", first, last - first, _MADV_COLLAPSE)
            except OSError:
                continue
