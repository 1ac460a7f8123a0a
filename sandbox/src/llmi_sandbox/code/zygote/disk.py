"""How much a snippet has written, where no file system of its own limits it (tier B)."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

MOST_FILES = 8192


def is_over(folder: Path, most_bytes: int) -> bool:
    """Whether the files below a folder take more than `most_bytes`, or are too many. Stops counting when it knows."""
    total = count = 0
    waiting = [os.fspath(folder)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    count += 1
                    with contextlib.suppress(OSError):  # gone meanwhile
                        total += entry.stat(follow_symlinks=False).st_blocks * 512
                        if entry.is_dir(follow_symlinks=False):
                            waiting.append(entry.path)
                    if total > most_bytes or count > MOST_FILES:
                        return True
        except OSError:  # gone, or closed by the snippet: it can hold no more than is seen elsewhere
            continue
    return False


def remove(folder: Path) -> None:
    """Remove a scratch whatever its snippet did to it: nested it deeply or took away its own rights.

    Every folder is moved up to the top before it is opened, so that neither a path nor a recursion gets too long.
    """
    with contextlib.suppress(OSError):  # what cannot be removed is swept at the next start
        waiting = [os.fspath(folder)]
        moved = 0
        while waiting:
            inside = waiting.pop()
            os.chmod(inside, 0o700)
            with os.scandir(inside) as entries:
                for entry in list(entries):
                    if not entry.is_dir(follow_symlinks=False):
                        os.unlink(entry.path)
                        continue
                    os.chmod(entry.path, 0o700)
                    moved += 1
                    top = f"{folder}/.removing-{os.getpid()}-{moved}"
                    os.rename(entry.path, top)
                    waiting.append(top)
            if inside != os.fspath(folder):
                os.rmdir(inside)
        os.rmdir(folder)
