"""Waiting that is bound to no event loop: one gate serves callers in several loops and threads.

asyncio's own semaphores and futures belong to the loop that first waits on them. A toolkit is used from a trainer's
background loop, from repeated `asyncio.run` and from worker threads, so it waits on these instead.

A loop may also be left for good with calls still in it (a notebook cell interrupted, a thread that ended). What such
a loop holds is taken back: see `Gate`.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from types import TracebackType

PATIENCE = 5.0
"""Seconds after which one who waits looks whether the place it waits for is held by a loop that is gone."""


class Waiter:
    """One coroutine waiting in its own loop; any thread may wake it."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._future: asyncio.Future[None] = self.loop.create_future()

    async def wait(self, patience: float | None = None) -> None:
        """Until somebody wakes it, or `patience` seconds have passed."""
        if patience is None:
            await self._future
            return
        timer = self.loop.call_later(patience, self._set)
        try:
            await self._future
        finally:
            timer.cancel()

    def wake(self) -> bool:
        """Let it go on. False when its loop is gone and nobody is waiting any more."""
        if _running_loop() is self.loop:  # the usual case, at a tenth of the price
            self._set()
            return True
        try:
            self.loop.call_soon_threadsafe(self._set)
        except RuntimeError:  # the loop is closed
            return False
        return True

    def again(self) -> None:
        """Make it wait once more."""
        self._future = self.loop.create_future()

    def _set(self) -> None:
        if not self._future.done():
            self._future.set_result(None)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


class Gate:
    """At most `limit` callers inside at a time, first come first served.

    ```python
    async with gate.place():
        ...
    ```

    A place whose event loop is closed is taken back by those who have waited for some seconds, and so is one that was
    handed to a caller whose loop stopped before it could take it; that caller waits on, should its loop run again.
    """

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._lock = threading.Lock()
        self._waiting: deque[Place] = deque()
        self._held: set[Place] = set()

    def place(self) -> Place:
        """A place to be entered once, with `async with`."""
        return Place(self)

    def admit(self, place: Place) -> bool:
        """Give it a place now, or put it last in the queue."""
        with self._lock:
            self._waiting.append(place)
            self._hand_out(place)
            return place in self._held

    def take(self, place: Place) -> bool:
        """Whether the place is its own by now."""
        with self._lock:
            if place not in self._held:
                self._take_back()
                self._hand_out(place)
            if place in self._held:
                place.taken = True
                return True
            place.waiter.again()
            return False

    def leave(self, place: Place) -> None:
        """Give back what it holds, or its turn in the queue; nothing when that was taken from it."""
        with self._lock:
            if place in self._held:
                self._held.remove(place)
                self._free += 1
                self._hand_out()
            elif place in self._waiting:
                self._waiting.remove(place)

    def _hand_out(self, asking: Place | None = None) -> None:
        """Free places to those who wait, in order; those whose loop does not run now keep their turn."""
        if not self._free:
            return
        asleep: list[Place] = []
        while self._free and self._waiting:
            place = self._waiting.popleft()
            if place.waiter.loop.is_closed():
                continue
            if not place.waiter.loop.is_running():
                asleep.append(place)
                continue
            self._free -= 1
            self._held.add(place)
            if place is not asking:
                place.waiter.wake()
        self._waiting.extendleft(reversed(asleep))

    def _take_back(self) -> None:
        for place in [p for p in self._held if p.lost]:
            self._held.remove(place)
            self._free += 1
            if not place.waiter.loop.is_closed():
                self._waiting.appendleft(place)


class Place:
    """One caller's place in a gate."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self.taken = False

    @property
    def lost(self) -> bool:
        """Whether nobody is there to use it or to give it back."""
        loop = self.waiter.loop
        return loop.is_closed() or not (self.taken or loop.is_running())

    async def __aenter__(self) -> None:
        self.waiter = Waiter()
        if self._gate.admit(self):
            self.taken = True
            return
        try:
            while True:
                await self.waiter.wait(PATIENCE)
                if self._gate.take(self):
                    return
        except BaseException:  # cancelled, or thrown away together with its loop: either way nobody will leave later
            self._gate.leave(self)
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._gate.leave(self)
