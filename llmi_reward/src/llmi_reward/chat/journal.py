"""`Journal`: every answer that was paid for, on disk before anyone sees it, so that nothing is paid for twice."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from queue import SimpleQueue

from llmi_reward.chat.model import Answer, Usage
from llmi_schema import ConfigurationError

_TABLE = """
CREATE TABLE IF NOT EXISTS answers (
    key BLOB PRIMARY KEY,
    answer TEXT NOT NULL,
    model TEXT NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    at TEXT NOT NULL DEFAULT (datetime('now'))
) WITHOUT ROWID
"""
_INSERT = "INSERT OR IGNORE INTO answers (key, answer, model, prompt_tokens, completion_tokens) VALUES (?, ?, ?, ?, ?)"
_LOCK_SECONDS = 60.0
_LARGEST_COMMIT = 256
_LEAST_ROOM = 4_000_000
"""Bytes: what some sixty answers on their way take in the file, several times over."""


@dataclass(frozen=True, slots=True)
class _Entry:
    key: bytes
    answer: Answer
    written: asyncio.Future[None]


class Journal:
    """Answers in an SQLite file (WAL), by the digest of the request. Processes may share the file.

    A thread of its own writes; answers that come in while it commits go into its next commit together.

    Raises `ConfigurationError` when the file cannot be opened or is no journal.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._lock = threading.Lock()
        self._reader = self._open()
        self._queue: SimpleQueue[_Entry | None] = SimpleQueue()
        self._writer: threading.Thread | None = None
        self._closed = False

    def find(self, key: bytes) -> Answer | None:
        """The answer under a key, marked as replayed. One indexed read: some ten microseconds."""
        with self._lock:
            row = self._reader.execute("SELECT answer FROM answers WHERE key = ?", (key,)).fetchone()
        return replace(_from_json(row[0]), replayed=True) if row else None

    async def add(self, key: bytes, answer: Answer) -> None:
        """Returns when the answer is on disk. Once called it will be written, even if the caller is cancelled."""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        with self._lock:
            if self._closed:
                raise ConfigurationError(f"the journal {self.path} is closed")
            if self._writer is None:
                connection = self._open()  # here, where a failure has somebody to be told to
                name = f"journal {self.path.name}"
                self._writer = threading.Thread(target=self._write, args=(connection,), name=name, daemon=True)
                self._writer.start()
            self._queue.put(_Entry(key, answer, written))
        await written

    def require_room(self) -> None:
        """To be called before an answer is paid for. Raises `ConfigurationError` when its disk is all but full."""
        free = shutil.disk_usage(self.path.parent).free
        if free < _LEAST_ROOM:
            raise ConfigurationError(
                f"{self.path}: {free / 1e6:.1f} MB are left on its disk, too few to keep another answer: free some "
                f"space there ({_LEAST_ROOM / 1e6:.0f} MB at least) and run it again; every answer so far is kept"
            )

    def usage(self) -> Usage:
        """All tokens the answers in it took: what a budget starts from when a run goes on."""
        query = "SELECT total(prompt_tokens), total(completion_tokens) FROM answers"
        with self._lock:
            prompt, completion = self._reader.execute(query).fetchone()
        return Usage(int(prompt), int(completion))

    def __len__(self) -> int:
        with self._lock:
            return int(self._reader.execute("SELECT count(*) FROM answers").fetchone()[0])

    def close(self) -> None:
        """Write what is waiting, then close. Blocks for as long as that takes."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._queue.put(None)
        if self._writer is not None:
            self._writer.join()
        self._reader.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self) -> sqlite3.Connection:
        connection = None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self.path, timeout=_LOCK_SECONDS, check_same_thread=False)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(_TABLE)
            connection.execute("SELECT key, answer, model, prompt_tokens, completion_tokens FROM answers LIMIT 0")
        except (OSError, sqlite3.Error) as error:
            if connection is not None:
                connection.close()
            raise ConfigurationError(
                f"{self.path} cannot be used as a journal of answers ({error}): free some space if its disk is full, "
                "else choose another file"
            ) from error
        return connection

    def _write(self, connection: sqlite3.Connection) -> None:
        try:
            while entries := self._next_entries():
                error = self._commit(connection, entries)
                for entry in entries:
                    loop = entry.written.get_loop()
                    if not loop.is_closed():
                        loop.call_soon_threadsafe(_settle, entry.written, error)
        finally:
            connection.close()

    def _next_entries(self) -> list[_Entry]:
        """What is waiting, at least one; empty once the journal is closed."""
        entries: list[_Entry] = []
        while len(entries) < _LARGEST_COMMIT and not (entries and self._queue.empty()):
            entry = self._queue.get()
            if entry is None:
                self._queue.put(None)  # found again once these entries are written
                break
            entries.append(entry)
        return entries

    def _commit(self, connection: sqlite3.Connection, entries: Sequence[_Entry]) -> Exception | None:
        rows = [
            (e.key, _to_json(e.answer), e.answer.model, e.answer.usage.prompt_tokens, e.answer.usage.completion_tokens)
            for e in entries
        ]
        try:
            with connection:
                connection.executemany(_INSERT, rows)
        except (sqlite3.Error, ValueError, OverflowError) as error:  # the last two for what SQLite cannot hold
            return ConfigurationError(
                f"{self.path}: this journal does not take answers any more ({error}): free some space on its disk and "
                "run it again; what it holds is kept"
            )
        return None


def _settle(written: asyncio.Future[None], error: Exception | None) -> None:
    if written.done():
        return
    if error is None:
        written.set_result(None)
    else:
        written.set_exception(error)


def _to_json(answer: Answer) -> str:
    return json.dumps(asdict(answer))


def _from_json(text: str) -> Answer:
    fields = json.loads(text)
    return Answer(**{**fields, "usage": Usage(**fields["usage"])})
