"""`Ledger`: which steps of a run are finished, from what, and what came out: so that a run goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from llmi_data.jsonl import write_lines


class Entry(BaseModel):
    """A finished step: the digest of all it depends on, the digests of its files, and its report."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    files: dict[str, str]
    report: dict[str, Any]


class Ledger:
    """A JSON file in the run's folder. A step is done while its key and every file it wrote are unchanged.

    A file that is no ledger counts as an empty one: the steps are then run again, from the journals.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entries: dict[str, Entry] = {}
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
            self.entries = {name: Entry.model_validate(entry) for name, entry in value.items()}
        except (OSError, ValueError, AttributeError, ValidationError):
            pass

    def done(self, step: str, key: str) -> Entry | None:
        """The entry of a step that need not run again."""
        entry = self.entries.get(step)
        if entry is None or entry.key != key:
            return None
        folder = self.path.parent
        unchanged = all(digest_of(folder / name) == digest for name, digest in entry.files.items())
        return entry if unchanged else None

    def record(self, step: str, key: str, files: Sequence[Path], report: Mapping[str, Any]) -> None:
        """Note that a step is finished."""
        folder = self.path.parent
        digests = {str(path.relative_to(folder)): digest_of(path) or "" for path in files}
        self.entries[step] = Entry(key=key, files=digests, report=dict(report))
        self._write()

    def forget(self, step: str) -> None:
        """A step is about to run."""
        if self.entries.pop(step, None) is not None:
            self._write()

    def _write(self) -> None:
        value = {name: entry.model_dump() for name, entry in self.entries.items()}
        write_lines(self.path, [json.dumps(value, indent=1, ensure_ascii=False)])


def digest_of(path: Path) -> str | None:
    """SHA-256 of a file, or of a folder's files and their names; None where there is nothing."""
    if path.is_dir():
        inner = {str(p.relative_to(path)): digest_of(p) for p in sorted(path.rglob("*")) if p.is_file()}
        return key_of(inner)
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def key_of(value: Any) -> str:
    """A digest of any JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
