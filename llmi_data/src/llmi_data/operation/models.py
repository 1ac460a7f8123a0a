"""`ModelConfig`: a model in a run's file, and the client it becomes."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from llmi_schema import ConfigurationError

if TYPE_CHECKING:
    from llmi_reward.chat import Budget, ChatClient, Endpoint, Prices


class PerMillion(BaseModel):
    """Money per million tokens, in the currency of the budget."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt: float = Field(ge=0)
    completion: float = Field(ge=0)


class TokensPerCall(BaseModel):
    """Tokens of one call, for a forecast that is to go by them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt: float = Field(gt=0)
    completion: float = Field(gt=0)


class ModelConfig(BaseModel):
    """A model on an OpenAI-compatible server.

    Attributes:
        name: the model's name there.
        base_url: up to and with `/v1`; for Azure the resource.
        api_key_env: the variable that holds the key. Servers on this machine or a private network need none.
        azure_api_version: for Azure OpenAI.
        prices: money per million tokens, for forecasts, budgets and reports.
        options: fields of every request (`temperature`, `max_tokens`, ...).
        concurrency: most requests in flight.
        tokens: what one call takes, where the forecast should not estimate it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    base_url: str
    api_key_env: str = "OPENAI_API_KEY"
    azure_api_version: str | None = None
    prices: PerMillion | None = None
    options: dict[str, Any] = {}
    concurrency: int = Field(default=32, ge=1)
    tokens: TokensPerCall | None = None

    @property
    def identity(self) -> dict[str, Any]:
        """What its answers depend on."""
        return self.model_dump(include={"name", "base_url", "azure_api_version", "options"})

    @property
    def money(self) -> Prices | None:
        from llmi_reward.chat import Prices

        return None if self.prices is None else Prices(self.prices.prompt, self.prices.completion)

    def endpoint(self, environment: Mapping[str, str] | None = None) -> Endpoint:
        """Raises `ConfigurationError` for an address that is none, and where a key is missing."""
        from llmi_reward.chat import Endpoint

        key = (os.environ if environment is None else environment).get(self.api_key_env)
        if not key and not _is_near(self.base_url):
            raise ConfigurationError(
                f"no key for {self.base_url}: set {self.api_key_env} (to any word, if that server takes none), or name "
                "the variable that holds it in api_key_env"
            )
        return Endpoint(
            self.base_url, self.name, api_key=key or "none", azure_api_version=self.azure_api_version, prices=self.money
        )

    def open(self, journal: Path, budget: Budget | None = None) -> ChatClient:
        """A client that keeps its answers in the journal."""
        from llmi_reward.chat import ChatClient

        return ChatClient(self.endpoint(), concurrency=self.concurrency, journal=journal, budget=budget)


def _is_near(base_url: str) -> bool:
    """On this machine or a private network, by its address or an unqualified name."""
    host = urlsplit(base_url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith((".local", ".internal", ".localhost"))
