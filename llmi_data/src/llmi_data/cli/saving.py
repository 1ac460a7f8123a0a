"""`dataset`: rows as a saved dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from llmi_data.cli.shared import RowsFile, console, plain


def dataset(
    rows: RowsFile,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the saved dataset.")] = Path("dataset"),
) -> None:
    """Split rows by scenario and save them as a `datasets.DatasetDict`."""
    from llmi_data.dataset import save
    from llmi_data.jsonl import no_rows, read_rows
    from llmi_data.splits import split

    sides = split(read_rows(rows))
    if not (sides.train or sides.test):
        raise no_rows(rows, ())
    save(sides, output)
    console().print(f"{len(sides.train)} train and {len(sides.test)} test rows -> {plain(output)}", soft_wrap=True)
