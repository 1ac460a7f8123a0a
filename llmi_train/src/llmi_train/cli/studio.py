"""`llmi-train studio`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from llmi_schema import ConfigurationError, SystemRequirementError
from llmi_train.cli.policies import (
    Budget,
    Journal,
    Model,
    Option,
    Prices,
    Tools,
    enforces,
    open_policy,
    open_toolkit,
)
from llmi_train.cli.shared import Unsafe, console, one_sentence


def studio(
    model: Model = "runs/demo/base",
    adapter: Annotated[Path | None, typer.Option(help="Folder of a LoRA adapter.")] = None,
    tools: Tools = "offline",
    reward: Annotated[
        str, typer.Option(help="Scores each document: rules, llmi, llmi_tools, module:object, or none.")
    ] = "rules",
    port: Annotated[int, typer.Option(min=0, max=65535, help="On this machine only; 0 takes a free one.")] = 8700,
    instruct: Annotated[
        bool | None, typer.Option(help="Teach the tags in a system message; by default for servers only.")
    ] = None,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="The longest document.")] = None,
    prices: Prices = None,
    tool_price: Annotated[
        list[str] | None, typer.Option(help="What one call of a tool costs, TOOL=PRICE; may be repeated.")
    ] = None,
    currency: Annotated[str, typer.Option(help="Put before every price.")] = "",
    budget: Budget = None,
    journal: Journal = None,
    option: Option = None,
    unsafe: Unsafe = False,
) -> None:
    """A page on this machine where documents are written and illustrated before your eyes."""
    with one_sentence():
        try:
            from llmi_train.studio import Studio, serve, studio_app
            from llmi_train.studio.run import bound
        except ImportError as error:
            raise SystemRequirementError(f"the studio needs {error.name}: pip install 'llmi-train[studio]'") from None
        from llmi_reward.loading import load_reward

        policy = open_policy(
            model,
            adapter=adapter,
            max_tokens=max_tokens,
            instruct=instruct,
            prices=prices,
            budget=budget,
            journal=journal,
            option=option,
        )
        with open_toolkit(tools, unsafe=unsafe) as toolkit, bound(port) as listening:
            about = Studio(
                policy,
                toolkit,
                reward=None if reward == "none" else load_reward(reward),
                prices=dict(map(_price, tool_price or ())),
                currency=currency,
                model=model if adapter is None else f"{model} with {adapter}",
                tools=tools,
                reward_name=None if reward == "none" else reward,
            )
            console().print(f"http://127.0.0.1:{listening.getsockname()[1]}/  (Ctrl-C ends it)")
            console().print(escape(f"{about.model}; tools: {tools}; reward: {reward}"), style="dim")
            serve(studio_app(about, constrain=enforces(policy)), listening)


def _price(text: str) -> tuple[str, float]:
    tool, _, price = text.partition("=")
    try:
        return tool, float(price)
    except ValueError:
        raise ConfigurationError(f"--tool-price {text}: write TOOL=PRICE, as in search=0.005") from None
