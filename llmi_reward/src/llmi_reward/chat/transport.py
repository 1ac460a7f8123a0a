"""Sends requests, each once, with the HTTP client of the `openai` library."""

from __future__ import annotations

import contextlib
import importlib
import ssl
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from llmi_reward.chat.endpoint import Endpoint
from llmi_reward.chat.errors import ChatError
from llmi_reward.chat.reply import Reply
from llmi_schema import SystemRequirementError

_PER_CLIENT = 16

LARGEST_REPLY = 32 * 2**20


class Transport(Protocol):
    """Takes a request's body to the server and back."""

    async def send(self, body: bytes) -> Reply:
        """The server's reply, whatever its status. Raises `ChatError` "unreachable" where there is none."""
        ...

    async def close(self) -> None: ...


class OpenAITransport:
    """Chat completions over the HTTP client that the `openai` library makes for itself.

    Its request layer is left out: what is sent is JSON already, retries are ours, and it would double the CPU that a
    call takes. The connection pool of one HTTP client takes time in proportion to its connections for every request,
    so connections are spread over several clients of a few each, made as they are needed.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._openai = _openai()
        self._failed = _http_error(self._openai)
        self._url, self._headers = address(endpoint)
        self._certificates = ssl.create_default_context()  # made once: it costs tens of milliseconds
        self._clients: list[Any] = []
        self._busy: list[int] = []

    async def send(self, body: bytes) -> Reply:
        number = self._least_busy()
        self._busy[number] += 1
        try:
            client = self._clients[number]
            request = client.build_request("POST", self._url, content=body, headers=self._headers)
            # A redirect would hand key and prompt to somebody else.
            response = await client.send(request, stream=True, follow_redirects=False)
            async with aclosing(response):
                whole = await read_bounded(response.aiter_bytes())
        except self._failed as error:
            kind = type(error).__name__
            # Only where there was a connection can the request have arrived, and the answer have been charged.
            billed = not kind.startswith(("Connect", "Proxy"))
            raise ChatError(
                "unreachable", f"no reply from the server: {kind} {error}".rstrip(), billed=billed
            ) from error
        finally:
            self._busy[number] -= 1
        return Reply(response.status_code, whole, retry_after(response.headers))

    async def close(self) -> None:
        clients, self._clients, self._busy = self._clients, [], []
        for client in clients:
            # A connection that is being torn down by the server is as closed as it needs to be.
            with contextlib.suppress(OSError):
                await client.aclose()

    def _least_busy(self) -> int:
        if not self._busy or (least := min(self._busy)) >= _PER_CLIENT:
            self._clients.append(self._openai.DefaultAsyncHttpxClient(verify=self._certificates, timeout=None))
            self._busy.append(0)
            return len(self._busy) - 1
        return self._busy.index(least)


def _openai() -> Any:
    try:
        import openai
    except ImportError:
        raise SystemRequirementError("asking a model over HTTP needs: pip install 'llmi-reward[judges]'") from None
    return openai


def _http_error(openai: Any) -> type[Exception]:
    """The base of all errors of the HTTP library under `openai`: httpx for version 2, httpx2 for version 3."""
    library = importlib.import_module(openai.DefaultAsyncHttpxClient.__base__.__module__.partition(".")[0])
    error: type[Exception] = library.HTTPError
    return error


def address(endpoint: Endpoint) -> tuple[str, dict[str, str]]:
    """Where to post, and the headers that go with it."""
    base = endpoint.base_url.rstrip("/")
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if endpoint.azure_api_version:
        path = f"/openai/deployments/{quote(endpoint.model)}/chat/completions"
        query = urlencode({"api-version": endpoint.azure_api_version})
        return f"{base}{path}?{query}", {**headers, "api-key": endpoint.api_key}
    return f"{base}/chat/completions", {**headers, "Authorization": f"Bearer {endpoint.api_key}"}


def retry_after(headers: Any) -> float | None:
    """How long the server asks to wait: Retry-After in seconds or as a date, or Azure's milliseconds."""
    if milliseconds := headers.get("retry-after-ms"):
        with contextlib.suppress(ValueError):
            return max(0.0, float(milliseconds) / 1000)
    value = headers.get("retry-after")
    if value is None:
        return None
    with contextlib.suppress(ValueError):
        return max(0.0, float(value))
    with contextlib.suppress(ValueError, TypeError):
        now = parsedate_to_datetime(said) if (said := headers.get("date")) else datetime.now(UTC)  # by its own clock
        return max(0.0, (parsedate_to_datetime(value) - now).total_seconds())
    return None


async def read_bounded(chunks: AsyncIterator[bytes]) -> bytes:
    """All of a reply. Raises `ChatError` "bad_reply" for more than any answer has, as of a gzip bomb."""
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > LARGEST_REPLY:
            raise too_large()
    return bytes(body)


def too_large() -> ChatError:
    return ChatError("bad_reply", f"the reply has more than {LARGEST_REPLY:,} bytes", billed=True)
