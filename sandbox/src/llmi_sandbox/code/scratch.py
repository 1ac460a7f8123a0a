"""The folder a zygote needs on disk: made locked, and swept by the next start if its owners were killed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from pathlib import Path

from llmi_sandbox.code.zygote import disk

_PREFIX = "llmi-sandbox-"


def make() -> tuple[Path, int]:
    """A new folder and a descriptor that holds its lock; whoever inherits the descriptor keeps it alive."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        lock = _lock(folder)
        if lock is not None:
            if folder.exists():
                return folder, lock
            os.close(lock)  # a sweep came between the two calls


def sweep() -> None:
    """Remove the folders of zygotes that are gone. Folders in use, and other people's, are left alone."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        if (lock := _lock(folder)) is not None:
            disk.remove(folder)
            os.close(lock)


def _lock(folder: Path) -> int | None:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    with contextlib.suppress(OSError):
        if os.fstat(descriptor).st_uid == os.getuid():
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
    os.close(descriptor)
    return None
