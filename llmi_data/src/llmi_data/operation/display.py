"""How far a step is: a live line with rate, cost and time left on a terminal, plain log lines anywhere else."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from llmi_data.operation.meter import Pace, Tally

if TYPE_CHECKING:
    from rich.console import Console

logger = logging.getLogger("llmi_data")

Tick = Callable[[], None]
"""Called after every row."""

_LINE_EVERY_SECONDS = 15.0


@contextmanager
def shown(
    step: str,
    total: int | None,
    tallies: tuple[Tally, ...] = (),
    console: Console | None = None,
    *,
    every: float = _LINE_EVERY_SECONDS,
) -> Iterator[Tick]:
    """A display for as long as the step runs. Without a console, or where it is no terminal, lines are logged (INFO):
    one at the start, one every `every` seconds, and one at the end if there was anything to do.

    Args:
        total: how many rows there are; None where that is not known.
    """
    course = _Course(total, tallies)
    show = _live if console is not None and console.is_terminal else _logged
    with show(step, course, console, every) as refresh:

        def tick() -> None:
            course.advance()
            refresh()

        yield tick


@contextmanager
def _logged(step: str, course: _Course, _: Console | None, every: float) -> Iterator[Tick]:
    last = time.monotonic()

    def refresh() -> None:
        nonlocal last
        if time.monotonic() - last >= every:
            last = time.monotonic()
            logger.info("%s: %s", step, course)

    logger.info("%s: %s", step, "begun" if course.total is None else f"{course.total} rows to go")
    try:
        yield refresh
    finally:
        if course.begun:
            logger.info("%s: %s", step, course)


@contextmanager
def _live(step: str, course: _Course, console: Console | None, _: float) -> Iterator[Tick]:
    from rich.progress import BarColumn, Progress, TextColumn

    text, says = (TextColumn(form, markup=False) for form in ("{task.description}", "{task.fields[says]}"))
    with Progress(text, BarColumn(), says, console=console) as progress:
        task = progress.add_task(step, total=course.total, says="")
        yield lambda: progress.update(task, completed=course.done, says=str(course))


class _Course:
    def __init__(self, total: int | None, tallies: tuple[Tally, ...]) -> None:
        self.total, self.done, self._tallies, self._pace = total, 0, tallies, Pace()
        self._pace.mark(0)

    def advance(self) -> None:
        self.done += 1
        self._pace.mark(self.done)

    @property
    def begun(self) -> bool:
        return bool(self.done or any(tally.calls for tally in self._tallies))

    def __str__(self) -> str:
        """`120 of 480 rows, 3.2 rows/s, 212 answers (40 from the journal), cost 0.1800, 1:52 left`."""
        total = self.total
        parts = [f"{self.done} rows" if total is None else f"{self.done} of {total} rows"]
        if (rate := self._pace.rate(self.done)) is not None:
            parts.append(f"{rate:.1f} rows/s" if rate >= 1 else f"{rate * 60:.1f} rows/min")
        if calls := sum(tally.calls for tally in self._tallies):
            replayed = sum(tally.replayed for tally in self._tallies)
            parts.append(f"{calls} answers" + (f" ({replayed} from the journal)" if replayed else ""))
        if any(tally.prices for tally in self._tallies):
            parts.append(f"cost {sum(tally.paid_now for tally in self._tallies):.4f}")
        if total is not None and self.done < total and (left := self._pace.seconds_left(self.done, total)) is not None:
            parts.append(f"{_clock(left)} left")
        return ", ".join(parts)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
