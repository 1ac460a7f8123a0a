"""Validation: a row stays when it is implicit and a reader who never saw its labels arrives at the same ones."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from llmi_data.operation.flow import PATIENCE, flow, kind_of
from llmi_data.operation.loop import run_here
from llmi_data.row import Reading, Row, Verdict
from llmi_data.validation.agreement import Agreement, agreement
from llmi_data.validation.implicitness import tool_namings
from llmi_data.validation.judge import Implicitness
from llmi_data.validation.offline_reader import OfflineReader
from llmi_data.validation.reader import BlindReader, UnclearError
from llmi_schema import ConfigurationError, LLMIError, SystemRequirementError

if TYPE_CHECKING:
    from llmi_reward.chat import ChatError

DropReason = Literal[
    "names a tool",
    "judged to name a tool",
    "unclear",
    "reader failed",
    "no answer",
    "no usable answer",
    "another count",
    "other tools",
    "another count and other tools",
]


@dataclass(frozen=True)
class Dropped:
    """A row that did not stay (with the verdicts, where there are any) and why."""

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

    @property
    def unanswered(self) -> int:
        """Rows that a later run may still keep, since a model gave no answer."""
        return self.drops.get("no answer", 0)


def label(row: Row) -> Reading:
    """A row's own labels in the shape of a reading."""
    return Reading(image_count=row.image_count, required_tools=row.required_tools)


def validate(
    rows: Iterable[Row],
    reader: BlindReader | None = None,
    *,
    judge: Implicitness | None = None,
    each: Callable[[], None] | None = None,
) -> Validated:
    """Check every row; from a notebook too. See `validate_async`."""
    return run_here(validate_async(rows, reader, judge=judge, each=each))


async def validate_async(
    rows: Iterable[Row],
    reader: BlindReader | None = None,
    *,
    judge: Implicitness | None = None,
    concurrency: int = 32,
    patience: int = PATIENCE,
    each: Callable[[], None] | None = None,
) -> Validated:
    """Check every row, at most `concurrency` at a time.

    Args:
        rows: labelled rows.
        reader: who reads them blind; the offline rules unless given.
        judge: who looks for tools given away, after the rules have; nobody unless given.
        patience: after so many rows in a row to which a model gave no answer, checking stops.
        each: called after every row, for a progress display.

    Raises `StoppedError` as `flow` does, and what `check` raises.
    """
    chosen = reader or OfflineReader()
    outcomes = await flow(
        rows,
        lambda row: check(row, chosen, judge),
        _unanswered,
        concurrency=concurrency,
        patience=patience,
        each=each,
    )
    return Validated(
        kept=tuple(o for o in outcomes if isinstance(o, Row)),
        dropped=tuple(o for o in outcomes if isinstance(o, Dropped)),
    )


async def check(row: Row, reader: BlindReader, judge: Implicitness | None = None) -> Row | Dropped:
    """One row: itself with the verdicts on it, or the reason it goes.

    Raises `ChatError` where a model gives no answer, and `ConfigurationError` or `SystemRequirementError` from the
    reader: they would fail every row alike.
    """
    if namings := tool_namings(row.text):
        first = namings[0]
        return Dropped(row, "names a tool", f"{first.words!r} {first.why}")
    if judge is not None:
        row = row.model_copy(update={"implicit": await judge.judge(row.question)})
        if row.implicit and not row.implicit.implicit:
            return Dropped(row, "judged to name a tool", row.implicit.reason)
    try:
        answer = reader.read(row.question)
        reading = await answer if inspect.isawaitable(answer) else answer
    except UnclearError as problem:
        return Dropped(row, "unclear", str(problem))
    except LLMIError as error:
        if isinstance(error, ConfigurationError | SystemRequirementError) or _is_chat_error(error):
            raise
        return Dropped(row, "reader failed", f"{type(error).__name__}: {error}")
    except Exception as error:  # noqa: BLE001 - a reader is anybody's code; what it raises costs this row, not its neighbours
        return Dropped(row, "reader failed", f"{type(error).__name__}: {error}")
    return _compare(row, reading, reader.name)


def require_another_model(rows: Iterable[Row], model: str) -> None:
    """Raises `ConfigurationError` where the model that is to read the rows has written one of them."""
    for row in rows:
        if row.provenance is not None and row.provenance.generator.partition(" / ")[0] == model:
            raise ConfigurationError(
                f"row {row.id} was written by {model}, which is to read it too: a second opinion must come from "
                "another model; name one"
            )


def _is_chat_error(error: LLMIError) -> bool:
    from llmi_reward.chat import ChatError

    return isinstance(error, ChatError)


def _unanswered(row: Row, error: ChatError) -> Row | Dropped:
    return Dropped(row, kind_of(error), f"{error.reason}: {error}")


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
