"""What host, launcher, zygote and snippet tell one another. All of them import it, so it loads next to nothing.

Host to launcher: the socket of a zygote to fork. Host to zygote: a run number with four files (code, report, stdout,
stderr) attached, which the zygote hands on to a waiting child. Zygote to host: how the process ended. Figures never
travel in messages: the child writes them into the report, a piece of memory the host made, of fixed size, and reads
back when the child runs no more and nobody else holds it.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import struct
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from llmi_sandbox.code.isolation.libc import syscall
from llmi_sandbox.code.limits import Limits

Ending = Literal["by_itself", "wall_time", "disk", "no_setup"]
_ENDINGS: tuple[Ending, ...] = ("by_itself", "wall_time", "disk", "no_setup")

_REQUEST = struct.Struct("=Q")
_FINISHED = struct.Struct("=QiddB")
_HELLO = struct.Struct("=I")
_REPORT = struct.Struct("=8sI")
_REPORT_MARK = b"llmi-fig"

_CLOSE_ON_EXEC, _ALLOW_SEALING = 1, 2  # the kernel's numbers: a Python that lacks the call lacks the names
_ADD_SEALS, _SEAL_SHRINK, _SEAL_GROW = 1033, 2, 4

FILES_PER_RUN = 4
PIXELS_AT = 65_536
"""Where the pixels begin in a report; before them its head and a little JSON."""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a child ended: what `waitpid` said, and whether the zygote ended it."""

    run: int
    status: int
    seconds: float
    cpu_seconds: float
    ending: Ending


@dataclass(frozen=True, slots=True)
class Report:
    """What a child says of itself; nothing in it can be trusted.

    `sizes` are width and height of its figures, whose pixels follow one another as RGBA rows from `PIXELS_AT` on.
    """

    fields: dict[str, Any]
    sizes: tuple[tuple[int, int], ...]


class LostError(Exception):
    """The other side is gone."""


def report_size(limits: Limits) -> int:
    """Bytes of a report with as many figures as are asked for, each as large as allowed. Only what is used is held."""
    return PIXELS_AT + 4 * limits.max_pixels * limits.figures


def memory_file(name: str, size: int | None = None) -> int:
    """A file that exists in memory only. With a size, it can neither grow nor shrink."""
    if sys.platform != "linux":
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    else:
        descriptor = _memory_descriptor(name)
    if size is not None:
        os.ftruncate(descriptor, size)
        if sys.platform == "linux":
            fcntl.fcntl(descriptor, _ADD_SEALS, _SEAL_SHRINK | _SEAL_GROW)
    return descriptor


def _memory_descriptor(name: str) -> int:
    flags = _CLOSE_ON_EXEC | _ALLOW_SEALING
    if hasattr(os, "memfd_create"):
        return os.memfd_create(name, flags)
    return syscall("memfd_create", name.encode(), flags)  # an interpreter built for an old C library, as conda's


def send_socket(control: socket.socket, zygote: socket.socket) -> None:
    """Ask a launcher for a zygote that listens to `zygote`."""
    socket.send_fds(control, [b"z"], [zygote.fileno()])


def receive_socket(control: socket.socket) -> socket.socket:
    """The socket of the next zygote. Raises `LostError` when the host is gone."""
    _, descriptors, _, _ = socket.recv_fds(control, 1, 1)
    if not descriptors:
        raise LostError
    return socket.socket(fileno=descriptors[0])


def send_request(control: socket.socket, run: int, files: list[int]) -> None:
    socket.send_fds(control, [_REQUEST.pack(run)], files)


def receive_request(control: socket.socket) -> tuple[int, list[int]]:
    """The next run and its files. Raises `LostError` when the other side is gone."""
    data, files, _, _ = socket.recv_fds(control, _REQUEST.size, FILES_PER_RUN)
    if len(data) < _REQUEST.size or len(files) < FILES_PER_RUN:
        raise LostError
    return _REQUEST.unpack(data)[0], files


def send_finished(control: socket.socket, finished: Finished) -> None:
    ending = _ENDINGS.index(finished.ending)
    control.sendall(_FINISHED.pack(finished.run, finished.status, finished.seconds, finished.cpu_seconds, ending))


def receive_finished(control: socket.socket) -> Finished:
    """The next ended child. Raises `LostError` when the zygote is gone."""
    run, status, seconds, cpu_seconds, ending = _FINISHED.unpack(_receive(control, _FINISHED.size))
    return Finished(run, status, seconds, cpu_seconds, _ENDINGS[ending])


def send_hello(control: socket.socket, hello: dict[str, Any]) -> None:
    body = json.dumps(hello).encode()
    control.sendall(_HELLO.pack(len(body)) + body)


def receive_hello(control: socket.socket) -> dict[str, Any]:
    """What the zygote found out before its first run. Raises `LostError`."""
    length = _HELLO.unpack(_receive(control, _HELLO.size))[0]
    hello: dict[str, Any] = json.loads(_receive(control, length))
    return hello


def write_report(memory: Any, fields: dict[str, Any], sizes: Sequence[tuple[int, int]] = ()) -> None:
    """Fill a report. The mark comes last, so that one cut short is none."""
    body = json.dumps({**fields, "sizes": sizes}).encode()
    if len(body) > PIXELS_AT - _REPORT.size:
        raise ValueError("the report is too long")
    memory[_REPORT.size : _REPORT.size + len(body)] = body
    memory[: _REPORT.size] = _REPORT.pack(_REPORT_MARK, len(body))


def read_report(descriptor: int) -> Report | None:
    """The report of a dead child, None when it wrote none. Raises ValueError when it makes no sense."""
    head = os.pread(descriptor, PIXELS_AT, 0)
    mark, length = _REPORT.unpack_from(head)
    if mark == bytes(len(mark)):
        return None
    if mark != _REPORT_MARK or length > PIXELS_AT - _REPORT.size:
        raise ValueError("its head is not one of ours")
    try:
        fields = json.loads(head[_REPORT.size : _REPORT.size + length])
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(fields, dict):
        raise ValueError("it holds no fields")
    return Report(fields, tuple(_size(entry) for entry in _entries(fields.pop("sizes", None))))


def _entries(sizes: object) -> list[Any]:
    if not isinstance(sizes, list):
        raise ValueError("it names no sizes")
    return sizes


def _size(entry: Any) -> tuple[int, int]:
    match entry:
        case [int(width), int(height)] if width > 0 and height > 0 and bool not in (type(width), type(height)):
            return width, height
        case _:
            raise ValueError("it names a size that is none")


def _receive(control: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = control.recv(size - len(data))
        if not part:
            raise LostError
        data += part
    return data
