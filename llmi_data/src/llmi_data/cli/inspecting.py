"""`stats`: what is in a file of rows or a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llmi_data.cli.shared import console, plain

if TYPE_CHECKING:
    from llmi_data.errors import RowError
    from llmi_data.summary import Summary

_MOST = 12  # names of one kind that are listed


def stats(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="Rows in any format `convert` reads, or a saved dataset's folder.")
    ],
    plot: Annotated[Path | None, typer.Option(help="Draw all of it into this file (.png, .svg, .pdf).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Count rows by pictures wanted, tools, scenario, language, length; of any format."""
    from llmi_data.conversion import read_any
    from llmi_data.jsonl import no_rows
    from llmi_data.plots import plot_overview
    from llmi_data.summary import summarize

    broken: list[RowError] = []
    summary = summarize(read_any(path, broken.append))
    if not summary.rows:
        raise no_rows(path, broken)
    if broken:
        out = console()
        out.print(f"[yellow]left out:[/yellow] {len(broken)} records, the first: {plain(broken[0])}", soft_wrap=True)
    if plot:
        plot_overview(summary, plot)
    if as_json:
        typer.echo(summary.model_dump_json(indent=2))
        return
    _show(summary)


def _show(summary: Summary) -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    short = {-1: "none", 0: "any", 99: "1+"}
    headers = [short.get(code, str(code)) for code in summary.counts]
    # No lines between columns: a plan with every count up to ten is to fit a terminal of 80 signs.
    table = Table(caption="rows by pictures wanted", box=SIMPLE, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("required tools", min_width=18)
    for header in (*headers, "all"):
        table.add_column(header, justify="right")
    for tools, cell in summary.cells.items():
        table.add_row(tools, *(str(cell.get(code, "")) for code in summary.counts), str(sum(cell.values())))
    table.add_section()
    table.add_row("all", *map(str, summary.counts.values()), str(summary.rows))
    out = Console(emoji=False)
    out.print(table)
    words = "none"
    if summary.words:
        fewest, middle, most = summary.words
        words = f"{fewest} to {most} words (median {middle:g})"
    out.print(
        f"{len(summary.families)} families, {summary.scenarios} scenarios, {summary.wordings} wordings;"
        f" {summary.with_pictures} rows with pictures; prompts: {words}"
    )
    for name in ("sides", "languages", "domains", "verdicts"):
        counts = getattr(summary, name)
        if counts:
            out.print(f"{name}: " + ", ".join(f"{plain(what)} {rows}" for what, rows in list(counts.items())[:_MOST]))
