"""Where a model is served, and what it costs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from llmi_reward.chat.model import Usage
from llmi_schema import ConfigurationError


@dataclass(frozen=True, slots=True)
class Prices:
    """Money per million tokens, in whatever currency the budget is in."""

    prompt: float
    completion: float

    def cost(self, usage: Usage) -> float:
        return (usage.prompt_tokens * self.prompt + usage.completion_tokens * self.completion) / 1e6


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A model on an OpenAI-compatible server, or a deployment on Azure OpenAI.

    Attributes:
        base_url: up to and with `/v1`; for Azure the resource, `https://<name>.openai.azure.com`.
        model: the model's name there; for Azure the deployment's.
        api_key: servers of one's own usually take any.
        azure_api_version: set it, e.g. to "2024-10-21", for Azure OpenAI.
        prices: needed for a budget in money.
    """

    base_url: str
    model: str
    api_key: str = field(default="none", repr=False)
    azure_api_version: str | None = None
    prices: Prices | None = None

    def __post_init__(self) -> None:
        if not self.base_url.startswith(("http://", "https://")):
            raise ConfigurationError(f"{self.base_url!r} is no address of a server: it begins with http:// or https://")
        if not self.model:
            raise ConfigurationError("the endpoint needs the name of a model")

    @classmethod
    def from_env(cls, prefix: str, environment: Mapping[str, str] | None = None) -> Self:
        """Read `<prefix>_BASE_URL`, `<prefix>_MODEL_NAME` and, optionally, `<prefix>_API_KEY` (else `OPENAI_API_KEY`)
        and `<prefix>_AZURE_API_VERSION`.

        `LLM_JUDGE` and `MLLM_JUDGE` are the published prefixes. Raises `ConfigurationError` that names what is missing.
        """
        found = os.environ if environment is None else environment
        missing = [name for part in ("BASE_URL", "MODEL_NAME") if not found.get(name := f"{prefix}_{part}")]
        if missing:
            raise ConfigurationError(
                f"no model to ask: set {' and '.join(missing)}, for example {prefix}_BASE_URL=http://localhost:8000/v1"
            )
        return cls(
            base_url=found[f"{prefix}_BASE_URL"],
            model=found[f"{prefix}_MODEL_NAME"],
            api_key=found.get(f"{prefix}_API_KEY") or found.get("OPENAI_API_KEY") or "none",
            azure_api_version=found.get(f"{prefix}_AZURE_API_VERSION") or None,
        )
