"""What every command has in common."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

RowsFile = Annotated[Path, typer.Argument(metavar="ROWS.JSONL", help="Rows, one per line.")]


def number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"


def plain(value: object) -> str:
    """Text from files and messages, with nothing in it taken for markup."""
    from rich.markup import escape

    return escape(str(value))


def console() -> Console:
    from rich.console import Console

    return Console(stderr=True, emoji=False, highlight=False)


@contextmanager
def progress() -> Iterator[Console]:
    """The console that shows a step's progress; where it is no terminal, plain lines go to the standard error."""
    import logging

    shown = console()
    logger = logging.getLogger("llmi_data")
    handler = logging.StreamHandler(shown.file)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield shown
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
