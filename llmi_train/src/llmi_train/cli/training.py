"""`llmi-train grpo` and what surrounds it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from llmi_train.cli.shared import Unsafe, console, one_sentence


def grpo(
    config: Annotated[Path, typer.Option(help="A recipe, see `llmi_train/recipes`.")],
    unsafe: Unsafe = False,
) -> None:
    """Train a LoRA adapter with GRPO. The same command after a stop goes on from the newest checkpoint."""
    with one_sentence():
        from llmi_train.recipe import Recipe

        recipe = Recipe.from_yaml(config)
        from llmi_sandbox import Toolkit
        from llmi_train.grpo import train

        with Toolkit.offline(unsafe=unsafe) as toolkit:
            adapter = train(recipe, toolkit=toolkit)
        console().print(f"adapter: {adapter}")
