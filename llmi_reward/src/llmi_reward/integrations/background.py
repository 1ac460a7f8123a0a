"""One event loop in a thread of its own, for frameworks that call rewards as plain functions."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_lock = threading.Lock()
_loops: dict[int, asyncio.AbstractEventLoop] = {}


def run_blocking(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end from plain code, in any thread and beside any running loop.

    All calls of a process share one loop, so that clients, limits and caches that belong to a loop are shared too.
    An interrupt cancels the coroutine before it is passed on.
    """
    future = asyncio.run_coroutine_threadsafe(work, _loop())
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


def _loop() -> asyncio.AbstractEventLoop:
    with _lock:
        process = os.getpid()  # a fork has the loop but not its thread
        if process not in _loops:
            _loops.clear()
            _loops[process] = loop = asyncio.new_event_loop()
            threading.Thread(target=loop.run_forever, name="llmi-reward", daemon=True).start()
        return _loops[process]
