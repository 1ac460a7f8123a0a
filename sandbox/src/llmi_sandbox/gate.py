"""Waiting that is bound to no event loop: one gate serves callers in several loops and threads.

asyncio's own semaphores and futures belong to the loop that first waits on them. A toolkit is used from a trainer's
background loop, from repeated `asyncio.run` and from worker threads, so it waits on these instead.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from types import TracebackType


class Waiter:
    """One coroutine waiting in its own loop; any thread may wake it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._future: asyncio.Future[None] = self._loop.create_future()

    async def wait(self) -> None:
        await self._future

    def wake(self) -> bool:
        """Let it go on. False when its loop is gone and nobody is waiting any more."""
        try:
            self._loop.call_soon_threadsafe(self._set)
        except RuntimeError:  # the loop is closed
            return False
        return True

    def _set(self) -> None:
        if not self._future.done():
            self._future.set_result(None)


class Gate:
    """At most `limit` callers inside at a time, first come first served.

    ```python
    async with gate:
        ...
    ```
    """

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._lock = threading.Lock()
        self._waiting: deque[Waiter] = deque()
        self._granted: set[Waiter] = set()

    async def __aenter__(self) -> None:
        with self._lock:
            if self._free > 0:
                self._free -= 1
                return
            waiter = Waiter()
            self._waiting.append(waiter)
        try:
            await waiter.wait()
        except asyncio.CancelledError:
            # the place may have been handed over just before the cancellation arrived
            if self._was_granted(waiter):
                self._hand_over()
            raise
        self._was_granted(waiter)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hand_over()

    def _was_granted(self, waiter: Waiter) -> bool:
        with self._lock:
            if waiter in self._granted:
                self._granted.remove(waiter)
                return True
            self._waiting.remove(waiter)
            return False

    def _hand_over(self) -> None:
        """Give the place to the next caller whose loop still runs, or put it back."""
        with self._lock:
            while self._waiting:
                waiter = self._waiting.popleft()
                if waiter.wake():
                    self._granted.add(waiter)
                    return
            self._free += 1
