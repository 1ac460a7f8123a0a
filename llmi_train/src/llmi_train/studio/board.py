"""`Board`: what a page shows of one session, as messages under keys; a later message takes the place of an earlier."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

Message = dict[str, Any]


class Board:
    """Any number of readers see every key's newest message, in the order in which the keys first came.

    A reader that is slow misses messages that were replaced meanwhile, and nothing else, so that what is kept for it is
    never more than one message per key.
    """

    def __init__(self) -> None:
        self._messages: dict[str, tuple[int, Message]] = {}
        self._version = 0
        self._news = asyncio.Event()
        self.closed = False

    def put(self, key: str, message: Message) -> None:
        self._version += 1
        self._messages[key] = (self._version, message)
        self._wake()

    def close(self) -> None:
        """No more messages come; readers end once they have read all."""
        self.closed = True
        self._wake()

    async def read(self) -> AsyncGenerator[Message]:
        """The messages there are, then those that come."""
        seen = 0
        while True:
            news = self._news
            fresh = [(version, message) for version, message in self._messages.values() if version > seen]
            seen = max([seen, *(version for version, _ in fresh)])
            for _, message in fresh:
                yield message
            if self._news is news:
                if self.closed:
                    return
                await news.wait()

    def _wake(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()
