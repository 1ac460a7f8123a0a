"""`stats`: what is in a file of rows or a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from llmi_data.row import Row
    from llmi_data.summary import Summary


def stats(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="Rows as JSON Lines, or a saved dataset's folder.")],
    plot: Annotated[Path | None, typer.Option(help="Draw rows per cell into this file (.png, .svg, .pdf).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Count rows by pictures wanted, tools, and scenario."""
    from llmi_data.summary import plot_cells, summarize

    summary = summarize(_load(path))
    if plot:
        plot_cells(summary, plot)
    if as_json:
        typer.echo(summary.model_dump_json(indent=2))
        return
    _show(summary)


def _show(summary: Summary) -> None:
    from rich.console import Console
    from rich.table import Table

    short = {-1: "none", 0: "any", 99: "1+"}
    headers = [short.get(code, str(code)) for code in summary.counts]
    table = Table("required tools", *headers, "all", caption="rows by pictures wanted")
    for tools, cell in summary.cells.items():
        table.add_row(tools, *(str(cell.get(code, "")) for code in summary.counts), str(sum(cell.values())))
    table.add_section()
    table.add_row("all", *map(str, summary.counts.values()), str(summary.rows))
    console = Console()
    console.print(table)
    words = "none"
    if summary.words:
        fewest, middle, most = summary.words
        words = f"{fewest} to {most} words (median {middle:g})"
    console.print(
        f"{len(summary.families)} families, {summary.scenarios} scenarios, {summary.wordings} wordings;"
        f" {summary.with_pictures} rows with pictures; prompts: {words}"
    )


def _load(path: Path) -> list[Row]:
    if path.is_dir():
        from llmi_data.dataset import load

        sides = load(path)
        return [*sides.train, *sides.test]
    from llmi_data.jsonl import read_rows

    return list(read_rows(path))
