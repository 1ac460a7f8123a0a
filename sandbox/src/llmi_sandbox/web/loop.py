"""`NetworkLoop`: an event loop in a thread of its own, where all connections live.

Connections belong to the loop that opened them, and tools are called from several loops, some of which end after
one document. With a loop of their own connections stay open between calls, and one `close` ends them all.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from llmi_schema import ConfigurationError

T = TypeVar("T")

STOPPING = 10.0
CLOSED = "the connection to the network was closed"


class NetworkLoop:
    """Starts with the first call, in each process anew; `close` ends it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._process = 0
        self._closed = False

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run it there and wait for it here; cancelling here cancels it there."""
        loop = self._running(work)
        if asyncio.get_running_loop() is loop:
            return await work
        future: Future[T] = asyncio.run_coroutine_threadsafe(work, loop)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            future.cancel()
            task = asyncio.current_task()
            if self._closed and not (task is not None and task.cancelling()):
                raise ConfigurationError(CLOSED) from None  # cancelled by `close`, not by the caller
            raise

    def close(self, last: Coroutine[Any, Any, None]) -> None:
        """Cancel what still runs, run `last`, and end the thread."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._closed = True
            self._loop = self._thread = None
        if loop is None or thread is None or self._process != os.getpid() or thread is threading.current_thread():
            last.close()
            return
        asyncio.run_coroutine_threadsafe(_stop(last), loop)
        thread.join(timeout=STOPPING)  # a name being looked up cannot be interrupted; it ends with the process

    def _running(self, work: Coroutine[Any, Any, Any]) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._closed:
                work.close()
                raise ConfigurationError(CLOSED)
            if self._loop is None or self._process != os.getpid():  # threads do not survive a fork
                started: Future[asyncio.AbstractEventLoop] = Future()
                self._thread = threading.Thread(target=_run, args=(started,), name="llmi-sandbox-network", daemon=True)
                self._thread.start()
                self._loop = started.result()
                self._process = os.getpid()
            return self._loop


def _run(started: Future[asyncio.AbstractEventLoop]) -> None:
    with asyncio.Runner() as runner:
        started.set_result(runner.get_loop())
        runner.get_loop().run_forever()


async def _stop(last: Coroutine[Any, Any, None]) -> None:
    loop = asyncio.get_running_loop()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    try:
        await last
    finally:
        loop.call_soon(loop.stop)
