"""Files that are there whole or not at all, and what to do about one that could not be written."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from llmi_schema.errors import ConfigurationError, LLMIError

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def whole(path: str | Path, error: type[LLMIError] = ConfigurationError) -> Iterator[Path]:
    """A file beside `path` to write to. It takes that place at the end of the block, or goes: the old file stays.

    What is no file, such as /dev/stdout, is written to as it is, and a link stays one. Raises `error`, which says what
    to do, where the block raises `OSError`.
    """
    path = Path(path)
    special = path.exists() and not path.is_file()
    target = path if special else path.resolve()
    unfinished = target if special else target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        try:
            yield unfinished
            if not special:
                unfinished.replace(target)
        finally:
            if not special:
                unfinished.unlink(missing_ok=True)
    except OSError as problem:
        raise error(cannot_write(path, problem)) from problem


def write_whole(path: str | Path, content: str | bytes) -> None:
    """Write the file, text as UTF-8. Raises `ConfigurationError` as `whole`."""
    with whole(path) as unfinished:
        unfinished.write_bytes(content.encode() if isinstance(content, str) else content)


def cannot_write(path: str | Path, error: OSError) -> str:
    """The sentence about a file or folder that could not be written, and what to do."""
    return f"{path}: cannot write here ({error.strerror or error}); {_remedy(error)}"


def _remedy(error: OSError) -> str:
    if error.errno in _NO_ROOM:
        return "free some space on that disk and run it again: what was paid for and written before is kept"
    return "choose another place"


def in_words(error: OSError) -> str:
    """An error of the system as a sentence: the file it is about, and for a full disk what to do."""
    where = f"{error.filename}: " if error.filename else ""
    what = error.strerror or str(error)
    return f"{where}{what}; {_remedy(error)}" if error.errno in _NO_ROOM else f"{where}{what}"
