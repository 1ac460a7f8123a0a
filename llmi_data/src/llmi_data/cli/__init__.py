"""`llmi-data`: the steps as commands. What they need is imported when they run, so that help is instant."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from llmi_command import tells_version
from llmi_data.cli.converting import check, convert
from llmi_data.cli.curating import curate
from llmi_data.cli.inspecting import stats
from llmi_data.cli.making import generate, plan, validate
from llmi_data.cli.publishing import publish
from llmi_data.cli.running import merge, run
from llmi_data.cli.saving import dataset
from llmi_data.cli.shared import console, plain
from llmi_schema import LLMIError


class _Commands(TyperGroup):
    """Turns the packages' own errors into one sentence and exit status 1."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except LLMIError as problem:
            console().print(f"[red]error:[/red] {plain(problem)}", soft_wrap=True)
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            console().print("stopped; run the same command again to go on: every answer that had arrived is kept")
            raise typer.Exit(130) from None


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

for command in (plan, generate, validate, run, merge, curate, check, convert, dataset, publish, stats):
    app.command()(command)


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=tells_version("llmi-data"), is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Make, validate and inspect constraint-annotated prompts for illustrated documents."""
