"""plan -> generate -> validate -> split -> dataset, joined. Each step is a function of its own, usable alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from llmi_data.dataset import to_dataset_dict
from llmi_data.generation import compose_rows
from llmi_data.plan import Plan
from llmi_data.row import Row
from llmi_data.splits import Split, split
from llmi_data.summary import Summary, summarize
from llmi_data.validation import Agreement, BlindReader, Dropped, OfflineReader, validate

if TYPE_CHECKING:
    from datasets import DatasetDict

Progress = Callable[[str, int, int], None]
"""Called with the step's name, rows done, and rows in all."""

Generator = Callable[[Plan], Iterable[Row]]
"""Makes the rows of a plan."""


class Report(BaseModel):
    """What was done, every number counted: rows planned, made, kept; agreement; drops; contents; seconds per step."""

    model_config = ConfigDict(frozen=True)

    planned: int
    generated: int
    kept: int
    dropped: dict[str, int]
    reader: str
    agreement: Agreement
    train: Summary
    test: Summary
    seconds: dict[str, float]


@dataclass(frozen=True)
class MadeDataset:
    """The rows, as a split and as a `datasets.DatasetDict`; the rows that were dropped; the report."""

    split: Split
    dropped: tuple[Dropped, ...]
    report: Report

    @property
    def train(self) -> tuple[Row, ...]:
        return self.split.train

    @property
    def test(self) -> tuple[Row, ...]:
        return self.split.test

    @cached_property
    def dataset(self) -> DatasetDict:
        """`train` and `test`, built when first asked for: importing `datasets` takes a second."""
        return to_dataset_dict(self.split)


def make_dataset(
    plan: Plan | None = None,
    seed: int | None = None,
    progress: Progress | None = None,
    *,
    generator: Generator = compose_rows,
    reader: BlindReader | None = None,
) -> MadeDataset:
    """Make a validated, split dataset.

    Args:
        plan: what to make; `Plan.wide()` unless given.
        seed: takes the place of the plan's seed.
        progress: called after every row of every step.
        generator: who makes the rows; offline unless given.
        reader: who reads them blind; the offline rules unless given.

    Raises `PlanError` for a plan that cannot be met, `SplitError` when a scenario would be on both sides.
    """
    plan = plan or Plan.wide()
    if seed is not None:
        plan = plan.model_copy(update={"seed": seed})
    reader = reader or OfflineReader()
    tell = progress or (lambda step, done, total: None)
    clock = _Clock()

    rows = tuple(_counted(generator(plan), lambda done: tell("generate", done, plan.rows)))
    clock.lap("generate")
    read = iter(range(1, len(rows) + 1))
    validated = validate(rows, reader, each=lambda: tell("validate", next(read), len(rows)))
    clock.lap("validate")
    sides = split(validated.kept)
    clock.lap("split")
    return MadeDataset(
        split=sides,
        dropped=validated.dropped,
        report=Report(
            planned=plan.rows,
            generated=len(rows),
            kept=len(validated.kept),
            dropped=validated.drops,
            reader=reader.name,
            agreement=validated.agreement,
            train=summarize(sides.train),
            test=summarize(sides.test),
            seconds=clock.laps,
        ),
    )


def _counted(rows: Iterable[Row], report: Callable[[int], None]) -> Iterator[Row]:
    for done, row in enumerate(rows, 1):
        report(done)
        yield row


class _Clock:
    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._since = time.perf_counter()

    def lap(self, step: str) -> None:
        now = time.perf_counter()
        self.laps[step] = now - self._since
        self._since = now
