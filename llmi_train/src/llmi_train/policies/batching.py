"""Requests that come one by one, worked on in batches by a thread that lives as long as there is work."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")

GATHER_SECONDS = 0.005
"""How long the first of several waits for the others, where nothing is under way."""


class Batches(Generic[T]):
    """Collects items and hands them over in lists of at most `size`, those of one list alike in `key`.

    One list is worked on at a time, in one thread; what arrives meanwhile makes up the next ones, first come first
    served. `work` must not raise.
    """

    def __init__(self, work: Callable[[list[T]], None], size: int, key: Callable[[T], Hashable]) -> None:
        self._work, self._size, self._key = work, size, key
        self._lock = threading.Lock()
        self._waiting: list[T] = []
        self._thread: threading.Thread | None = None

    def add(self, item: T) -> None:
        with self._lock:
            self._waiting.append(item)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="llmi-train-writing", daemon=True)
                self._thread.start()

    def join(self) -> None:
        """Wait until nothing is worked on."""
        thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        time.sleep(GATHER_SECONDS)
        while batch := self._next():
            self._work(batch)

    def _next(self) -> list[T]:
        with self._lock:
            if not self._waiting:
                self._thread = None
                return []
            kind = self._key(self._waiting[0])
            batch = [item for item in self._waiting if self._key(item) == kind][: self._size]
            self._waiting = _without(self._waiting, batch)
            return batch


def _without(items: Sequence[T], taken: Sequence[T]) -> list[T]:
    gone = {id(item) for item in taken}
    return [item for item in items if id(item) not in gone]
