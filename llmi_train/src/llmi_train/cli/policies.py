"""Options that several commands share: which policy, which tools."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llmi_schema import ConfigurationError

if TYPE_CHECKING:
    from llmi_sandbox import Toolkit
    from llmi_train.policies import LocalPolicy, ServedPolicy

Model = Annotated[
    str,
    typer.Option(
        "--model",
        "-m",
        help="A folder or Hub name, MODEL+ADAPTER, or a server: NAME@http://host:8000/v1 with vllm: or sglang: before "
        "it where it is one; openai:NAME, anthropic:NAME, gemini:NAME, azure:NAME@https://..., env:PREFIX.",
    ),
]
Tools = Annotated[str, typer.Option(help="offline, env, or a file that describes a toolkit (.toml, .json, .yaml).")]
Prices = Annotated[
    str | None, typer.Option(help="What a server takes per million tokens: PROMPT,COMPLETION, e.g. 0.5,2.")
]
Budget = Annotated[float | None, typer.Option(min=0, help="Most money to spend on the model; needs --prices.")]
Journal = Annotated[Path | None, typer.Option(help="Answers of a server are kept here, and never paid for twice.")]
Option = Annotated[
    list[str] | None,
    typer.Option(
        "--option", help="A field of a server's requests, NAME=JSON; NAME=null leaves it out. May be repeated."
    ),
]


def open_policy(
    model: str,
    *,
    adapter: Path | None = None,
    max_tokens: int | None = None,
    instruct: bool | None = None,
    prices: str | None = None,
    budget: float | None = None,
    journal: Path | None = None,
    option: list[str] | None = None,
) -> ServedPolicy | LocalPolicy:
    """The policy that the options name."""
    from llmi_train.policies import load_policy

    paid = read_prices(prices) if prices else None
    limit = None
    if budget is not None:
        from llmi_reward.chat import Budget as Limit

        limit = Limit(money=budget)
    return load_policy(
        f"{model}+{adapter}" if adapter is not None else model,
        max_tokens=max_tokens,
        instruct=instruct,
        prices=paid,
        budget=limit,
        journal=journal,
        options=dict(map(_field, option or ())),
    )


def open_toolkit(tools: str, *, unsafe: bool = False) -> Toolkit:
    """`offline`, `env`, or a file."""
    from llmi_sandbox import Toolkit

    if tools == "offline":
        return Toolkit.offline(unsafe=unsafe)
    if unsafe:
        raise ConfigurationError("--unsafe goes with the offline tools; a toolkit's file has a setting for it")
    return Toolkit.from_env() if tools == "env" else Toolkit.from_file(tools)


def enforces(policy: ServedPolicy | LocalPolicy) -> bool:
    """Whether a constraint holds while the policy writes, rather than being mended afterwards."""
    from llmi_train.policies import ServedPolicy

    return not isinstance(policy, ServedPolicy) or policy.engine is not None


def read_prices(text: str) -> Any:
    """What --prices says."""
    from llmi_reward.chat import Prices

    try:
        prompt, completion = (float(part) for part in text.split(","))
    except ValueError:
        raise ConfigurationError(f"--prices {text}: two numbers are needed, per million tokens, as in 0.5,2") from None
    return Prices(prompt, completion)


def _field(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ConfigurationError(f"--option {text}: write NAME=VALUE, as in top_p=0.9")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
