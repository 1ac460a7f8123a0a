"""Single flight: equal requests at the same time are one request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Flights(Generic[T]):
    """Runs a piece of work once for all who ask for it while it runs.

    Who asks is not tied to who asked first: the work is cancelled when the last one waiting is cancelled.
    """

    def __init__(self) -> None:
        self._running: dict[Hashable, tuple[asyncio.Task[T], list[int]]] = {}

    async def join(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        flight = self._running.get(key)
        if flight is None:
            flight = (asyncio.ensure_future(_run(work)), [0])
            self._running[key] = flight
            flight[0].add_done_callback(lambda task: self._land(key, task))
        task, waiting = flight
        waiting[0] += 1
        try:
            return await asyncio.shield(task)
        finally:
            waiting[0] -= 1
            if not waiting[0] and not task.done():
                self._running.pop(key, None)  # who comes now starts anew
                task.cancel()
                await asyncio.wait([task])  # what was under way is over when the caller hears of it

    def _land(self, key: Hashable, task: asyncio.Task[T]) -> None:
        found = self._running.get(key)
        if found is not None and found[0] is task:
            del self._running[key]
        if not task.cancelled():
            task.exception()  # seen, even if nobody waits any more

    async def cancel_all(self) -> None:
        tasks = [task for task, _ in self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _run(work: Callable[[], Awaitable[T]]) -> T:
    return await work()
