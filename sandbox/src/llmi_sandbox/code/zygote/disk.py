"""What snippets write, where no file system of their own limits it and takes it away (tier B)."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def is_over(folder: Path, most_bytes: int, most_files: int) -> bool:
    """Whether what lies below a folder takes too much or is too many. Stops counting when it knows.

    A folder that hides its content or lies too deep to be reached counts as over.
    """
    total = count = 0
    waiting = [os.fspath(folder)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    count += 1
                    with contextlib.suppress(FileNotFoundError):  # gone meanwhile
                        total += entry.stat(follow_symlinks=False).st_blocks * 512
                        if entry.is_dir(follow_symlinks=False):
                            waiting.append(entry.path)
                    if total > most_bytes or count > most_files:
                        return True
        except FileNotFoundError:
            continue
        except OSError:
            return True
    return False


def remove(folder: Path) -> None:
    """Remove a scratch nobody uses any more, however deep its snippet nested it and whatever rights it took away.

    It walks down and back up holding one folder at a time, so that neither paths, nor recursion, nor descriptors
    grow with depth. What cannot be removed is left; it is tried again by the next sweep.
    """
    with contextlib.suppress(OSError):
        here = _enter(os.fspath(folder), None)
        try:
            remaining = [_unlink_files(here)]
            entered: list[str] = []
            while True:
                if remaining[-1]:
                    entered.append(remaining[-1].pop())
                    here = _enter(entered[-1], here)
                    remaining.append(_unlink_files(here))
                elif entered:
                    here = _enter("..", here)
                    remaining.pop()
                    os.rmdir(entered.pop(), dir_fd=here)
                else:
                    break
        finally:
            os.close(here)
        os.rmdir(folder)


def _enter(name: str, here: int | None) -> int:
    """Open a folder and let go of the one it was reached from."""
    there = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
    if here is not None:
        os.close(here)
    return there


def _unlink_files(folder: int) -> list[str]:
    """Remove all that is no folder; return the names of the folders, made enterable."""
    folders = []
    with os.scandir(folder) as entries:
        for entry in list(entries):
            if entry.is_dir(follow_symlinks=False):
                if entry.stat(follow_symlinks=False).st_mode & 0o700 != 0o700:
                    os.chmod(entry.name, 0o700, dir_fd=folder)
                folders.append(entry.name)
            else:
                os.unlink(entry.name, dir_fd=folder)
    return folders
