"""What a person sees while the demo works: one line per stage, in plain words, and a bar for the long ones.

Libraries write to the process's standard output and error as they please; while the demo runs both go to a log
file, and only this display writes to the terminal.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn


@contextmanager
def terminal_to_ourselves(log: Path) -> Iterator[Console]:
    """Send file descriptors 1 and 2 to `log`; yield a console on the real standard output."""
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(1), os.dup(2)
    with log.open("a") as sink, os.fdopen(os.dup(1), "w", buffering=1) as terminal:
        os.dup2(sink.fileno(), 1)
        os.dup2(sink.fileno(), 2)
        try:
            yield _console(terminal)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for target, original in zip((1, 2), saved, strict=True):
                os.dup2(original, target)
                os.close(original)


def _console(terminal: TextIO) -> Console:
    return Console(file=terminal, emoji=False, highlight=False, soft_wrap=not terminal.isatty())


class Display:
    """Announces stages and shows how far the running one is."""

    def __init__(self, console: Console) -> None:
        self.console = console

    @contextmanager
    def stage(self, number: int, of: int, text: str, total: int | None = None) -> Iterator[Ticker]:
        """One stage; `total` gives it a bar. Prints how long it took."""
        started = time.perf_counter()
        self.console.print(f"[bold]{number}/{of}[/] {text}")
        with Progress(
            TextColumn("    "),
            BarColumn(bar_width=32),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}"),
            console=self.console,
            transient=True,
            disable=total is None or not self.console.is_terminal,
        ) as progress:
            yield Ticker(progress, self.console, total)
        self.say(f"done in {time.perf_counter() - started:.0f} s")

    def say(self, text: str) -> None:
        """A remark below the current stage."""
        self.console.print(f"    [dim]{text}[/]")


class Ticker:
    """Moves one stage's bar. Where there is no terminal, a line for each quarter stands in for it."""

    def __init__(self, progress: Progress, console: Console, total: int | None) -> None:
        self._progress = progress
        self._console = console
        self._total = total or 0
        self._quarter = 0
        self._task = progress.add_task("", total=total, note="")

    def at(self, done: int, note: str = "") -> None:
        self._progress.update(self._task, completed=done, note=note)
        quarter = 4 * done // self._total if self._total else 0
        if quarter > self._quarter and not self._console.is_terminal:
            self._quarter = quarter
            self._console.print(f"    {done}/{self._total} {note}")
