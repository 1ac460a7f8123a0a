"""Search results written to do harm: addresses that lead inside, files that are no pictures. None may get through."""

from __future__ import annotations

import io
import struct
import zlib
from ipaddress import ip_address

import pytest
from httpx2 import URL
from loopback import HOST, Loopback, answer, png, redirect
from PIL import Image

from llmi_sandbox.errors import ProviderError
from llmi_sandbox.pictures import PictureLimits
from llmi_sandbox.tools.web_search import Candidate, Wanted, WebSearch
from llmi_sandbox.web import DownloadLimits, Web
from llmi_sandbox.web.address import check_url, pin

SECRET = "/secret.png"


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb() -> bytes:
    """Forty kilobytes that unpack to 40,000 x 40,000 pixels."""
    rows = zlib.compress(bytes(40_000_000), 9)
    header = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def blank(size: tuple[int, int] = (320, 240)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "white").save(out, "PNG")
    return out.getvalue()


def encoded(image: Image.Image, kind: str) -> bytes:
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/><script>alert(1)</script></svg>'

# Where it leads; {port} is that of the server that holds the secret.
ADDRESSES = {
    "loopback": "http://127.0.0.1:{port}" + SECRET,
    "loopback by name": "http://localhost:{port}" + SECRET,
    "loopback on port 80": "http://127.0.0.1" + SECRET,
    "another loopback": "http://127.8.8.8" + SECRET,
    "decimal": "http://2130706433" + SECRET,
    "octal": "http://0177.0.0.1" + SECRET,
    "hexadecimal": "http://0x7f000001" + SECRET,
    "short": "http://127.1" + SECRET,
    "nothing": "http://0.0.0.0" + SECRET,
    "zero": "http://0" + SECRET,
    "IPv6 loopback": "http://[::1]" + SECRET,
    "IPv6 tunnel": "http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]" + SECRET,
    "IPv6 of one site": "http://[fec0::1]" + SECRET,
    "IPv6 of IPv4": "http://[::ffff:127.0.0.1]" + SECRET,
    "IPv6 of IPv4, hexadecimal": "http://[::ffff:7f00:1]" + SECRET,
    "IPv4-compatible IPv6": "http://[::127.0.0.1]" + SECRET,
    "translated IPv6": "http://[64:ff9b::7f00:1]" + SECRET,
    "6to4": "http://[2002:7f00:1::]" + SECRET,
    "private": "http://10.0.0.1" + SECRET,
    "private, 172": "http://172.16.0.1" + SECRET,
    "private, 192": "http://192.168.1.1" + SECRET,
    "carrier": "http://100.64.0.1" + SECRET,
    "cloud metadata": "http://169.254.169.254/latest/meta-data/",
    "cloud metadata, IPv6": "http://[fd00:ec2::254]/latest/meta-data/",
    "link local": "http://[fe80::1]" + SECRET,
    "multicast": "http://224.0.0.1" + SECRET,
    "a name that is private": "http://inside.test" + SECRET,
    "a name with both kinds": "http://both.test" + SECRET,
    "an odd port": "http://public.test:22/",
    "a user name": f"http://{HOST}@127.0.0.1" + SECRET,
    "a file": "file:///etc/passwd",
    "gopher": "gopher://127.0.0.1:6379/_FLUSHALL",
    "data": "data:image/png;base64,iVBORw0KGgo=",
    "javascript": "javascript:alert(1)",
    "no scheme": "//127.0.0.1" + SECRET,
    "a line break": "http://public.test/\r\nHost: 127.0.0.1",
    "not an address": "http://[::1",
    "too long": "http://public.test/" + "a" * 10_000,
    "full width digits": "http://１２７.０.０.１" + SECRET,
    "circled digits": "http://①②⑦.⓪.⓪.①" + SECRET,
}

# What comes; each is served at an address that is fine.
CONTENTS = {
    "a page": answer("<html><script>alert(1)</script></html>", kind="text/html"),
    "a page that says it is a picture": answer("<html><script>alert(1)</script></html>"),
    "a drawing with a script": answer(SVG, kind="image/svg+xml"),
    "a drawing in disguise": answer(SVG),
    "a decompression bomb": answer(bomb()),
    "half a picture": answer(png()[:400]),
    "a header alone": answer(png()[:33]),
    "nothing": answer(b""),
    "an empty canvas": answer(blank()),
    "one pixel": answer(blank((1, 1))),
    "a strip": answer(png((2000, 20))),
    "a stamp": answer(png((60, 60))),
    "more than it says": b"HTTP/1.1 200 X\r\nContent-Type: image/png\r\n\r\n" + bytes(3_000_000),
    "more than is allowed": answer(bytes(3_000_000)),
    "a length that lies": b"HTTP/1.1 200 X\r\nContent-Type: image/png\r\nContent-Length: 999999\r\n\r\n" + png(),
    "a length that is no number": b"HTTP/1.1 200 X\r\nContent-Type: image/png\r\nContent-Length: nine\r\n\r\n" + png(),
    "compressed": answer(zlib.compress(bytes(10_000_000)), Content_Encoding="deflate"),
    "no HTTP": b"SSH-2.0-OpenSSH_9.6\r\n",
    "endless headers": b"HTTP/1.1 200 X\r\n" + b"X-A: " + b"a" * 300_000 + b"\r\n\r\n",
    "an archive": answer(b"PK\x03\x04" + bytes(2000)),
    "PostScript": answer(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 400 400\nshowpage\n"),
    "TIFF": answer(encoded(Image.effect_noise((300, 300), 80), "TIFF")),
    "an icon": answer(encoded(Image.effect_noise((256, 256), 80), "ICO")),
    "an error": answer(png(), 404),
}

REDIRECTS = {name: link for name, link in ADDRESSES.items() if "\r" not in link and len(link) < 4000} | {
    "in a circle": f"http://{HOST}:{{port}}/in a circle",
    "to nothing": "",
}


class Fixed:
    """A provider that names what it is told."""

    name = "a stranger"
    identity = "fixed"

    def __init__(self, links: list[str]) -> None:
        self.links = links

    async def find(self, web: Web, query: str) -> list[Candidate]:
        return [Candidate(links=(link,)) for link in self.links]


async def look_up(host: str):
    addresses = {
        HOST: ["127.0.0.1"],
        "localhost": ["127.0.0.1", "::1"],
        "inside.test": ["10.0.0.7"],
        "public.test": ["93.184.216.34"],
        "both.test": ["93.184.216.34", "127.0.0.1"],
        # forms of 127.0.0.1 that a system's own look-up accepts
        **{host: ["127.0.0.1"] for host in ("2130706433", "0177.0.0.1", "0x7f000001", "127.1", "0")},
    }
    if host not in addresses:
        raise OSError(f"no such host: {host}")
    return [ip_address(text) for text in addresses[host]]


def careful(server: Loopback, links: list[str]) -> tuple[Web, WebSearch]:
    limits = DownloadLimits(bytes=2_000_000, seconds=3, pause=1)
    web = Web(trusted=server.hosts, limits=limits, look_up=look_up)
    return web, WebSearch(Fixed(links), web=web, wanted=Wanted(grace=0.05), limits=PictureLimits())


async def outcome(server: Loopback, calls, link: str):
    web, search = careful(server, [link])
    """The result; None when the provider seems to be down."""
    try:
        result = await search(calls.search("anything"), ())
    except ProviderError:
        return None
    finally:
        web.close()
    assert result.reason == "no_result", result
    return result


def test_there_are_enough():
    assert len(ADDRESSES) + len(CONTENTS) + len(REDIRECTS) >= 40


@pytest.mark.parametrize("name", ADDRESSES)
async def test_an_address_that_leads_inside_is_never_asked(server, calls, name):
    server.on(SECRET, answer(png()))
    result = await outcome(server, calls, ADDRESSES[name].format(port=server.port))
    assert result is not None, "it was refused, not tried in vain"
    assert server.seen == []


@pytest.mark.parametrize("name", REDIRECTS)
async def test_a_redirect_is_judged_like_a_link(server, calls, name):
    server.on(SECRET, answer(png()))
    target = REDIRECTS[name].format(port=server.port)
    await outcome(server, calls, server.on(f"/{name}".replace(" ", "%20"), redirect(target.replace("%20", " "))))
    assert not [line for line in server.seen if SECRET in line]
    assert len(server.seen) <= 5


@pytest.mark.parametrize("name", CONTENTS)
async def test_what_is_no_picture_is_passed_over(server, calls, name):
    await outcome(server, calls, server.on("/x.png", CONTENTS[name]))


async def test_one_good_picture_among_all_of_them_is_found(server, calls):
    links = [server.on(f"/{i}.png", content) for i, content in enumerate(CONTENTS.values())]
    links += [link.format(port=server.port) for link in ADDRESSES.values()]
    good = server.on("/good.png", answer(png()))
    limits = DownloadLimits(bytes=2_000_000, seconds=3, pause=1)
    web = Web(trusted=server.hosts, limits=limits, look_up=look_up)
    wanted = Wanted(candidates=100, abreast=16, grace=0)
    try:
        result = await WebSearch(Fixed([*links, good]), web=web, wanted=wanted)(calls.search("anything"), ())
    finally:
        web.close()
    assert result.ok
    assert (result.picture.width, result.picture.height) == (320, 240)


async def test_a_name_is_looked_up_once_and_held_to(server, calls):
    """DNS rebinding: the second answer would be the private one."""
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])

    async def fickle(host: str):
        return [ip_address(text) for text in next(answers)]

    server.on("/x.png", answer(png()))
    web = Web(trusted=server.hosts, look_up=fickle)
    try:
        download = await web.download(server.url("/x.png"))
    finally:
        web.close()
    assert download.url == server.url("/x.png")
    assert server.requests[0].headers["host"] == f"{HOST}:{server.port}", "asked by its name, at the address checked"
    assert next(answers) == ["10.0.0.1"], "there was no second look-up"


async def test_a_public_address_is_gone_to_and_a_name_without_one_is_not():
    async def nothing(host: str):
        return []

    assert await pin(URL("http://public.test/"), frozenset(), look_up) == ip_address("93.184.216.34")
    with pytest.raises(ProviderError, match=r"public\.test has no address"):
        await pin(URL("http://public.test/"), frozenset(), nothing)
    with pytest.raises(ProviderError, match="names no host"):
        check_url("http://" + SECRET, frozenset())


async def test_redirects_have_an_end(server):
    server.on("/3", answer(png()))
    for step in (2, 1):
        server.on(f"/{step}", redirect(f"/{step + 1}"))
    web = Web(trusted=server.hosts, limits=DownloadLimits(redirects=1), look_up=look_up)
    try:
        assert (await web.download(server.url("/2"))).url == server.url("/3")
        with pytest.raises(ProviderError, match="more than 1 times"):
            await web.download(server.url("/1"))
    finally:
        web.close()
