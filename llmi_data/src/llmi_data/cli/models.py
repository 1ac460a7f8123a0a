"""The options that name a model, and the settings they amount to."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from llmi_data.operation.models import ModelConfig

BaseUrl = Annotated[
    str | None, typer.Option(envvar="OPENAI_BASE_URL", help="Where models are served, up to and with /v1.")
]
KeyVariable = Annotated[str, typer.Option("--api-key-env", help="The variable that holds the key.")]
Setting = Annotated[
    list[str] | None, typer.Option("--option", help="A field of every request, such as temperature=0.7; repeatable.")
]
Concurrency = Annotated[int, typer.Option(min=1, help="Most requests in flight.")]
PromptPrice = Annotated[float | None, typer.Option(help="Money per million prompt tokens.")]
CompletionPrice = Annotated[float | None, typer.Option(help="Money per million completion tokens.")]
Money = Annotated[float | None, typer.Option("--budget", help="Most money to spend, by the prices.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what it would ask for and cost, and do nothing.")]
ShardOption = Annotated[str, typer.Option("--shard", metavar="I/N", help="Do only part I of N; see merge.")]


def model_config(
    name: str | None,
    *,
    base_url: str | None,
    api_key_env: str,
    settings: Sequence[str] | None,
    concurrency: int,
    prompt_price: float | None,
    completion_price: float | None,
) -> ModelConfig | None:
    """None without a name. Raises `ConfigurationError` for what is missing."""
    from pydantic import ValidationError

    from llmi_data.operation.models import ModelConfig
    from llmi_data.yaml_file import first_problem
    from llmi_schema import ConfigurationError

    if name is None:
        return None
    if base_url is None:
        raise ConfigurationError(f"where is {name} served? Say --base-url http://localhost:8000/v1, or its like")
    prices = None
    if prompt_price is not None or completion_price is not None:
        prices = {"prompt": prompt_price or 0.0, "completion": completion_price or 0.0}
    try:
        return ModelConfig.model_validate(
            {
                "name": name,
                "base_url": base_url,
                "api_key_env": api_key_env,
                "options": dict(_setting(text) for text in settings or ()),
                "concurrency": concurrency,
                "prices": prices,
            }
        )
    except ValidationError as error:
        raise ConfigurationError(first_problem(error, "the model")) from None


def _setting(text: str) -> tuple[str, Any]:
    from llmi_schema import ConfigurationError

    name, equals, value = text.partition("=")
    if not equals:
        raise ConfigurationError(f"--option {text}: write name=value, such as temperature=0.7")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def journals_beside(output: Path) -> Callable[[str], Path]:
    """Where a single step keeps its answers: `rows.jsonl` has `rows.generate.sqlite`."""
    stem = output.name.removesuffix("".join(output.suffixes))
    return lambda name: output.with_name(f"{stem}.{name}.sqlite")
