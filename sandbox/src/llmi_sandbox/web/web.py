"""`Web`: what the networked tools share. One loop, one set of connections, one rate per host.

```python
web = Web()
answer = await web.request("GET", "https://api.openverse.org/v1/images/", params={"q": "red fox"})
answer.json()["results"]
```
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeVar

from llmi_sandbox.errors import ProviderError
from llmi_sandbox.web.limits import USER_AGENT, Download, DownloadLimits
from llmi_sandbox.web.loop import NetworkLoop
from llmi_schema import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Coroutine

    import httpx2

    from llmi_sandbox.web.address import Resolve
    from llmi_sandbox.web.download import Downloader

T = TypeVar("T")

LARGEST_ANSWER = 64 * 2**20
"""Bytes of an answer from a configured server: four pictures of 2048 pixels as base64."""

CONNECT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a configured server said."""

    status: int
    body: bytes
    url: str

    def json(self) -> Any:
        """The body as JSON. Raises `ProviderError` when it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            start = self.body[:80].decode(errors="replace")
            raise ProviderError(f"{self.url} answered with what is no JSON: {start!r}", transient=True) from None


class Web:
    """Requests and downloads, from any event loop or thread.

    Args:
        rates: seconds between two requests to a host, besides those of `web.rate.POLITE`.
        trusted: hosts whose links may lead to private addresses: picture stores in one's own network.
        limits: of one download.
        look_up: finds a name's addresses; by default the system does.
    """

    def __init__(
        self,
        *,
        rates: Mapping[str, float] | None = None,
        trusted: frozenset[str] = frozenset(),
        limits: DownloadLimits | None = None,
        look_up: Resolve | None = None,
    ) -> None:
        self._loop = NetworkLoop()
        self._rates = dict(rates or {})
        self._trusted = trusted
        self._limits = limits or DownloadLimits()
        self._look_up = look_up
        self._open: _Connections | None = None

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a tool's whole work in the network's own loop, so that its steps need no hops."""
        return await self._loop.run(work)

    async def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        content: Any = None,
        data: Mapping[str, Any] | None = None,
        files: Any = None,
        seconds: float = 300.0,
    ) -> Answer:
        """Ask a server that a person configured. Redirects are not followed.

        Args:
            content: a value that is sent as JSON; or `data` and `files`, sent as a form.
            seconds: until the answer must be there.

        Raises:
            ProviderError: for every answer that is no success, and for none; `transient` when it may pass.
        """
        return await self._loop.run(self._request(method, url, params, headers, content, data, files, seconds))

    async def download(self, link: str, *, trusted: frozenset[str] = frozenset()) -> Download:
        """Fetch a picture's bytes from a stranger. Raises `ProviderError`."""
        return await self._loop.run(self._download(link, trusted))

    async def decode(self, work: Callable[[], T]) -> T:
        """Run blocking work beside the loop, on threads that do nothing else: decoding never crowds out the rest."""
        return await asyncio.get_running_loop().run_in_executor(self._connections.threads, work)

    def close(self) -> None:
        """End all connections. Later requests raise ConfigurationError."""
        self._loop.close(self._aclose())

    async def _aclose(self) -> None:
        if self._open is not None:
            await self._open.aclose()

    @property
    def _connections(self) -> _Connections:
        """Those of this process: a fork must not speak over its parent's."""
        if self._open is None or self._open.process != os.getpid():
            self._open = _Connections(self._rates)
        return self._open

    async def _download(self, link: str, trusted: frozenset[str]) -> Download:
        from llmi_sandbox.web.address import resolve
        from llmi_sandbox.web.download import Downloader

        hosts = self._trusted | trusted
        connections = self._connections
        if hosts not in connections.downloaders:
            look_up = self._look_up or resolve
            connections.downloaders[hosts] = Downloader(
                self._limits, connections.rates, hosts, look_up, connections.certificates
            )
        return await connections.downloaders[hosts].fetch(link)

    async def _request(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None,
        content: Any,
        data: Mapping[str, Any] | None,
        files: Any,
        seconds: float,
    ) -> Answer:
        import httpx2

        try:
            target = httpx2.URL(url)
            await self._connections.rates.turn(target.host)
            async with asyncio.timeout(seconds):
                sending = self._connections.client.stream(
                    method, target, params=params, headers=headers, json=content, data=data, files=files
                )
                async with sending as response:
                    body = await _read(response)
        except httpx2.InvalidURL as error:
            raise ConfigurationError(f"{url} is no address: {error}") from None
        except (TimeoutError, httpx2.TimeoutException):
            message = f"{_origin(url)} did not answer in time"
            raise ProviderError(message, reason="timeout", transient=True, down=True) from None
        except httpx2.UnsupportedProtocol as error:
            raise ConfigurationError(f"{url} cannot be asked: {error}") from None
        except httpx2.HTTPError as error:
            detail = str(error) or type(error).__name__
            raise ProviderError(f"{_origin(url)} cannot be reached: {detail}", transient=True, down=True) from None
        if response.status_code >= 300:
            raise refusal(_origin(url), response.status_code, body, response.headers.get("Retry-After"))
        return Answer(response.status_code, body, _origin(url))


class _Connections:
    """What is open in one process; made and used in the network's loop."""

    def __init__(self, rates: Mapping[str, float]) -> None:
        import httpx2

        from llmi_sandbox.web.rate import POLITE, Rates

        self.process = os.getpid()
        self.rates = Rates({**POLITE, **rates})
        self.downloaders: dict[frozenset[str], Downloader] = {}
        self.threads = ThreadPoolExecutor(min(8, os.cpu_count() or 2), thread_name_prefix="llmi-sandbox-decode")
        self.certificates = httpx2.create_ssl_context()  # reading them takes longer than all the rest
        self.client = httpx2.AsyncClient(
            verify=self.certificates,
            follow_redirects=False,
            timeout=httpx2.Timeout(None, connect=CONNECT_SECONDS),
            limits=httpx2.Limits(max_connections=256, max_keepalive_connections=32, keepalive_expiry=30),
            headers={"User-Agent": USER_AGENT},
        )

    async def aclose(self) -> None:
        await self.client.aclose()
        for downloader in self.downloaders.values():
            await downloader.aclose()
        self.threads.shutdown(wait=False, cancel_futures=True)


async def _read(response: httpx2.Response) -> bytes:
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > LARGEST_ANSWER:
            raise ProviderError(f"the answer has more than {LARGEST_ANSWER:,} bytes")
    return bytes(body)


def refusal(who: str, status: int, body: bytes, retry_after: str | None) -> ProviderError:
    """What an answer's status means for the call."""
    said = _said(body)
    words = f"{who} answered {status}" + (f": {said}" if said else "")
    if status == 429 or status in (408, 425):
        return ProviderError(words, transient=True, retry_after=_seconds(retry_after))
    if status >= 500:
        again = _seconds(retry_after)
        return ProviderError(words, transient=status != 501, retry_after=again, down=status > 501 and again is None)
    if status in (401, 402, 403, 404, 405) or status < 400:
        return ProviderError(f"{words} (check its address and key)")
    if any(word in said.lower() for word in ("sensitive", "moderation", "policy", "safety")):
        return ProviderError(words, reason="refused")
    return ProviderError(words, reason="crashed")


def _said(body: bytes) -> str:
    """The server's own words, from the usual shapes of an error."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    for key in ("error", "detail"):
        if isinstance(value, dict) and key in value:
            value = value[key]
    if isinstance(value, dict) and "message" in value:
        value = f"{value['message']} {value.get('code') or ''}"
    return " ".join(str(value).split())[:300]


def _seconds(retry_after: str | None) -> float | None:
    """`Retry-After`: seconds, or a date."""
    if not retry_after:
        return None
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        from datetime import UTC, datetime

        return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _origin(url: str) -> str:
    """The address without its query, which may hold a key."""
    return url.partition("?")[0]
