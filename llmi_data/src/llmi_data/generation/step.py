"""Generation as a step: a plan in, rows out, in the plan's order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from llmi_data.errors import PlanError
from llmi_data.generation.writer import Lost
from llmi_data.operation.flow import PATIENCE, flow, kind_of
from llmi_data.operation.shards import WHOLE, Shard
from llmi_data.plan import Assignment, Plan
from llmi_data.row import Row

if TYPE_CHECKING:
    from llmi_reward.chat import ChatError


class Writer(Protocol):
    """Makes one row of an assignment, or says why there is none."""

    @property
    def name(self) -> str:
        """Recorded with every row."""

    async def write(self, assignment: Assignment, seed: int) -> Row | Lost: ...


@dataclass(frozen=True)
class Written:
    """What became of a plan: its rows, and the assignments that came to nothing."""

    rows: tuple[Row, ...]
    lost: tuple[Lost, ...]

    @property
    def unanswered(self) -> int:
        """Rows that a later run may still get, since the model gave no answer."""
        return sum(lost.reason == "no answer" for lost in self.lost)


async def write_rows_async(
    plan: Plan,
    writer: Writer,
    *,
    shard: Shard = WHOLE,
    concurrency: int = 32,
    patience: int = PATIENCE,
    each: Callable[[], None] | None = None,
) -> Written:
    """Write a plan's rows, at most `concurrency` at a time; a request that repeats an earlier one is lost.

    Raises `StoppedError` as `flow` does.
    """
    assignments = shard.of(list(plan.expand()))
    results = await flow(
        assignments,
        lambda assignment: writer.write(assignment, plan.seed),
        _unanswered,
        concurrency=concurrency,
        patience=patience,
        each=each,
    )
    return without_repeats(results, assignments)


def without_repeats(results: Sequence[Row | Lost], assignments: Sequence[Assignment]) -> Written:
    """Rows and losses apart; of rows that ask the same, the first stays."""
    rows: dict[str, Row] = {}
    lost: list[Lost] = []
    for assignment, result in zip(assignments, results, strict=True):
        if isinstance(result, Lost):
            lost.append(result)
        elif result.id in rows:
            lost.append(Lost(assignment, "repeats a row", f"asks the same as row {result.id}"))
        else:
            rows[result.id] = result
    return Written(tuple(rows.values()), tuple(lost))


def compose_rows(plan: Plan, shard: Shard = WHOLE) -> Iterator[Row]:
    """The offline generator's rows of one shard: all are composed, for each must differ from those before it.

    Raises `PlanError` naming a cell that it cannot compose.
    """
    from llmi_data.offline import generate
    from llmi_data.offline.wide import DOMAINS

    for cell in plan.cells:
        if cell.domain is not None and plan.scenarios == "demo":
            raise PlanError(
                f"the cell {cell}: the demo's scenarios have no domains; write scenarios: wide in the plan, name a "
                "model, or leave out domain"
            )
        if cell.domain is not None and cell.domain not in DOMAINS:
            raise PlanError(
                f"the cell {cell}: the offline generator knows nothing of {cell.domain}; name a model, or one of "
                f"{', '.join(DOMAINS)}"
            )
        if cell.language != "en":
            raise PlanError(
                f"the cell {cell}: the offline generator writes English alone; name a model for {cell.language}"
            )
        if "modality" in cell.particulars:
            raise PlanError(
                f"the cell {cell}: the offline generator attaches a picture exactly where one is to be changed; name a "
                "model, or leave out modality"
            )
    start, stop = shard.bounds(plan.rows)
    return islice(generate(plan), start, stop)


def _unanswered(assignment: Assignment, error: ChatError) -> Lost:
    return Lost(assignment, kind_of(error), f"{error.reason}: {error}")
