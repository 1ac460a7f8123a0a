"""How often a host is asked: one request per so many seconds, first come first served."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from llmi_sandbox.errors import ProviderError

POLITE: Mapping[str, float] = {"api.openverse.org": 1.0, "commons.wikimedia.org": 0.2, "upload.wikimedia.org": 0.1}
"""Seconds between two requests to hosts that answer for nothing and ask for restraint."""

PATIENCE = 20.0


class Rates:
    """Spaces the requests to each host. Used in one event loop.

    Args:
        seconds: between two requests, by host; hosts not named are not held back.
    """

    def __init__(self, seconds: Mapping[str, float]) -> None:
        self._seconds = seconds
        self._next: dict[str, float] = {}

    async def turn(self, host: str) -> None:
        """Wait for one's turn. Raises `ProviderError` at once when it would come too late to be of use."""
        spacing = self._seconds.get(host)
        if not spacing:
            return
        now = asyncio.get_running_loop().time()
        mine = max(now, self._next.get(host, 0.0))
        if mine - now > PATIENCE:
            raise ProviderError(f"{host} is asked once every {spacing:g} seconds, and many are waiting", transient=True)
        self._next[host] = mine + spacing
        await asyncio.sleep(mine - now)
