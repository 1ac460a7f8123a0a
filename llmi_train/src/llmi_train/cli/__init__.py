"""`llmi-train`: the command line. Everything heavy is imported inside the command that needs it."""

from __future__ import annotations

from typing import Annotated

import typer

from llmi_command import tells_version
from llmi_train.cli.demo import demo
from llmi_train.cli.doctor import doctor
from llmi_train.cli.evaluation import compare, evaluate
from llmi_train.cli.publishing import push, report
from llmi_train.cli.scaling import scale
from llmi_train.cli.studio import studio
from llmi_train.cli.training import ANY_SETTING, grpo, sft
from llmi_train.cli.writing import write

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

for command in (compare, demo, doctor, evaluate, push, report, scale, studio, write):
    app.command()(command)
app.command(context_settings=ANY_SETTING)(grpo)
app.command(context_settings=ANY_SETTING)(sft)


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=tells_version("llmi-train"), is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Train a model to write illustrated documents; write with it, evaluate it, publish it."""
