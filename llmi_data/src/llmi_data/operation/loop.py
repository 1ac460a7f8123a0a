"""Async work from where there is no loop, and from a notebook, where there is one."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def run_here(work: Coroutine[Any, Any, T]) -> T:
    """The work's result."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    # A loop cannot be run inside a running one, but another thread may have its own.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()
