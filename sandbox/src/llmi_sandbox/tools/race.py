"""Trying several things at once and keeping the best that works, without waiting for what does not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from llmi_sandbox.errors import ProviderError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Lost(Generic[T]):
    """What became of each attempt when none succeeded, in the order they ended."""

    errors: tuple[ProviderError, ...]


async def race(attempts: Sequence[Callable[[], Awaitable[T]]], *, abreast: int, grace: float) -> T | Lost[T]:
    """The result of the first attempt in order that succeeds, give or take `grace`.

    Args:
        attempts: best first. Each raises `ProviderError` when it fails; anything else comes out at once.
        abreast: how many run at a time; when one fails the next begins.
        grace: seconds that better ones still running get once one has succeeded. All others are cancelled.
    """
    errors: list[ProviderError] = []
    running: dict[asyncio.Task[T], int] = {}
    waiting = list(enumerate(attempts))[::-1]
    best: tuple[int, T] | None = None
    clock = asyncio.get_running_loop().time
    until = 0.0
    try:
        while True:
            while best is None and waiting and len(running) < abreast:
                rank, attempt = waiting.pop()
                running[asyncio.ensure_future(attempt())] = rank
            hopeful = [task for task, rank in running.items() if best is None or rank < best[0]]
            left = None if best is None else until - clock()
            if not hopeful or (left is not None and left <= 0):
                break
            done, _ = await asyncio.wait(hopeful, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                rank = running.pop(task)
                try:
                    result = task.result()
                except ProviderError as error:
                    errors.append(error)
                    continue
                if best is None:
                    until = clock() + grace
                if best is None or rank < best[0]:
                    best = rank, result
    finally:
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)
            for task in running:
                if not task.cancelled():
                    task.exception()  # seen: nobody needs it any more
    return Lost(tuple(errors)) if best is None else best[1]
