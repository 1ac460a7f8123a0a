"""Several image servers as one: each request goes to the healthy server with the least to do.

A server that cannot be reached is left alone for a while and then asked whether it is well before it gets work again;
meanwhile, and for the request that met the fault, another one is used. Where there is no other it is asked at once. All
of this runs in the network's loop.
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

_SIGNS = (("/v1/models", "data", "vllm"), ("/info", "mode", "published"), ("/models", "model_path", "sglang"))
"""By what a server is recognised: a path, a key of its answer, the dialect."""

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
        """The well server with the least to do; where none is well, the first that says it is after all."""
        left = [member for member in self._members if id(member) not in tried]
        well = [member for member in left if member.rests_until == 0]
        if not well:
            for member in sorted(left, key=lambda m: m.rests_until):
                if await self._is_well(member):
                    return member
                tried.add(id(member))
            return None
        now = asyncio.get_running_loop().time()
        for member in left:
            if 0 < member.rests_until <= now:  # asked beside the work, which the others do meanwhile
                member.rests_until = now + self._rest
                member.asking = asyncio.create_task(self._is_well(member))
        return min(well, key=lambda m: (m.busy, m.served))

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
        for path, sign, dialect in _SIGNS:
            try:
                answer = await self._web.request(
                    "GET", member.base + path, headers=_headers(member), seconds=HEALTH_SECONDS
                )
            except ProviderError as error:
                if error.transient:
                    raise
                continue
            said: Any = answer.json()
            if isinstance(said, dict) and sign in said:
                return DIALECTS[dialect]
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
    asking: asyncio.Task[bool] | None = None


def _headers(member: _Member) -> dict[str, str]:
    return {"Authorization": f"Bearer {member.server.key}"} if member.server.key else {}
