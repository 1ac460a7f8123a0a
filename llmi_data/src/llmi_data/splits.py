"""The grouped split: no scenario family, topic or wording on both sides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from llmi_data.errors import SplitError
from llmi_data.row import Row


@dataclass(frozen=True)
class Split:
    train: tuple[Row, ...]
    test: tuple[Row, ...]


@dataclass(frozen=True)
class Straddler:
    """Something that occurs on both sides, with one row of each."""

    kind: str
    name: str
    train_row: str
    test_row: str

    def __str__(self) -> str:
        return f"the {self.kind} {self.name!r} is in train row {self.train_row} and in test row {self.test_row}"


def split(rows: Iterable[Row]) -> Split:
    """Put each row on the side it was composed for, and check that nothing straddles.

    Raises `SplitError` when something does, or when a row does not say its side.
    """
    train: list[Row] = []
    test: list[Row] = []
    for row in rows:
        if row.provenance is None:
            raise SplitError(f"row {row.id} has no provenance, so its scenario family is unknown: add it first")
        (train if row.provenance.side == "train" else test).append(row)
    if found := list(straddlers(train, test)):
        raise SplitError(f"{found[0]} ({len(found)} such in all): keep each on one side")
    return Split(tuple(train), tuple(test))


def straddlers(train: Iterable[Row], test: Iterable[Row]) -> Iterator[Straddler]:
    """Every family, topic, wording and prompt that occurs on both sides."""
    seen = {group: row.id for row in train for group in _groups(row)}
    reported: set[tuple[str, str]] = set()
    for row in test:
        for group in _groups(row):
            if group in seen and group not in reported:
                reported.add(group)
                yield Straddler(*group, train_row=seen[group], test_row=row.id)


def _groups(row: Row) -> Iterator[tuple[str, str]]:
    yield "prompt", row.id
    if origin := row.provenance:
        yield "family", origin.family
        yield "topic", origin.topic
        yield from (("wording", wording) for wording in origin.wordings)
