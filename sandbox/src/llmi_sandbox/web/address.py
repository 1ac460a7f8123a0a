"""Which addresses a stranger's link may lead to: public ones, looked up once and then held on to.

A name is resolved here, every address in the answer is checked, and the connection is made to a checked address. A
second look-up, which could answer otherwise (DNS rebinding), never happens.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from httpx2 import URL

from llmi_sandbox.errors import ProviderError

Address = IPv4Address | IPv6Address
Resolve = Callable[[str], Awaitable[list[Address]]]

PORTS = {"http": 80, "https": 443}
LONGEST = 4096

_EMBEDS_IPV4 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"), IPv6Network("::/96"))


class ForbiddenAddressError(ProviderError):
    """A link to where this program does not go."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="no_result")


async def resolve(host: str) -> list[Address]:
    """All addresses of a name. Raises OSError when it has none."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ip_address(str(entry[4][0]).partition("%")[0]) for entry in found))


def is_public(address: Address) -> bool:
    """Whether it is somebody's on the internet: not this machine, no private network, no cloud's metadata."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address.teredo is not None:
            return False
        if inner is None and any(address in network for network in _EMBEDS_IPV4):
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if address.is_site_local:
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def well_formed(read: Callable[[], URL], complaint: str) -> URL:
    """What `read` makes of a stranger's text. Raises `ForbiddenAddressError` with `complaint` when it is no address."""
    try:
        return read()
    except Exception:  # noqa: BLE001 - httpx2 and idna raise several kinds for a malformed address
        raise ForbiddenAddressError(complaint) from None


def check_url(link: str, trusted: frozenset[str]) -> URL:
    """The link as an address that may be looked up. Raises `ForbiddenAddressError` with what is wrong with it."""
    if len(link) > LONGEST:
        raise ForbiddenAddressError("the link is too long")
    url = well_formed(lambda: URL(link), "the link is no address")
    if url.scheme not in PORTS:
        raise ForbiddenAddressError(f"the link's scheme is {url.scheme or 'missing'}: only http and https are followed")
    if not url.host:
        raise ForbiddenAddressError("the link names no host")
    if url.userinfo:
        raise ForbiddenAddressError("the link carries a user name")
    if url.port not in (None, *PORTS.values()) and url.host not in trusted:
        raise ForbiddenAddressError(f"the link's port is {url.port}: only 80 and 443 are used")
    return url


async def pin(url: URL, trusted: frozenset[str], look_up: Resolve) -> Address:
    """The one address to connect to.

    Args:
        trusted: hosts that may be at any address; a person named them.

    Raises `ForbiddenAddressError` when any of the host's addresses is not public: a name with both kinds is a trap.
    """
    host = url.host
    try:
        addresses = [ip_address(host)]
    except ValueError:
        try:
            addresses = await look_up(url.raw_host.decode("ascii"))
        except (OSError, UnicodeError) as error:
            raise ProviderError(f"{host} cannot be looked up: {error}", transient=True) from None
    if not addresses:
        raise ProviderError(f"{host} has no address", transient=True)
    if host not in trusted:
        for address in addresses:
            if not is_public(address):
                raise ForbiddenAddressError(f"{host} is at {address}, which is no public address")
    return addresses[0]
