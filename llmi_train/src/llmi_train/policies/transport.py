"""`HttpTransport`: chat requests over httpx, replies whole or as they come. Loads far quicker than `openai`."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from llmi_reward.chat import ChatError, Endpoint, Reply
from llmi_reward.chat.transport import address, read_bounded, retry_after

if TYPE_CHECKING:
    import httpx2


class HttpTransport:
    """An `llmi_reward.chat.StreamingTransport`. Deadlines are the client's; redirects are not followed."""

    def __init__(self, endpoint: Endpoint) -> None:
        import httpx2

        self.takes_usage = True
        self._url, self._headers = address(endpoint)
        # without TLS there is nothing to verify, and certificates take tens of milliseconds to load
        verify: ssl.SSLContext | bool = self._url.startswith("https:") and ssl.create_default_context()
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=64)
        self._client = httpx2.AsyncClient(verify=verify, timeout=None, limits=limits)
        self._failed = httpx2.HTTPError

    async def send(self, body: bytes) -> Reply:
        try:
            async with self._client.stream("POST", self._url, content=body, headers=self._headers) as response:
                whole = await read_bounded(response.aiter_bytes())
        except self._failed as error:
            raise unreachable(error) from error
        return Reply(response.status_code, whole, retry_after(response.headers))

    @asynccontextmanager
    async def open(self, body: bytes) -> AsyncGenerator[OpenedReply]:
        """Headers are there when this is entered; the connection is let go of when it is left."""
        headers = {**self._headers, "Accept": "text/event-stream, application/json"}
        request = self._client.build_request("POST", self._url, content=body, headers=headers)
        try:
            response = await self._client.send(request, stream=True)
        except self._failed as error:
            raise unreachable(error) from error
        try:
            yield OpenedReply(response, self._failed)
        finally:
            await response.aclose()

    async def close(self) -> None:
        await self._client.aclose()


class OpenedReply:
    def __init__(self, response: httpx2.Response, failed: type[Exception]) -> None:
        self._response = response
        self._failed = failed
        self.status: int = response.status_code
        self.retry_after = retry_after(response.headers)
        self.is_event_stream = response.headers.get("content-type", "").startswith("text/event-stream")

    async def chunks(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._response.aiter_bytes():
                yield chunk
        except self._failed as error:
            raise unreachable(error) from error


def unreachable(error: Exception) -> ChatError:
    kind = type(error).__name__
    # only where there was a connection can the request have arrived, and the answer have been charged
    billed = not kind.startswith(("Connect", "Proxy"))
    return ChatError("unreachable", f"no reply from the server: {kind} {error}".rstrip(), billed=billed)
