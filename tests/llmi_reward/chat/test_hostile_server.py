"""A server that means harm: every answer of it ends as a `ChatError` or an answer, soon and in bounded memory."""

import asyncio
import gzip
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from llmi_reward.chat import ChatClient, ChatError, Endpoint, Retries, Usage
from llmi_reward.chat.streaming import stream
from llmi_reward.chat.transport import LARGEST_REPLY, retry_after
from llmi_train.policies.transport import HttpTransport

DEEP = b"[" * 100_000
BOMB = gzip.compress(bytes(4 * LARGEST_REPLY), 9)
ONCE = Retries(attempts=1)


def http(body: bytes, *headers: str, status: str = "200 OK", length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def completion(text: str = "fine", **more: object) -> bytes:
    return json.dumps({"choices": [{"message": {"content": text}}], **more}).encode()


@asynccontextmanager
async def server(*replies: bytes, forever: bytes = b"", pause: float = 0.0):
    """Answers each request with the next reply, the last one again and again; then `forever`, until it is left."""
    asked = 0

    async def serve(reader, writer):
        nonlocal asked
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
            await reader.readexactly(length)
            asked += 1
            writer.write(replies[min(asked, len(replies)) - 1])
            while forever:
                writer.write(forever)
                await writer.drain()
                await asyncio.sleep(pause)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1")
    try:
        port = listening.sockets[0].getsockname()[1]
        yield Endpoint(f"http://127.0.0.1:{port}/v1", "judge"), lambda: asked
    finally:
        listening.close()


async def fails(endpoint: Endpoint, **settings: object) -> str:
    async with asyncio.timeout(20), ChatClient(endpoint, retries=ONCE, **settings) as chat:
        with pytest.raises(ChatError) as caught:
            await chat.ask("Well?")
    return caught.value.reason


@pytest.mark.parametrize("transport", [{}, {"transport": HttpTransport}], ids=["openai", "httpx"])
@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (http(DEEP), "bad_reply"),
        (http(b'{"a":' * 100_000), "bad_reply"),
        (http(DEEP, status="400 Bad Request"), "rejected"),
        (http(DEEP, status="500 Internal Server Error"), "server_error"),
        (http(b"\xff\xfe\x00 no text"), "bad_reply"),
        (http(b"9" * 10_000), "bad_reply"),
        (http(completion(), length=10), "bad_reply"),
        (http(completion(), length=10_000), "unreachable"),
        (http(completion(), length=-5), "unreachable"),
        (http(BOMB, "Content-Encoding: gzip"), "bad_reply"),
        (http(b"no gzip", "Content-Encoding: gzip"), "unreachable"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\n", "unreachable"),
        (b"\x00" * 1000, "unreachable"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000, "unreachable"),
    ],
)
async def test_answers_that_are_none(reply, reason, transport):
    async with server(reply) as (endpoint, _):
        assert await fails(endpoint, **transport) == reason


@pytest.mark.parametrize("transport", [{}, {"transport": HttpTransport}], ids=["openai", "httpx"])
async def test_an_endless_answer_is_cut_off(transport):
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    async with server(head, forever=b" " * 2**20) as (endpoint, _):
        assert await fails(endpoint, **transport) == "bad_reply"


async def test_an_endless_stream_is_cut_off():
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    async with (
        asyncio.timeout(20),
        server(head, forever=b"data" * 2**18) as (endpoint, _),
        ChatClient(endpoint, retries=ONCE, transport=HttpTransport) as chat,
    ):
        with pytest.raises(ChatError, match="more than"):
            async for _ in stream(chat, "Well?"):
                pass


async def test_an_event_that_is_nested_too_deeply_is_none():
    reply = http(b"data: " + DEEP + b"\n\n", "Content-Type: text/event-stream")
    async with server(reply) as (endpoint, _), ChatClient(endpoint, retries=ONCE, transport=HttpTransport) as chat:
        with pytest.raises(ChatError, match="not JSON"):
            async for _ in stream(chat, "Well?"):
                pass


async def test_a_slow_drip_ends_with_the_attempts_time():
    async with server(http(b"", length=10**6), forever=b" ", pause=0.02) as (endpoint, _):
        assert await fails(endpoint, attempt_seconds=0.3) == "timeout"


@pytest.mark.parametrize("place", ["{other}", "file:///etc/passwd", "http://169.254.169.254/latest/meta-data/", "//["])
@pytest.mark.parametrize("status", ["301 Moved", "307 Temporary Redirect", "308 Permanent Redirect"])
async def test_redirects_are_not_followed(place, status):
    async with server(http(completion())) as (other, reached):
        location = place.format(other=f"{other.base_url}/chat/completions")
        async with server(http(b"", f"Location: {location}", status=status)) as (endpoint, _):
            for transport in ({}, {"transport": HttpTransport}):
                assert await fails(endpoint, **transport) == "rejected"
        assert reached() == 0


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": 10**30, "completion_tokens": -(10**9)},
        {"prompt_tokens": float("nan"), "completion_tokens": float("inf")},
        {"prompt_tokens": True, "completion_tokens": "9"},
        [1, 2],
    ],
)
async def test_counts_that_are_none_count_as_unknown_and_reach_the_journal(tmp_path, usage):
    async with (
        asyncio.timeout(20),
        server(http(completion(usage=usage, model="\ud800" * 10_000))) as (endpoint, _),
        ChatClient(endpoint, retries=ONCE, journal=tmp_path / "answers.sqlite") as chat,
    ):
        answer = await chat.ask("Well?")
        assert answer.usage == Usage()
        assert (await chat.ask("Well?")).replayed
    assert set(answer.model) == {"?"}
    assert len(answer.model) == 300


@pytest.mark.parametrize("wait", ["1e18", "inf", "99999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
async def test_a_wait_without_end_holds_nobody_for_longer_than_an_answer_may_take(wait):
    async with (
        asyncio.timeout(20),
        server(http(b"", f"Retry-After: {wait}", status="429 Too Many Requests")) as (endpoint, asked),
        ChatClient(endpoint, concurrency=1, deadline_seconds=0.5) as chat,
    ):
        for number in range(3):
            with pytest.raises(ChatError) as caught:
                await chat.ask(f"Well, {number}?")
            assert caught.value.reason == "rate_limited"
        assert asked() == 3


def test_a_date_to_come_back_at_is_read_by_the_servers_own_clock():
    theirs = datetime.now(UTC) + timedelta(days=1)
    headers = {"date": format_datetime(theirs, usegmt=True)}
    headers["retry-after"] = format_datetime(theirs + timedelta(seconds=7), usegmt=True)
    assert retry_after(headers) == 7
