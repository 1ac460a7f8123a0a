"""Several image servers as one: each request goes to the healthy server with the least to do.

A server that cannot be reached is left alone for a while and then asked whether it is well before it gets work again;
meanwhile, and for the request that met the fault, another one is used. All of this runs in the network's loop.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

from llmi_sandbox.errors import ProviderError
from llmi_sandbox.tools.dialects import DIALECTS, Dialect, DialectName, Message, first_picture
from llmi_sandbox.web import Web
from llmi_schema import ConfigurationError

log = logging.getLogger(__name__)

REST_SECONDS = 15.0
HEALTH_SECONDS = 3.0

_ENDINGS = ("/v1/images/generations", "/v1/images/edits", "/api/v3/images/generations", "/generate", "/edit", "/api/v3")


@dataclass(frozen=True, slots=True)
class ImageServer:
    """Where pictures are made.

    Attributes:
        url: `http://host:port`; a longer one, as it stands in other programs' settings, is cut down to that.
        dialect: see `dialects.py`; `auto` asks the server.
        model: the name it is asked for; None for the one it serves.
        key: for `Authorization: Bearer`.
    """

    url: str
    dialect: DialectName = "auto"
    model: str | None = None
    key: str | None = field(default=None, repr=False)

    @property
    def base(self) -> str:
        """The address without path. Raises ConfigurationError when there is none."""
        url = self.url.strip().rstrip("/")
        for ending in (*_ENDINGS, "/v1"):
            url = url.removesuffix(ending)
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigurationError(f"{self.url!r} is no address of an image server: http://host:port is one")
        return url


class Servers:
    """Sends a request to the best of several servers.

    Args:
        seconds: for one request to one server.
        rest_seconds: how long a server that failed is left alone.
    """

    def __init__(
        self, web: Web, servers: Sequence[ImageServer], *, seconds: float, rest_seconds: float = REST_SECONDS
    ) -> None:
        if not servers:
            raise ConfigurationError("no image server is given")
        self._web = web
        self._seconds = seconds
        self._rest = rest_seconds
        self._members = [_Member(server, server.base) for server in servers]

    async def ask(self, write: Callable[[Dialect, ImageServer], Message]) -> tuple[bytes, str]:
        """A picture's bytes and the server's address. Runs in the network's loop.

        Raises `ProviderError`: the last server's, when none of them answers.
        """
        tried: set[int] = set()
        failure: ProviderError | None = None
        while (member := await self._pick(tried)) is not None:
            tried.add(id(member))
            member.busy += 1
            try:
                return await self._send(member, write)
            except ProviderError as error:
                failure = error
                if not error.transient:
                    raise
                if error.down:
                    member.failure = str(error)
                    member.rests_until = asyncio.get_running_loop().time() + self._rest
                    log.warning("%s is left alone for %g s: %s", member.base, self._rest, error)
            finally:
                member.busy -= 1
        if failure is None:
            said = "; ".join(dict.fromkeys(member.failure for member in self._members))
            raise ProviderError(f"no image server is well: {said}", transient=True)
        raise failure

    async def _pick(self, tried: set[int]) -> _Member | None:
        while left := [m for m in self._members if id(m) not in tried]:
            now = asyncio.get_running_loop().time()
            well = [m for m in left if m.rests_until == 0]
            due = [m for m in left if 0 < m.rests_until <= now]
            if due and not well:
                if await self._is_well(due[0]):
                    return due[0]
                tried.add(id(due[0]))
                continue
            if due:
                # others do the work meanwhile; the one in doubt is asked beside them
                due[0].rests_until = now + self._rest
                due[0].checking = asyncio.create_task(self._check(due[0]))
            if not well:
                return None
            return min(well, key=lambda m: (m.busy, m.served))
        return None

    async def _check(self, member: _Member) -> None:
        await self._is_well(member)

    async def _is_well(self, member: _Member) -> bool:
        path = None if member.dialect is None else member.dialect.health
        try:
            if path is not None:
                await self._web.request("GET", member.base + path, headers=_headers(member), seconds=HEALTH_SECONDS)
        except ProviderError as error:
            member.rests_until = asyncio.get_running_loop().time() + self._rest
            member.failure = str(error)
            log.warning("%s is still not well: %s", member.base, error)
            return False
        member.rests_until = 0
        return True

    async def _send(self, member: _Member, write: Callable[[Dialect, ImageServer], Message]) -> tuple[bytes, str]:
        member.served += 1
        dialect = member.dialect = member.dialect or await self._find_dialect(member)
        message = write(dialect, member.server)
        answer = await self._web.request(
            "POST",
            member.base + message.path,
            headers=_headers(member),
            content=message.json,
            data=message.data,
            files=message.files,
            seconds=self._seconds,
        )
        picture = first_picture(answer.json())
        if isinstance(picture, str):
            host = urlsplit(member.base).hostname or ""
            trusted = frozenset({host})  # the server itself may stand in a private network; other hosts may not
            picture = (await self._web.download(urljoin(member.base + "/", picture), trusted=trusted)).data
        return picture, member.base

    async def _find_dialect(self, member: _Member) -> Dialect:
        if member.server.dialect != "auto":
            return DIALECTS[member.server.dialect]
        try:
            await self._web.request("GET", f"{member.base}/v1/models", headers=_headers(member), seconds=HEALTH_SECONDS)
            return DIALECTS["vllm"]
        except ProviderError as error:
            if error.transient:
                raise
        info: Any = (await self._web.request("GET", f"{member.base}/info", seconds=HEALTH_SECONDS)).json()
        if isinstance(info, dict) and "mode" in info:
            return DIALECTS["published"]
        raise ProviderError(f"{member.base} speaks no dialect known here ({', '.join(DIALECTS)})")


@dataclass(slots=True, eq=False)
class _Member:
    server: ImageServer
    base: str
    busy: int = 0
    served: int = 0
    rests_until: float = 0.0
    failure: str = ""
    dialect: Dialect | None = None
    checking: asyncio.Task[None] | None = None


def _headers(member: _Member) -> dict[str, str]:
    return {"Authorization": f"Bearer {member.server.key}"} if member.server.key else {}
