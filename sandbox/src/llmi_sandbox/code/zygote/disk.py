"""How much a snippet has written, where no file system of its own limits it (tier B)."""

from __future__ import annotations

import contextlib
import os
import shutil
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
    """Remove a scratch whatever its snippet did to it: nested it deeply or took away its own rights."""
    with contextlib.suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if not folder.exists():
        return
    for parent, folders, _ in os.walk(folder):
        for name in folders:
            with contextlib.suppress(OSError):
                os.chmod(os.path.join(parent, name), 0o700, follow_symlinks=False)
    with contextlib.suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
