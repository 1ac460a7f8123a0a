"""The published variables that say where the judges are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llmi_reward.chat.client import ChatClient
from llmi_reward.chat.endpoint import Endpoint


def llm_from_env(environment: Mapping[str, str] | None = None, **settings: Any) -> ChatClient:
    """A client for `LLM_JUDGE_BASE_URL` and `LLM_JUDGE_MODEL_NAME` (`LLM_JUDGE_API_KEY`, else `OPENAI_API_KEY`).

    `settings` are those of `ChatClient`. Raises `ConfigurationError` that names what is missing.
    """
    return ChatClient(Endpoint.from_env("LLM_JUDGE", environment), **settings)


def mllm_from_env(environment: Mapping[str, str] | None = None, **settings: Any) -> ChatClient:
    """A client for `MLLM_JUDGE_BASE_URL` and `MLLM_JUDGE_MODEL_NAME`; see `llm_from_env`."""
    return ChatClient(Endpoint.from_env("MLLM_JUDGE", environment), **settings)
