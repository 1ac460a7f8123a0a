"""`llmi-train grpo` and `llmi-train sft`: a recipe, flags that override it, and as many processes as there are GPUs."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llmi_train.cli.shared import Unsafe, console, one_sentence

if TYPE_CHECKING:
    from llmi_train.recipe import Recipe
    from llmi_train.supervised import SftRecipe

ANY_SETTING = {"allow_extra_args": True, "ignore_unknown_options": True}
"""For `app.command(context_settings=...)`: what is no option of the command is a setting of the recipe."""

Config = Annotated[Path, typer.Option(help="A recipe: a file, or the name of a shipped one such as tiny/qwen3.")]


def grpo(
    ctx: typer.Context,
    config: Config,
    dry: Annotated[bool, typer.Option("--dry-run", help="Show what would be run, and train nothing.")] = False,
    unsafe: Unsafe = False,
) -> None:
    """Train a LoRA adapter with GRPO. The same command after a stop goes on from the newest checkpoint.

    Any setting of the recipe or of TRL's GRPOConfig may follow: --output_dir runs/mine --learning_rate 2e-5 --lora.r 16
    """
    with one_sentence():
        from llmi_train import launch

        launch.die_with_launcher()
        recipe = read_grpo(config, ctx.args)
        os.environ.update(recipe.env)
        if dry:
            _show_dry_run(recipe, unsafe)
            return
        arguments = ["grpo", "--config", str(config), *(["--unsafe"] if unsafe else []), *ctx.args]
        _run(lambda: _train_grpo(recipe, unsafe), recipe, arguments, cpu=bool(recipe.grpo.get("use_cpu")))
        if launch.is_first():
            console().print(f"adapter: {recipe.output_dir / 'adapter'}")


def sft(ctx: typer.Context, config: Config) -> None:
    """Warm a model up on (prompt, document) pairs. Its result is what a GRPO recipe's `model` may name.

    Any setting of the recipe or of TRL's SFTConfig may follow, as with `grpo`.
    """
    with one_sentence():
        from llmi_train import launch

        launch.die_with_launcher()
        recipe = read_sft(config, ctx.args)
        os.environ.update(recipe.env)
        arguments = ["sft", "--config", str(config), *ctx.args]
        _run(lambda: _train_sft(recipe), recipe, arguments, cpu=bool(recipe.sft.get("use_cpu")))
        if launch.is_first():
            console().print(f"model: {recipe.output_dir / 'model'}")


def read_grpo(config: Path, flags: list[str]) -> Recipe:
    """The recipe a command line means. Raises `ConfigurationError`."""
    from llmi_train.flags import read_flags
    from llmi_train.recipe import Recipe, shipped

    return Recipe.from_yaml(shipped(config), **read_flags(flags, Recipe, lambda: _settings("GRPOConfig"), "grpo"))


def read_sft(config: Path, flags: list[str]) -> SftRecipe:
    """The recipe a command line means. Raises `ConfigurationError`."""
    from llmi_train.flags import read_flags
    from llmi_train.recipe import shipped
    from llmi_train.supervised import SftRecipe

    return SftRecipe.from_yaml(shipped(config), **read_flags(flags, SftRecipe, lambda: _settings("SFTConfig"), "sft"))


def _settings(name: str) -> set[str]:
    from dataclasses import fields

    import trl

    return {field.name for field in fields(getattr(trl, name))}


def _run(work: Callable[[], None], recipe: Recipe | SftRecipe, arguments: list[str], *, cpu: bool) -> None:
    """Here, as one of a group or alone; or in as many processes as the recipe asks for or the machine has GPUs."""
    from llmi_train import distributed, launch

    if distributed.under_a_launcher():
        work()
        distributed.leave()
        return
    processes = recipe.processes or (1 if cpu else launch.default_processes())
    if processes == 1:
        work()
    else:
        launch.launch(arguments, processes, recipe.output_dir)


def _train_grpo(recipe: Recipe, unsafe: bool) -> None:
    from llmi_train.callbacks import Lines
    from llmi_train.grpo import train
    from llmi_train.grpo.run import open_toolkit
    from llmi_train.watching.callback import RunReport

    with open_toolkit(recipe.tools, unsafe=unsafe) as toolkit:
        train(recipe, toolkit=toolkit, callbacks=[Lines(console()), RunReport.of(recipe)])


def _show_dry_run(recipe: Recipe, unsafe: bool) -> None:
    from llmi_train.dry_run import dry_run

    found = dry_run(recipe, unsafe=unsafe)
    console().print(str(found), markup=False)
    if not found.ok:
        raise typer.Exit(1)


def _train_sft(recipe: SftRecipe) -> None:
    from llmi_train.callbacks import Lines
    from llmi_train.supervised import train_sft

    train_sft(recipe, callbacks=[Lines(console())])
