"""Fetching bytes from an address that came from the network: every step is bounded and checked.

Where it leads is checked before each connection, redirects included; how much comes is counted as it arrives. Cookies,
credentials and proxies play no part.
"""

from __future__ import annotations

import asyncio
import ssl

import httpx2

from llmi_sandbox.errors import ProviderError
from llmi_sandbox.web.address import PORTS, ForbiddenAddressError, Resolve, check_url, pin, well_formed
from llmi_sandbox.web.limits import USER_AGENT, Download, DownloadLimits
from llmi_sandbox.web.rate import Rates

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NO_PICTURES = ("text/", "application/json", "application/xml", "application/pdf", "image/svg", "video/", "audio/")


class Downloader:
    """Downloads within limits. Used in one event loop.

    Args:
        trusted: hosts that may be at private addresses and on any port.
        look_up: finds the addresses of a name.
        certificates: whom to believe.
    """

    def __init__(
        self,
        limits: DownloadLimits,
        rates: Rates,
        trusted: frozenset[str],
        look_up: Resolve,
        certificates: ssl.SSLContext,
    ) -> None:
        self._limits = limits
        self._rates = rates
        self._trusted = trusted
        self._look_up = look_up
        # connections are not kept: they are to addresses, and one address serves many names
        self._client = httpx2.AsyncClient(
            trust_env=False,
            verify=certificates,
            follow_redirects=False,
            timeout=limits.pause,
            limits=httpx2.Limits(max_connections=64, max_keepalive_connections=0),
            headers={"User-Agent": USER_AGENT, "Accept": "image/*", "Accept-Encoding": "identity"},
        )

    async def fetch(self, link: str) -> Download:
        """The bytes behind a link. Raises `ProviderError`, transient when the fault may pass."""
        try:
            async with asyncio.timeout(self._limits.seconds):
                return await self._follow(link)
        except (TimeoutError, httpx2.TimeoutException):
            raise ProviderError("the download took too long", reason="timeout", transient=True) from None
        except httpx2.HTTPError as error:
            raise ProviderError(f"the download broke off: {error or type(error).__name__}", transient=True) from None

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _follow(self, link: str) -> Download:
        seen: set[str] = set()
        for _ in range(self._limits.redirects + 1):
            url = check_url(link, self._trusted)
            if str(url) in seen:
                raise ProviderError("the link redirects in a circle", reason="no_result")
            seen.add(str(url))
            answer = await self._hop(url)
            if isinstance(answer, Download):
                return answer
            link = answer
        raise ProviderError(f"the link redirects more than {self._limits.redirects} times", reason="no_result")

    async def _hop(self, url: httpx2.URL) -> Download | str:
        """The bytes, or where they are said to be."""
        address = await pin(url, self._trusted, self._look_up)
        await self._rates.turn(url.host)
        request = self._client.build_request(
            "GET",
            url.copy_with(host=str(address), fragment=None),
            headers={"Host": _host_header(url)},
            extensions={"sni_hostname": url.raw_host.decode("ascii"), "timeout": self._client.timeout.as_dict()},
        )
        request.headers.pop("Cookie", None)
        response = await self._client.send(request, stream=True)
        try:
            if response.status_code in _REDIRECTS:
                return _target(url, response)
            _check_answer(url, response)
            return Download(await self._read(response), str(url))
        finally:
            await response.aclose()

    async def _read(self, response: httpx2.Response) -> bytes:
        limit = self._limits.bytes
        declared = response.headers.get("Content-Length", "")
        if declared.isascii() and declared.isdigit() and int(declared[:20]) > limit:
            raise ProviderError(f"the file has {int(declared[:20]):,} bytes, {limit:,} are allowed", reason="no_result")
        data = bytearray()
        async for piece in response.aiter_raw():  # never decompressed: a compressed answer was refused
            data += piece
            if len(data) > limit:
                raise ProviderError(f"the file has more than the {limit:,} bytes allowed", reason="no_result")
        return bytes(data)


def _check_answer(url: httpx2.URL, response: httpx2.Response) -> None:
    status = response.status_code
    if status != 200:
        passing = status in (408, 425, 429) or status >= 500
        raise ProviderError(
            f"{url.host} answered {status}", reason="unavailable" if passing else "no_result", transient=passing
        )
    kind = response.headers.get("Content-Type", "").strip().lower()
    if kind.startswith(_NO_PICTURES):
        raise ProviderError(f"{url.host} sent {kind[:60]}, no picture", reason="no_result")
    if response.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        raise ProviderError(f"{url.host} sent compressed data, which was not asked for", reason="no_result")


def _target(url: httpx2.URL, response: httpx2.Response) -> str:
    where = response.headers.get("Location", "")
    target = well_formed(lambda: url.join(where), "the link redirects to what is no address")
    if not where or (url.scheme == "https" and target.scheme != "https"):
        raise ForbiddenAddressError("the link redirects from a safe connection to an open one, or nowhere")
    return str(target)


def _host_header(url: httpx2.URL) -> str:
    host = url.raw_host.decode("ascii")
    host = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return host if url.port in (None, PORTS[url.scheme]) else f"{host}:{url.port}"
