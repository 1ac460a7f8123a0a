"""Validation: a row stays when it is implicit and a reader who never saw its labels arrives at the same ones."""

from __future__ import annotations

import asyncio
import inspect
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from llmi_data.row import Reading, Row, Verdict
from llmi_data.validation.agreement import Agreement, agreement
from llmi_data.validation.implicitness import tool_namings
from llmi_data.validation.offline_reader import OfflineReader
from llmi_data.validation.reader import BlindReader, UnclearError
from llmi_schema import ConfigurationError, SystemRequirementError

DropReason = Literal[
    "names a tool", "unclear", "reader failed", "another count", "other tools", "another count and other tools"
]


@dataclass(frozen=True)
class Dropped:
    """A row that did not stay (with the verdict, where there is one) and why."""

    row: Row
    reason: DropReason
    detail: str


@dataclass(frozen=True)
class Validated:
    """What became of the rows, in their order."""

    kept: tuple[Row, ...]
    dropped: tuple[Dropped, ...]

    @cached_property
    def agreement(self) -> Agreement:
        """Labels against readings, over every row that was read."""
        rows = (*self.kept, *(drop.row for drop in self.dropped))
        return agreement((label(row), row.verdict) for row in rows if row.verdict)

    @property
    def drops(self) -> dict[str, int]:
        """How many rows were dropped, by reason, most frequent first."""
        return dict(Counter(drop.reason for drop in self.dropped).most_common())


def label(row: Row) -> Reading:
    """A row's own labels in the shape of a reading."""
    return Reading(image_count=row.image_count, required_tools=row.required_tools)


def validate(
    rows: Iterable[Row], reader: BlindReader | None = None, *, each: Callable[[], None] | None = None
) -> Validated:
    """Check every row; from a notebook too. See `validate_async`."""
    work = validate_async(rows, reader, each=each)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    # A loop cannot be run inside a running one (a notebook has one), but another thread may have its own.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


async def validate_async(
    rows: Iterable[Row],
    reader: BlindReader | None = None,
    *,
    concurrency: int = 32,
    each: Callable[[], None] | None = None,
) -> Validated:
    """Check every row, at most `concurrency` at a time.

    Args:
        rows: labelled rows.
        reader: who reads them blind; the offline rules unless given.
        each: called after every row, for a progress display.
    """
    judge = reader or OfflineReader()
    slots = asyncio.Semaphore(concurrency)

    async def one(row: Row) -> Row | Dropped:
        async with slots:
            outcome = await check(row, judge)
        if each:
            each()
        return outcome

    outcomes = await asyncio.gather(*map(one, rows))
    return Validated(
        kept=tuple(o for o in outcomes if isinstance(o, Row)),
        dropped=tuple(o for o in outcomes if isinstance(o, Dropped)),
    )


async def check(row: Row, reader: BlindReader) -> Row | Dropped:
    """One row: itself with the reader's verdict, or the reason it goes.

    Raises `ConfigurationError` or `SystemRequirementError` from the reader: they would fail every row alike.
    """
    if namings := tool_namings(row.text):
        first = namings[0]
        return Dropped(row, "names a tool", f"{first.words!r} {first.why}")
    try:
        answer = reader.read(row.question)
        reading = await answer if inspect.isawaitable(answer) else answer
    except UnclearError as problem:
        return Dropped(row, "unclear", str(problem))
    except (ConfigurationError, SystemRequirementError):
        raise
    except Exception as error:  # noqa: BLE001 - a reader is anybody's code; what it raises costs this row, not its neighbours
        return Dropped(row, "reader failed", f"{type(error).__name__}: {error}")
    return _compare(row, reading, reader.name)


def _compare(row: Row, reading: Reading, reader: str) -> Row | Dropped:
    wanted = label(row)
    other_count = reading.image_count != wanted.image_count
    other_tools = reading.required_tools != wanted.required_tools
    verdict = Verdict(**reading.model_dump(), reader=reader, agrees=not (other_count or other_tools))
    read = row.model_copy(update={"verdict": verdict})
    if verdict.agrees:
        return read
    detail = f"labelled {_spell(wanted)}, read as {_spell(reading)}"
    if not other_tools:
        return Dropped(read, "another count", detail)
    return Dropped(read, "another count and other tools" if other_count else "other tools", detail)


def _spell(reading: Reading) -> str:
    return f"{reading.image_count} ({' + '.join(reading.required_tools) or 'no tool'})"
