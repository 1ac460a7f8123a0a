"""The grouped split: no scenario family, topic, wording or cluster of near duplicates on both sides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from llmi_data.errors import SplitError
from llmi_data.row import Origin, Row

Clusters = Mapping[str, str]
"""The cluster of each row by its id, as `curate` answers."""


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


def split(rows: Iterable[Row], clusters: Clusters | None = None) -> Split:
    """Put each row on the side it was composed for, and check that nothing straddles.

    Raises `SplitError` when something does, or when a row does not say its side.
    """
    train: list[Row] = []
    test: list[Row] = []
    for row in rows:
        if row.provenance is None:
            raise SplitError(
                f"row {row.id} has no provenance, so its side is unknown: `assign_sides` gives rows from elsewhere one"
            )
        (train if row.provenance.side == "train" else test).append(row)
    if found := list(straddlers(train, test, clusters)):
        raise SplitError(f"{found[0]} ({len(found)} such in all): keep each on one side")
    return Split(tuple(train), tuple(test))


def straddlers(train: Iterable[Row], test: Iterable[Row], clusters: Clusters | None = None) -> Iterator[Straddler]:
    """Every family, topic, wording, prompt and cluster that occurs on both sides."""
    seen = {group: row.id for row in train for group in _groups(row, clusters)}
    reported: set[tuple[str, str]] = set()
    for row in test:
        for group in _groups(row, clusters):
            if group in seen and group not in reported:
                reported.add(group)
                yield Straddler(*group, train_row=seen[group], test_row=row.id)


def assign_sides(
    rows: Sequence[Row], test_share: float = 0.2, seed: int = 0, clusters: Clusters | None = None
) -> tuple[Row, ...]:
    """Rows of one group, of any kind, on one side, whatever sides they had; the same for every order of the rows.

    The groups are gone through in an order that depends on the seed; each is held out while it fits what is still
    owed to the test side, so that the share is met as nearly as whole groups allow.

    Raises `SplitError` when it cannot be met by half: the rows are then too entangled to be held apart.
    """
    joined = _joined(rows, clusters)
    order = sorted(joined, key=lambda name: sha256(f"{seed} {name}".encode()).digest())
    wanted = test_share * len(rows)
    taken = 0
    held_out: set[str] = set()
    for name in order:
        if taken + len(joined[name]) <= wanted:
            held_out.update(joined[name])
            taken += len(joined[name])
    if taken < wanted / 2:
        largest = max(joined.values(), key=len)
        raise SplitError(
            f"{len(largest)} of the {len(rows)} rows share topics, wordings or clusters, one with the next, so only "
            f"{taken} can be held out: ask for fewer than {test_share:.0%}, or add rows about other things"
        )
    return tuple(_on(row, "test" if row.id in held_out else "train") for row in rows)


def _joined(rows: Sequence[Row], clusters: Clusters | None) -> dict[str, list[str]]:
    """Ids of rows that hang together through shared groups, under the least of them."""
    members: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows:
        for group in _groups(row, clusters):
            members[group].append(row.id)
    up = {row.id: row.id for row in rows}

    def top(name: str) -> str:
        while up[name] != name:
            up[name] = name = up[up[name]]
        return name

    for ids in members.values():
        for other in ids[1:]:
            first, second = sorted((top(ids[0]), top(other)))
            up[second] = first
    found: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        found[top(row.id)].append(row.id)
    return found


def _on(row: Row, side: str) -> Row:
    origin = row.provenance or Origin(generator="unknown", seed=0, side="train", family="", topic="")
    return row.model_copy(update={"provenance": origin.model_copy(update={"side": side})})


def _groups(row: Row, clusters: Clusters | None = None) -> Iterator[tuple[str, str]]:
    yield "prompt", row.id
    if clusters and row.id in clusters:
        yield "cluster", clusters[row.id]
    if origin := row.provenance:
        # Rows from elsewhere say nothing of their family and topic; that is nothing they share.
        if origin.family:
            yield "family", origin.family
        if origin.topic:
            yield "topic", origin.topic
        yield from (("wording", wording) for wording in origin.wordings)
