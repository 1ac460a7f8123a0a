"""`convert` and `check`: rows from and for other programs, and whether a file holds rows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from llmi_data.cli.reporting import show_problems
from llmi_data.cli.shared import RowsFile, console, plain, progress

FormatOption = Literal["rows", "trl", "verl", "chat"]


def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="JSON Lines, Parquet, or a saved dataset's folder.")],
    output: Annotated[Path, typer.Argument(metavar="OUT", help="A name ending in .jsonl, .parquet, or in nothing.")],
    form: Annotated[FormatOption | None, typer.Option("--from", help="The format of IN; else told from it.")] = None,
    to: Annotated[
        FormatOption | None, typer.Option("--to", help="The format of OUT: rows for .jsonl unless given, else trl.")
    ] = None,
) -> None:
    """Turn rows of one format into another: ours, TRL's, verl's (as published), OpenAI chats."""
    from llmi_data.conversion import convert as convert_rows
    from llmi_data.conversion import expected_records
    from llmi_data.operation.display import shown

    with progress() as out, shown("convert", expected_records(source), console=out) as tick:
        done = convert_rows(source, output, form=form, to=to, each=tick)
    show_problems("left out", done.broken, out)
    for column, times in done.lost.items():
        out.print(f"[yellow]lost:[/yellow] column {plain(column)} of {times} rows, which a row has no place for")
    out.print(f"{done.rows} rows, {done.source} -> {done.target}: {plain(output)}", soft_wrap=True)


def check(rows: RowsFile) -> None:
    """Check rows against their schema; the exit status is 1 when a line is not in order."""
    from llmi_data.checking import check_file

    checked = check_file(rows)
    out = console()
    show_problems("not a row", checked.problems, out)
    out.print(f"{checked.valid} rows are in order, {len(checked.problems)} are not")
    if checked.problems:
        raise typer.Exit(1)
