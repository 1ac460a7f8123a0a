"""Sends requests with the `openai` library, whose own retries are off."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

from llmi_reward.chat.endpoint import Endpoint
from llmi_reward.chat.errors import ChatError
from llmi_reward.chat.reply import Reply
from llmi_schema import SystemRequirementError

_PER_CLIENT = 16


class Transport(Protocol):
    """Takes a request's body to the server and back."""

    async def send(self, body: bytes) -> Reply:
        """The server's reply, whatever its status. Raises `ChatError` "unreachable" where there is none."""
        ...

    async def close(self) -> None: ...


class OpenAITransport:
    """Chat completions through `openai.AsyncOpenAI` or `AsyncAzureOpenAI`.

    The connection pool behind one of them takes time in proportion to its connections for every request, so
    connections are spread over several clients of a few dozen each; they are made as they are needed.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._make, self._path = _client_maker(endpoint)
        self._clients: list[Any] = []
        self._busy: list[int] = []

    async def send(self, body: bytes) -> Reply:
        import openai

        number = self._least_busy()
        self._busy[number] += 1
        try:
            found = await self._clients[number].post(
                self._path,
                cast_to=openai.HttpxBinaryResponseContent,
                content=body,
                options={"headers": {"Content-Type": "application/json", "Accept": "application/json"}},
            )
            return Reply(found.response.status_code, found.content)
        except openai.APIStatusError as error:
            response = error.response
            return Reply(response.status_code, response.content, _seconds(response.headers))
        except openai.APITimeoutError as error:
            raise ChatError("timeout", f"the server took too long: {error}", billed=True) from error
        except openai.APIConnectionError as error:
            # The library hides what happened behind "Connection error."; the cause says it.
            cause = error.__cause__ or error
            kind = type(cause).__name__
            # Only where there was a connection can the request have arrived, and the answer have been charged.
            billed = not kind.startswith(("Connect", "Proxy"))
            raise ChatError(
                "unreachable", f"no reply from the server: {kind} {cause}".rstrip(), billed=billed
            ) from error
        finally:
            self._busy[number] -= 1

    async def close(self) -> None:
        clients, self._clients, self._busy = self._clients, [], []
        for client in clients:
            # A connection that is being torn down by the server is as closed as it needs to be.
            with contextlib.suppress(OSError):
                await client.close()

    def _least_busy(self) -> int:
        if not self._busy or (least := min(self._busy)) >= _PER_CLIENT:
            self._clients.append(self._make())
            self._busy.append(0)
            return len(self._busy) - 1
        return self._busy.index(least)


def _client_maker(endpoint: Endpoint) -> tuple[Callable[[], Any], str]:
    """How to make a client, and where it posts to."""
    try:
        import openai
    except ImportError:
        raise SystemRequirementError("asking a model over HTTP needs: pip install 'llmi-reward[judges]'") from None
    import ssl

    certificates = ssl.create_default_context()  # made once: it costs tens of milliseconds

    def http_client() -> Any:
        return openai.DefaultAsyncHttpxClient(verify=certificates, timeout=None)

    common: dict[str, Any] = {"api_key": endpoint.api_key, "max_retries": 0, "timeout": None}
    if endpoint.azure_api_version:

        def azure() -> Any:
            return openai.AsyncAzureOpenAI(
                azure_endpoint=endpoint.base_url.rstrip("/"),
                api_version=endpoint.azure_api_version,
                http_client=http_client(),
                **common,
            )

        return azure, f"/deployments/{endpoint.model}/chat/completions"

    def plain() -> Any:
        return openai.AsyncOpenAI(base_url=endpoint.base_url, http_client=http_client(), **common)

    return plain, "/chat/completions"


def _seconds(headers: Any) -> float | None:
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
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    return None
