"""Duplicates: every row is tagged with its cluster first; only then is it said which rows go, and for whose sake."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from llmi_data.curation.likeness import Likeness
from llmi_data.curation.neighbours import CHUNK, ExactIndex, Index, MinHashIndex
from llmi_data.curation.prints import Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

Kind = Literal["exact duplicate", "near duplicate", "same meaning"]

NONE = -1


@dataclass(frozen=True)
class Tags:
    """What was found out about each row.

    Attributes:
        cluster: rows that are near each other, directly or through rows that stay, have one number: that of the best
            of them. A row of its own has its own number.
        partner: the row this one is most like among those that stay; -1 for a row that stays.
        score: how alike they are, 0 to 1; 0 for a row that stays.
        exact: the two are equal but for case, spaces and punctuation.
    """

    cluster: NDArray[np.int64]
    partner: NDArray[np.int64]
    score: NDArray[np.float32]
    exact: NDArray[np.bool_]

    @property
    def stays(self) -> NDArray[np.bool_]:
        return self.partner == NONE


def find_duplicates(
    table: Table, rank: NDArray[np.int64], *, threshold: float, exact_up_to: int, seed: int = 0
) -> Tags:
    """Tag the rows, the best first: a row stays unless it duplicates a better one that stays.

    Args:
        table: the rows' fingerprints.
        rank: the lower, the better; among equals the earlier row.
        threshold: the score from which two rows of one task are near duplicates.
        exact_up_to: so many rows are all compared with each other; of more, those that share a MinHash band.
    """
    order = np.argsort(rank, kind="stable")
    _, leaders, group = np.unique(table.whole[order], return_index=True, return_inverse=True)
    distinct = np.sort(leaders)  # first of every group of exact duplicates, the best first
    place = np.searchsorted(distinct, leaders[group])
    near = _near(table.take(order[distinct]), threshold, exact_up_to, seed)

    # From places among the distinct rows back to rows.
    first = order[distinct]
    cluster = np.empty(len(table), np.int64)
    partner = np.full(len(table), NONE, np.int64)
    score = np.zeros(len(table), np.float32)
    exact = np.zeros(len(table), bool)
    cluster[order] = first[near.cluster][place]
    partner[first] = np.where(near.partner == NONE, NONE, first[near.partner])
    score[first] = near.score
    copies = order[np.arange(len(order)) != distinct[place]]
    leader_of = first[place[np.arange(len(order)) != distinct[place]]]
    gone = partner[leader_of] != NONE
    partner[copies] = np.where(gone, partner[leader_of], leader_of)
    score[copies] = np.where(gone, score[leader_of], 1)
    exact[copies] = ~gone
    return Tags(cluster, partner, score, exact)


def same_task(table: Table, rows: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether two rows that are worded alike also ask for the same.

    They do not when their labels or pictures differ, when they say that they are about different things, or when
    nothing but figures tells them apart: a chart of other numbers is another chart.
    """
    same = table.task[rows] == table.task[others]
    told = (table.topic[rows] != 0) & (table.topic[others] != 0)
    same &= ~(told & (table.topic[rows] != table.topic[others]))
    same &= table.unfigured[rows] != table.unfigured[others]
    return same


def _near(table: Table, threshold: float, exact_up_to: int, seed: int) -> Tags:
    """Near duplicates among distinct rows, the best first."""
    likeness = Likeness(table)
    rows = len(table)
    index: Index = ExactIndex(likeness, threshold) if rows <= exact_up_to else MinHashIndex(likeness, threshold, seed)
    clusters = Clusters(np.arange(rows))
    partner = np.full(rows, NONE, np.int64)
    score = np.zeros(rows, np.float32)
    for begin in range(0, rows, CHUNK):
        chunk = range(begin, min(begin + CHUNK, rows))
        pairs = index.near(chunk)
        same = same_task(table, pairs.row, pairs.earlier)
        order = np.lexsort((-pairs.score, pairs.row))
        for at in order.tolist():
            row, earlier = int(pairs.row[at]), int(pairs.earlier[at])
            if partner[earlier] != NONE:
                continue
            clusters.join(row, earlier)
            if same[at] and partner[row] == NONE:
                partner[row], score[row] = earlier, pairs.score[at]
        members = np.arange(chunk.start, chunk.stop)
        index.keep(members[partner[members] == NONE])
    return Tags(clusters.first(), partner, score, np.zeros(rows, bool))


class Clusters:
    """Which rows belong together, starting from a number per row that names a row of its cluster."""

    def __init__(self, cluster: NDArray[np.int64]) -> None:
        self._up = cluster.copy()

    def join(self, row: int, other: int) -> None:
        a, b = self._top(row), self._top(other)
        self._up[max(a, b)] = min(a, b)

    def first(self) -> NDArray[np.int64]:
        """One row of each row's cluster, the same for all of it."""
        while True:
            higher = self._up[self._up]
            if (higher == self._up).all():
                return higher
            self._up = higher

    def _top(self, row: int) -> int:
        up = self._up
        while (higher := int(up[row])) != row:
            up[row] = up[higher]
            row = higher
        return row
