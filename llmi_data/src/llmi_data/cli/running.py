"""`run` and `merge`: the whole chain from one file, and the parts of a step put together."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from llmi_data.cli.models import DryRun
from llmi_data.cli.reporting import show_generation, show_validation
from llmi_data.cli.shared import console, plain, progress


def run(
    config: Annotated[Path, typer.Argument(metavar="RUN.YAML", help="What to make, and with which models.")],
    dry_run: DryRun = False,
) -> None:
    """Make a dataset from a run's file; run it again to go on where it stopped."""
    from llmi_data.forecast import forecast
    from llmi_data.operation.config import RunConfig
    from llmi_data.operation.run import run as run_all

    settings = RunConfig.from_yaml(config)
    if dry_run:
        typer.echo(str(forecast(settings)))
        return
    with progress() as out:
        report = run_all(settings, console=out)
    out.print(f"{report.generate.rows} of {report.generate.planned} rows made")
    show_generation(report.generate, out)
    out.print(f"{report.validation.kept} rows stay after validation")
    show_validation(report.validation, out)
    if report.curation:
        out.print(f"{report.curation['kept']} rows stay after curation")
        for reason, times in report.curation["removed"].items():
            out.print(f"{times:>6} removed: {reason}")
    out.print(
        f"{report.train.rows} train and {report.test.rows} test rows -> {plain(settings.folder / 'dataset')}",
        soft_wrap=True,
    )
    if report.unanswered:
        out.print(f"{report.unanswered} rows got no answer: run it again to ask for them once more")


def merge(
    whole: Annotated[Path, typer.Argument(metavar="ROWS.JSONL", help="The file that the parts make up.")],
) -> None:
    """Put the parts of a file, written with --shard, together."""
    from llmi_data.operation.shards import merge as merge_parts

    merged = merge_parts(whole)
    out = console()
    out.print(f"{merged.rows} rows from {merged.parts} parts -> {plain(whole)}", soft_wrap=True)
    if merged.repeated:
        out.print(f"{len(merged.repeated):>6} left out: repeats a row")
