"""What `llmi-train evaluate` shows while it works."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from llmi_train.evaluate import Result


@contextmanager
def progress(total: int, console: Console) -> Iterator[Callable[[Result], None]]:
    """A bar, with the mean of the tasks that are fully scored so far."""
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    known: list[float] = []
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=total)

        def step(result: Result) -> None:
            if result.known:
                known.append(result.low)
            mean = f"{100 * sum(known) / len(known):.1f} %" if known else ""
            bar.update(task, advance=1, description=mean)

        yield step
