"""`ResultCache`: equal calls are answered once, in memory and, if a folder is given, across runs.

The key covers the tool's identity, the call without its `description` (which no tool reads) and the content of the
pictures it works on. Only what would come out the same again is kept: pictures, and the reasons in
`LASTING_REASONS`. A timeout, a server that is down or a tool that broke is shared with the equal calls in flight, then
forgotten.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from pydantic import ValidationError

from llmi_sandbox.gate import PATIENCE, Waiter
from llmi_schema import FailureReason, Picture, ToolCall, ToolResult

LASTING_REASONS: frozenset[FailureReason] = frozenset({"bad_call", "crashed", "no_result", "blank", "refused"})
"""Failures that an equal call would meet again."""

DEFAULT_MEMORY = 256 * 2**20

_OVERHEAD = 512  # what a result without a picture weighs, in bytes, roughly

log = logging.getLogger(__name__)


def cache_key(identity: str, call: ToolCall, pictures: Sequence[Picture]) -> str:
    """The sha256 of all that an answer depends on."""
    content = {
        "tool": identity,
        "call": call.model_dump(mode="json", exclude={"description"}),
        "pictures": [picture.sha256 for picture in pictures],
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


class ResultCache:
    """Results by key, least recently used forgotten first; safe from several threads and event loops.

    Args:
        memory_bytes: how much to keep in memory. With 0 nothing is kept, and equal calls in flight still run once.
        folder: also keep every lasting result here, one file each; several processes may share it.
    """

    def __init__(self, *, memory_bytes: int = DEFAULT_MEMORY, folder: str | Path | None = None) -> None:
        self._limit = memory_bytes
        self._folder = Path(folder).expanduser() if folder is not None else None
        self._results: OrderedDict[str, ToolResult] = OrderedDict()
        self._held = 0
        self._flights: dict[str, _Flight] = {}
        self._lock = threading.Lock()

    async def get_or_run(
        self, key: str, run: Callable[[], Awaitable[ToolResult]], *, keep: Callable[[], bool] = lambda: True
    ) -> ToolResult:
        """The kept result of `key`, or what `run` answers; equal keys at the same time share one run.

        `keep` is asked after the run; with False the result is forgotten, even if it would last.

        A result that came from another call has `cached=True`. When the caller that runs is cancelled, one of those
        who wait for it runs instead.
        """
        while True:
            with self._lock:
                if result := self._recall(key):
                    return result.model_copy(update={"cached": True})
                flight = self._flights.get(key)
                if flight is None:
                    flight = self._flights[key] = _Flight()
                    break
                waiter = flight.join()
            await waiter.wait(PATIENCE)
            if flight.result is not None:
                return flight.result.model_copy(update={"cached": True})
            with self._lock:
                if flight.loop.is_closed() and self._flights.get(key) is flight:
                    del self._flights[key]  # its loop was left for good: nobody will land it
                    flight.land()
        try:
            if stored := await self._read(key):
                flight.result = stored.model_copy(update={"cached": True})
                flight.lasts = True
            else:
                flight.result = await run()
                flight.lasts = keep() and _lasts(flight.result)
                await self._write(key, flight)
            return flight.result
        finally:
            self._land(key, flight)

    def __len__(self) -> int:
        """How many results are held in memory."""
        return len(self._results)

    @property
    def held_bytes(self) -> int:
        """How much memory they take, roughly."""
        return self._held

    def _recall(self, key: str) -> ToolResult | None:
        result = self._results.get(key)
        if result is not None:
            self._results.move_to_end(key)
        return result

    def _land(self, key: str, flight: _Flight) -> None:
        with self._lock:
            if self._flights.get(key) is flight:
                del self._flights[key]
            if flight.result is not None and flight.lasts:
                self._results[key] = flight.result.model_copy(update={"cached": False})
                self._held += _weight(flight.result)
                while self._held > self._limit:
                    _, dropped = self._results.popitem(last=False)
                    self._held -= _weight(dropped)
            flight.land()

    async def _read(self, key: str) -> ToolResult | None:
        if self._folder is None:
            return None
        return await asyncio.to_thread(_read_file, self._path(self._folder, key))

    async def _write(self, key: str, flight: _Flight) -> None:
        if self._folder is not None and flight.result is not None and flight.lasts:
            await asyncio.to_thread(_write_file, self._path(self._folder, key), flight.result)

    @staticmethod
    def _path(folder: Path, key: str) -> Path:
        return folder / key[:2] / f"{key}.json"


class _Flight:
    """A call that is running, and those who wait for the same answer. The cache's lock guards it."""

    def __init__(self) -> None:
        self.result: ToolResult | None = None
        self.lasts = False
        self.loop = asyncio.get_running_loop()
        self._waiters: list[Waiter] = []

    def join(self) -> Waiter:
        waiter = Waiter()
        self._waiters.append(waiter)
        return waiter

    def land(self) -> None:
        for waiter in self._waiters:
            waiter.wake()


def _lasts(result: ToolResult) -> bool:
    return result.ok or result.reason in LASTING_REASONS


def _weight(result: ToolResult) -> int:
    return _OVERHEAD + (len(result.picture.png) if result.picture else len(result.message))


def _read_file(path: Path) -> ToolResult | None:
    try:
        return ToolResult.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        log.warning("the cached result %s cannot be read and is made again: %s", path, error)
        return None


def _write_file(path: Path, result: ToolResult) -> None:
    """Write beside and rename, so that a reader never sees half a file. A full disk costs the cache, not the call."""
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".part", delete=False) as file:
            temporary = Path(file.name)
            file.write(result.model_dump_json().encode())
        os.replace(temporary, path)
    except OSError as error:
        log.warning("the result cannot be kept at %s: %s", path, error)
        if temporary is not None:
            temporary.unlink(missing_ok=True)
