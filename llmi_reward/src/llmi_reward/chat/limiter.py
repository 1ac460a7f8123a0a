"""How many requests may be in flight: bounded, and fewer while the server turns requests away."""

from __future__ import annotations

import asyncio
from heapq import heappop, heappush
from math import inf
from types import TracebackType

_GROWTH = 1 / 16
"""Places gained per answer. A server that rejects fewer than one request in 17 whatever the load (0.94 / 16 gained
for 0.06 lost) keeps its full concurrency; one that rejects what is above its capacity meets that capacity."""

_LEFT_ALONE = 0.5
"""The share of a round turned away from which on Retry-After holds for everybody."""


class Limiter:
    """Places for requests.

    A rejected request takes its place with it: over one round trip the limit falls by as many as were turned away,
    which is what was too much, and by at most half. Every answer brings back a sixteenth of a place. Where half of a
    round is turned away with a Retry-After, nothing is sent until that time has passed.

    The one who came first goes first, also when it comes back for a retry.

    Args:
        most: places at the start, and at most.
        longest: seconds that nothing is sent for, at most, whatever a server says.
    """

    def __init__(self, most: int, longest: float = inf) -> None:
        self.most = most
        self.longest = longest
        self.limit = float(most)
        self.in_flight = 0
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._entered = 0
        self._started = 0
        self._round_began = 0
        self._round_floor = most / 2
        self._closed_until = 0.0
        self._opening: asyncio.TimerHandle | None = None

    def ticket(self) -> int:
        """A place in the queue, kept over retries."""
        self._entered += 1
        return self._entered

    async def enter(self, ticket: int) -> Place:
        """Wait for one's turn. Every place taken must be left again (`async with` does)."""
        if not self._waiting and self._open():
            self.in_flight += 1
        else:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            heappush(self._waiting, (ticket, id(turn), turn))
            self._arrange_opening()
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():  # called up and cancelled in the same moment
                    self._leave()
                raise
        self._started += 1
        return Place(self, self._started)

    def _open(self) -> bool:
        if self._closed_until and asyncio.get_running_loop().time() < self._closed_until:
            return False
        self._closed_until = 0.0
        return self.in_flight < max(1, int(self.limit))

    def _leave(self) -> None:
        self.in_flight -= 1
        self._call_up()

    def _call_up(self) -> None:
        while self._waiting and self._open():
            _, _, turn = heappop(self._waiting)
            if not turn.done():
                self.in_flight += 1
                turn.set_result(None)
        self._arrange_opening()

    def _arrange_opening(self) -> None:
        if self._waiting and self._closed_until and self._opening is None:
            self._opening = asyncio.get_running_loop().call_at(self._closed_until, self._reopen)

    def _reopen(self) -> None:
        self._opening = None
        self._call_up()

    def _answered(self) -> None:
        self.limit = min(float(self.most), self.limit + _GROWTH)

    def _rejected(self, start: int, retry_after: float | None) -> None:
        if start > self._round_began:  # sent after the last round began: a new one
            self._round_began = self._started
            self._round_floor = max(1.0, self.limit * (1 - _LEFT_ALONE))
        self.limit = max(self._round_floor, self.limit - 1)
        if retry_after and self.limit <= self._round_floor:
            until = asyncio.get_running_loop().time() + min(retry_after, self.longest)
            self._closed_until = max(self._closed_until, until)

    def close(self) -> None:
        if self._opening is not None:
            self._opening.cancel()


class Place:
    """A request's place. Say what came of it before it is left."""

    __slots__ = ("_limiter", "_start")

    def __init__(self, limiter: Limiter, start: int) -> None:
        self._limiter, self._start = limiter, start

    def answered(self) -> None:
        self._limiter._answered()

    def rejected(self, retry_after: float | None) -> None:
        """The server said it is too much (429)."""
        self._limiter._rejected(self._start, retry_after)

    async def __aenter__(self) -> Place:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._limiter._leave()
