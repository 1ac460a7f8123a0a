"""Everything a server can do wrong, over `loopback.Loopback`; used by the tests and by `benchmarks/render_soak.py`.

`unleash(server, seed)` makes it an image server, a picture provider and a picture store that misbehave by turns; the
other answers are good. `toolkit_over(server)` is a toolkit of real networked tools with short deadlines.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random

from loopback import Loopback, Request, answer, json_answer, png, redirect

from llmi_sandbox import (
    DownloadLimits,
    Fallback,
    ImageServer,
    Openverse,
    ResultCache,
    RetryPolicy,
    SerpApi,
    ServedEditor,
    ServedGenerator,
    Toolkit,
    Wanted,
    Web,
    WebSearch,
)

DEADLINE = 0.8
PICTURES = [png((240, 220), seed) for seed in range(6)]

Writer = asyncio.StreamWriter


async def never(request: Request, writer: Writer) -> None:
    await asyncio.sleep(60)


async def hang_up(request: Request, writer: Writer) -> None:
    writer.transport.abort()


async def hang_mid_body(request: Request, writer: Writer) -> None:
    writer.write(b"HTTP/1.1 200 X\r\nContent-Type: image/png\r\nContent-Length: 90000\r\n\r\n" + PICTURES[0][:300])
    await writer.drain()
    await asyncio.sleep(60)


async def drip(request: Request, writer: Writer) -> None:
    writer.write(b"HTTP/1.1 200 X\r\nContent-Type: image/png\r\n\r\n")
    for byte in PICTURES[0]:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.02)


async def half_and_away(request: Request, writer: Writer) -> None:
    writer.write(b"HTTP/1.1 200 X\r\nContent-Type: image/png\r\nContent-Length: 90000\r\n\r\n" + PICTURES[0][:300])
    await writer.drain()
    writer.close()


FAULTS = {
    "never": never,
    "hang up": hang_up,
    "hang mid-body": hang_mid_body,
    "drip": drip,
    "half and away": half_and_away,
    "429": json_answer({"error": "slow down"}, 429, Retry_After="1"),
    "429 for an hour": json_answer({"error": "slow down"}, 429, Retry_After="3600"),
    "500": json_answer({"error": {"message": "oops"}}, 500),
    "503": answer(b"<html>down</html>", 503, "text/html"),
    "401": json_answer({"error": "key"}, 401),
    "circle": redirect("/store"),
    "elsewhere": redirect("http://10.0.0.1/"),
    "truncated picture": answer(PICTURES[0][:500]),
    "truncated JSON": answer(b'{"data": [{"b64_js', 200, "application/json"),
    "wrong JSON": json_answer({"data": [{"b64_json": "AAAA"}], "results": "none", "images_results": 5}),
    "no picture": answer(b"\x00" * 5000),
    "a page": answer(b"<html></html>", 200, "text/html"),
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 TLS?\r\n\r\n",
    "two headers": b"HTTP/1.1 200 X\r\nContent-Length: 5\r\nContent-Length: 9\r\n\r\nhello",
    "a negative length": b"HTTP/1.1 200 X\r\nContent-Length: -1\r\n\r\n",
    "a bad chunk": b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
}


def good(server: Loopback, path: str, chance: random.Random) -> bytes:
    """What a well server says there."""
    picture = chance.choice(PICTURES)
    if path == "/store":
        return answer(picture)
    if path.startswith("/v1/images/") and path != "/v1/images/":
        return json_answer({"data": [{"b64_json": base64.b64encode(picture).decode()}]})
    rows = [{"url": server.url("/store"), "original": server.url("/store")} for _ in range(4)]
    return json_answer({"results": rows, "images_results": rows})


PATHS = ("/v1/images/", "/search.json", "/store", "/v1/images/generations", "/v1/images/edits", "/health")


def unleash(server: Loopback, seed: int, *, faults: tuple[str, ...] = tuple(FAULTS), share: float = 0.4) -> None:
    chance = random.Random(seed)

    async def by_turns(request: Request, writer: Writer) -> None:
        reply = good(server, request.path, chance)
        if chance.random() < share:
            reply = FAULTS[chance.choice(faults)]
        if isinstance(reply, bytes):
            writer.write(reply)
        else:
            await reply(request, writer)

    for path in PATHS:
        server.on(path, by_turns)


def toolkit_over(server: Loopback, *, deadline: float = DEADLINE) -> Toolkit:
    web = Web(
        trusted=server.hosts,
        look_up=server.look_up,
        limits=DownloadLimits(bytes=1_000_000, seconds=deadline / 2, pause=deadline / 3),
    )
    retry = RetryPolicy(attempts=2, first_delay=0.02, failures=1000)
    wanted = Wanted(abreast=3, grace=0.01)
    providers = [
        WebSearch(SerpApi(key="k", base=server.base), web=web, wanted=wanted),
        WebSearch(Openverse(base=server.base), web=web, wanted=wanted),
    ]
    address = [ImageServer(server.base, "vllm"), ImageServer(server.base.replace("127.0.0.1", "localhost"), "vllm")]
    tools = {
        "search": Fallback(providers, deadline_seconds=deadline / 2, retry=retry),
        "diffusion": ServedGenerator(address, web=web, seconds=deadline / 2, rest_seconds=0.05),
        "edit": ServedEditor(address, web=web, seconds=deadline / 2, rest_seconds=0.05),
    }
    return Toolkit(
        tools, deadline_seconds=deadline, retry=retry, concurrency=64, cache=ResultCache(memory_bytes=0), holds=[web]
    )


def document(number: int) -> str:
    """Five tags, an edit of an edit among them; different for every number."""
    calls = [
        ("search", {"query": f"fox {number}"}),
        ("diffusion", {"prompt": f"owl {number}"}),
        ("edit", {"img_index": 0, "prompt": f"blur {number}"}),
        ("edit", {"img_index": 1, "prompt": f"blur {number}"}),
        ("edit", {"img_index": 3, "prompt": f"blur {number}"}),
    ]
    tags = (json.dumps({"source": tool, "description": "", "params": params}) for tool, params in calls)
    return "\n".join(f"<imgen>{tag}</imgen>" for tag in tags)
