"""Processes as the kernel lists them, and waiting for what they will have done."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path


def children(pid: int) -> list[int]:
    """The children that a process has now; none when it has ended."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(child) for child in task.read_text().split()]
        except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            continue
    return found


def below(pid: int) -> list[int]:
    """Its children, theirs, and so on."""
    found = children(pid)
    return found + [each for child in found for each in below(child)]


def eventually(condition: Callable[[], object], seconds: float = 20) -> bool:
    """Whether it came true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
