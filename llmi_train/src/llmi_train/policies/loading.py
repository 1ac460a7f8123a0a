"""`load_policy`: a policy from what a user types.

| typed | is |
|---|---|
| `runs/demo/base` or `Qwen/Qwen3-4B` | a folder or a Hub name, in this process |
| `runs/demo/base+runs/demo/adapter` | the same with a LoRA adapter |
| `vllm:NAME@http://host:8000/v1` | vLLM, which enforces constraints by grammar; `sglang:` likewise |
| `NAME@http://host:8000/v1` | any OpenAI-compatible server, of which nothing more is known |
| `openai:gpt-5-mini` | OpenAI, with `OPENAI_API_KEY`; JSON schemas enforce the shape of tags |
| `anthropic:NAME`, `gemini:NAME` | their OpenAI-compatible routes, with `ANTHROPIC_API_KEY`, `GEMINI_API_KEY` |
| `azure:DEPLOYMENT@https://NAME.openai.azure.com` | Azure, with `AZURE_OPENAI_API_KEY` and `AZURE_API_VERSION` |
| `env:WRITER` | the model that `WRITER_BASE_URL`, `WRITER_MODEL_NAME` and `WRITER_API_KEY` name |
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmi_schema import ConfigurationError
from llmi_schema.engines import Engine

if TYPE_CHECKING:
    from llmi_reward.chat import Budget, Endpoint, Prices
    from llmi_train.policies.local_policy import LocalPolicy
    from llmi_train.policies.served import ServedPolicy

_AZURE_VERSION = "2024-10-21"


@dataclass(frozen=True, slots=True)
class _Provider:
    """Attributes:
    url: where it is, unless one is typed.
    key: the variable that holds the key.
    engine: how it enforces constraints.
    """

    url: str | None
    key: str
    engine: Engine | None = None


_PROVIDERS = {
    "openai": _Provider("https://api.openai.com/v1", "OPENAI_API_KEY", "openai"),
    "anthropic": _Provider("https://api.anthropic.com/v1", "ANTHROPIC_API_KEY"),
    "gemini": _Provider("https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY"),
    "azure": _Provider(None, "AZURE_OPENAI_API_KEY", "openai"),
    "vllm": _Provider(None, "OPENAI_API_KEY", "vllm"),
    "sglang": _Provider(None, "OPENAI_API_KEY", "sglang"),
}
_UNKNOWN = _Provider(None, "OPENAI_API_KEY")


def load_policy(
    name: str,
    *,
    max_tokens: int | None = None,
    instruct: bool | None = None,
    prices: Prices | None = None,
    budget: Budget | None = None,
    journal: str | Path | None = None,
    options: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    **settings: Any,
) -> ServedPolicy | LocalPolicy:
    """A policy by name; see the table above. Nothing of torch is loaded for one that is served.

    Args:
        max_tokens: the longest document (1024 in this process, 4096 on a server).
        instruct: teach the tags in a system message; by default models on servers are taught, those here are not.
        prices: what a server takes, for cost and budgets in money.
        budget, journal, options: see `ServedPolicy`.
        environment: in place of the process's.
        settings: further arguments of `ServedPolicy` or `LocalPolicy.load`.

    Raises `ConfigurationError` with what to type instead.
    """
    environment = os.environ if environment is None else environment
    limit: dict[str, Any] = {}
    kind, _, rest = name.partition(":")
    served = kind in (*_PROVIDERS, "env") and rest != ""
    if served or "@http://" in name or "@https://" in name:
        from llmi_train.policies.served import ServedPolicy

        endpoint, engine = _endpoint(name, prices, environment)
        limit = {} if max_tokens is None else {"max_tokens": max_tokens}
        settings = {"engine": engine, "instruct": instruct is not False, **limit, **settings}
        return ServedPolicy(endpoint, budget=budget, journal=journal, options=options, **settings)
    if budget is not None or journal is not None or options or prices is not None:
        raise ConfigurationError(f"{name!r} runs in this process: budget, journal, prices and options are for servers")
    from llmi_train.policies.local_policy import LocalPolicy

    model, adapter = _folders(name)
    limit = {} if max_tokens is None else {"max_new_tokens": max_tokens}
    return LocalPolicy.load(model, adapter, instruct=bool(instruct), **limit, **settings)


def load_endpoint(name: str, *, prices: Prices | None = None, environment: Mapping[str, str] | None = None) -> Endpoint:
    """The endpoint of a model on a server, by the names of `load_policy`: for judges and others that only answer.

    Raises `ConfigurationError` for what is no server.
    """
    kind, _, rest = name.partition(":")
    if not ((kind in (*_PROVIDERS, "env") and rest) or "@http://" in name or "@https://" in name):
        raise ConfigurationError(f"{name!r} is no model on a server: NAME@http://localhost:8000/v1, openai:NAME, ...")
    return _endpoint(name, prices, os.environ if environment is None else environment)[0]


def _endpoint(name: str, prices: Prices | None, environment: Mapping[str, str]) -> tuple[Endpoint, Engine | None]:
    from dataclasses import replace

    from llmi_reward.chat import Endpoint

    kind, _, rest = name.partition(":")
    if kind == "env" and rest:
        return replace(Endpoint.from_env(rest, environment), prices=prices), None
    provider = _PROVIDERS.get(kind, _UNKNOWN)
    model, _, url = (rest if kind in _PROVIDERS else name).rpartition("@") if "@http" in name else (rest, "", "")
    url = url or provider.url or ""
    if not url:
        where = "https://NAME.openai.azure.com" if kind == "azure" else "http://localhost:8000/v1"
        raise ConfigurationError(f"{name!r} does not say where the server is: {kind}:{rest}@{where}")
    key = environment.get(provider.key)
    if provider.url is not None and not key:
        raise ConfigurationError(f"{name!r} needs a key: set {provider.key}")
    version = environment.get("AZURE_API_VERSION", _AZURE_VERSION) if kind == "azure" else None
    endpoint = Endpoint(url, model, key or "none", azure_api_version=version, prices=prices)
    return endpoint, provider.engine


def _folders(name: str) -> tuple[str, str | None]:
    """Model and adapter. A plus sign inside a folder's own name is not taken for the one between two."""
    model, plus, adapter = name.rpartition("+")
    if not plus or Path(name).is_dir():
        return name, None
    if not model or not adapter:
        raise ConfigurationError(f"{name!r}: a model and its adapter are written MODEL+ADAPTER")
    return model, adapter
