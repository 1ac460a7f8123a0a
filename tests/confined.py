"""Count what runs in the sandbox's launcher, zygotes and confined children: there coverage cannot write what it saw.

They start with an empty environment, may open no file, and end by `_exit` or a signal. So the lines they go to, one
after another, are marked in memory that all of them share. `prepare` makes a folder with a file of that size and this
module under the name of `sitecustomize`; interpreters that find the folder on their path run it as they start, and a
launcher maps the file before it forks. Marks are bytes that are set and never read there: no call, no descriptor and no
lock is needed, and a mark outlives whoever made it. `marked` reads them afterwards.
"""

from __future__ import annotations

import mmap
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

_MARKS = "marks"
_BOOT = os.path.join("llmi_sandbox", "code", "boot.py")
_LINES = 1024  # one of two lines is at most half as much, and negative where a function begins or ends
_EACH = _LINES * _LINES  # bytes; only those pages exist that hold a mark

Trace = Callable[[FrameType, str, Any], Any]


def prepare(folder: Path, package: Path) -> None:
    """Make the folder, for `PYTHONPATH`, of a run that counts the files of `package`, `llmi_sandbox/code`."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copyfile(__file__, folder / "sitecustomize.py")
    with open(folder / _MARKS, "wb") as file:
        file.truncate(len(_files(package)) * _EACH)
    (folder / _MARKS).chmod(0o666)  # tests also become other users


def marked(folder: Path, package: Path) -> dict[str, set[tuple[int, int]]]:
    """Which lines followed which, by file, as `CoverageData.add_arcs` takes them."""
    found: dict[str, set[tuple[int, int]]] = {}
    with open(folder / _MARKS, "rb") as file:
        for name in _files(package):
            marks = file.read(_EACH)
            at = marks.find(1)
            arcs = found[name] = set()
            while at >= 0:
                arcs.add((_line(at // _LINES), _line(at % _LINES)))
                at = marks.find(1, at + 1)
    return found


def _files(package: Path) -> list[str]:
    return sorted(str(path) for path in package.rglob("*.py"))


def _line(place: int) -> int:
    return place if place < _LINES // 2 else place - _LINES


def _start(folder: Path, package: Path) -> None:
    """Count in this process and in all its forks."""
    with open(folder / _MARKS, "r+b") as file:
        marks = mmap.mmap(file.fileno(), 0)
    sys.settrace(_tracer(marks, {name: number * _EACH for number, name in enumerate(_files(package))}))


def _tracer(marks: mmap.mmap, starts: dict[str, int]) -> Trace:
    """Arcs as coverage's own tracers see them (`coverage/pytracer.py`)."""
    import dis

    resume = dis.opmap["RESUME"]

    def enter(frame: FrameType, event: str, _: Any) -> Trace | None:
        code = frame.f_code
        start = starts.get(code.co_filename)
        if start is None:
            return None
        begin = -code.co_firstlineno
        last = frame.f_lineno if code.co_code[frame.f_lasti + 1] else begin  # a generator goes on where it was

        def mark(line: int) -> None:
            nonlocal last
            marks[start + last % _LINES * _LINES + line % _LINES] = 1
            last = line

        def step(frame: FrameType, event: str, _: Any) -> Trace:
            if event == "line":
                mark(frame.f_lineno)
            elif event == "return":
                following = frame.f_lasti + 2
                if following == len(code.co_code) or code.co_code[following] != resume:  # else it yields
                    mark(begin)
            return step

        return step

    return enter


if __name__ == "sitecustomize":
    boot = next((argument for argument in sys.orig_argv if argument.endswith(_BOOT)), None)
    if boot is not None:
        _start(Path(__file__).parent, Path(boot).parent)
