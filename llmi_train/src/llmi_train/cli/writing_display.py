"""How the terminal shows a document that is being written: prose as it comes, pictures as they arrive."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text as Line

from llmi_schema import BadTag, Tag, ToolResult
from llmi_train.writing import Answered, Called, Event, Finished, Inside, Wrote

if TYPE_CHECKING:
    from llmi_train.writing import BatchSummary, Writing, Written


async def show(writing: Writing, console: Console) -> Written | None:
    """Watch a writing to its end. The first Ctrl-C stops it with what is there, the second ends it; then None."""
    with _interrupts(writing), _screen(console) as take:
        async with contextlib.aclosing(writing.events()) as events:
            async for event in events:
                take(event)
                if isinstance(event, Finished):
                    return event.written
    return None


@contextlib.contextmanager
def progress(total: int, console: Console) -> Iterator[Callable[[BatchSummary], None]]:
    """A bar for many documents; where there is no terminal, nothing until the end."""
    if not console.is_terminal:
        yield lambda summary: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("writing", total=total)

        def step(summary: BatchSummary) -> None:
            done = summary.written + summary.found + len(summary.failed)
            failed = f", {len(summary.failed)} failed" if summary.failed else ""
            bar.update(task, completed=done, description=f"writing{failed}")

        yield step


@contextlib.contextmanager
def _interrupts(writing: Writing) -> Iterator[None]:
    loop = asyncio.get_running_loop()

    def interrupted() -> None:
        loop.remove_signal_handler(signal.SIGINT)  # once more, and it is a KeyboardInterrupt
        writing.stop()

    try:
        loop.add_signal_handler(signal.SIGINT, interrupted)
    except (NotImplementedError, RuntimeError, ValueError):  # not the main thread: Ctrl-C is somebody else's
        yield
        return
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)


@contextlib.contextmanager
def _screen(console: Console) -> Iterator[Callable[[Event], None]]:
    if console.is_terminal:
        screen = _Terminal(console)
        with screen.live:
            yield screen.take
            screen.end()
    else:
        yield _Plain(console).take


class _Plain:
    """Text for files and pipes: prose as it is, a line for each picture."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._at_line_start = True

    def take(self, event: Event) -> None:
        match event:
            case Wrote(text):
                self._console.out(text, end="", highlight=False)
                self._at_line_start = text.endswith("\n")
            case Called(tag):
                self._line(f"[{_title(tag)}]")
            case Answered(tag, result):
                self._line(f"[{_number(tag)}: {_outcome(result)}]")
            case Finished():
                self._console.out("" if self._at_line_start else "\n", end="")

    def _line(self, words: str) -> None:
        self._console.out("" if self._at_line_start else "\n", words, "\n", sep="", end="", highlight=False)
        self._at_line_start = True


class _Terminal:
    """Whole lines above; the line that is being written, and every picture's state, below."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._line = ""
        self._after_empty = True
        self._place = "text"
        self._tags: dict[int, tuple[Tag | BadTag, ToolResult | None]] = {}
        self.live = Live(console=console, get_renderable=self._renderable, refresh_per_second=12)

    def take(self, event: Event) -> None:
        match event:
            case Wrote(text):
                *lines, self._line = (self._line + text).split("\n")
                for line in lines:
                    self._print(line)
            case Inside(place):
                self._place = place
            case Called(tag):
                self._tags[tag.index] = (tag, None)
                self._print(self._line)
                self._line = ""
                self._print(f"[{_number(tag)}]", "dim")
            case Answered(tag, result):
                self._tags[tag.index] = (tag, result)

    def end(self) -> None:
        self._print(self._line)
        self._line, self._place = "", "text"

    def _print(self, line: str, style: str = "") -> None:
        """A line above; of several empty ones, the first."""
        if line.strip() or not self._after_empty:
            self._console.print(Line(line, style=style))
        self._after_empty = not line.strip()

    def _renderable(self) -> RenderableType:
        parts: list[RenderableType] = [Line(self._line)] if self._line else []
        if self._place != "text":
            words = {"tag": "asking for a picture", "thought": "thinking"}[self._place]
            parts.append(Spinner("dots", Line(words, style="dim")))
        if self._tags:
            parts.append(self._pictures())
        return Group(*parts)

    def _pictures(self) -> Table:
        table = Table.grid(padding=(0, 2, 0, 0))
        for tag, result in self._tags.values():
            mark: RenderableType = Spinner("dots")
            if result is not None:
                mark = Line("✓", style="green") if result.ok else Line("✗", style="yellow")
            outcome = Line("" if result is None else _outcome(result), style="dim", overflow="ellipsis", no_wrap=True)
            table.add_row(mark, Line(_title(tag), overflow="ellipsis", no_wrap=True), outcome)
        return table


def _number(tag: Tag | BadTag) -> str:
    return f"figure {tag.index + 1}"


def _title(tag: Tag | BadTag) -> str:
    if isinstance(tag, BadTag):
        return f"{_number(tag)}: a tag that cannot be read"
    return f"{_number(tag)}: {tag.tool}: {' '.join(tag.call.description.split())}"


def _outcome(result: ToolResult) -> str:
    if result.picture is not None:
        return (
            f"{result.picture.provenance.provider}, {result.seconds:.2f} s{', from the cache' if result.cached else ''}"
        )
    return f"{result.reason}: {' '.join(result.message.split())[:120]}"
