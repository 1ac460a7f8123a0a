"""Who is near whom: exactly for thousands of rows, through MinHash for millions. Both score what they find alike.

An index is asked about rows in ascending order, in chunks, and told which of them stay. It answers with pairs
(row, earlier row, score): among a chunk, and between the chunk and the rows that stayed before.

MinHash: rensa 0.5 and datasketch 2.0 were measured beside the numpy below. rensa makes signatures eight times as fast
(2 s against 18 s for a million rows) but answers in bulk only whether a row has a duplicate, not which one; datasketch
takes 10 KB and a quarter of a millisecond per row. Neither lets the words' weights into the hashing.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from llmi_data.curation.likeness import Likeness

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHUNK = 2048
BANDS = 32
ROWS_PER_BAND = 5
"""A pair with score s is looked at with probability 1 - (1 - s^5)^32: 0.97 at 0.64, 0.9999 at 0.76."""


class Pairs(NamedTuple):
    row: NDArray[np.int64]
    earlier: NDArray[np.int64]
    score: NDArray[np.float32]


class Index(Protocol):
    def near(self, rows: range) -> Pairs:
        """Pairs that reach the threshold, of these rows and earlier ones."""

    def keep(self, rows: NDArray[np.int64]) -> None:
        """These rows stay: later ones are to be compared with them."""


class ExactIndex:
    """Compares every row with every earlier one. Finds all pairs; the time grows with the square of the rows."""

    def __init__(self, likeness: Likeness, threshold: float) -> None:
        self._threshold = threshold
        self._found = likeness.against_earlier(range(len(likeness.table)))
        self._ahead: tuple[int, NDArray[np.float32]] | None = None

    def near(self, rows: range) -> Pairs:
        parts: list[Pairs] = []
        for row, scores in self._until(rows.stop):
            near = np.flatnonzero(scores >= self._threshold)
            if len(near):
                parts.append(Pairs(np.full(len(near), row), near, scores[near]))
        return _joined(parts)

    def keep(self, rows: NDArray[np.int64]) -> None:
        """Nothing to note: every earlier row is looked at."""

    def _until(self, stop: int) -> Iterator[tuple[int, NDArray[np.float32]]]:
        while (item := self._ahead or next(self._found, None)) is not None:
            self._ahead = None
            if item[0] >= stop:
                self._ahead = item
                return
            yield item


class MinHashIndex:
    """Compares rows that share a band of their MinHash signature, and scores them exactly.

    Takes 300 to 420 bytes per row, whatever its size, and time in proportion to the rows. The least of exponential
    variates divided by the words' weights is a signature whose chance of being equal is the weighted Jaccard index
    itself: the race is won by a common word with the share that common words have of all weights.
    """

    def __init__(self, likeness: Likeness, threshold: float, seed: int = 0) -> None:
        rows = len(likeness.table)
        self._likeness = likeness
        self._threshold = threshold
        self._bits = max(8, rows.bit_length())
        random = np.random.default_rng(seed)
        self._starts = random.integers(0, 2**64, (BANDS * ROWS_PER_BAND, 1), np.uint64)
        self._factors = random.integers(0, 2**63, (1, ROWS_PER_BAND, 1), np.uint64) | np.uint64(1)
        # Chained hash tables, one per band: first row of each slot, next row of each row, eight more bits of its hash.
        self._first = np.full((BANDS, 1 << self._bits), -1, np.int32)
        self._next = np.full((BANDS, rows), -1, np.int32)
        self._marks = np.zeros((BANDS, rows), np.uint8)
        self._slots = np.empty((BANDS, 0), np.int64)
        self._chunk = range(0)

    def near(self, rows: range) -> Pairs:
        worded = np.array([row for row in rows if self._likeness.lengths[row]], np.int64)
        self._chunk = rows
        self._slots = np.full((BANDS, len(rows)), -1, np.int64)
        if not len(worded):
            return _joined([])
        at = worded - rows.start
        hashes = self._bands(worded)
        slots = (hashes >> np.uint64(64 - self._bits)).astype(np.int64)
        marks = (hashes >> np.uint64(48 - self._bits)).astype(np.uint8)
        self._slots[:, at] = slots
        self._marks[:, worded] = marks
        found = [
            pair
            for band in range(BANDS)
            for pair in (*self._kept(band, worded, slots[band], marks[band]), *self._among(band, worded, slots[band]))
        ]
        if not found:
            return _joined([])
        pairs = np.unique(np.concatenate([row * len(self._likeness.table) + earlier for row, earlier in found]))
        row, earlier = np.divmod(pairs, len(self._likeness.table))
        mine, theirs = self._likeness.totals[row], self._likeness.totals[earlier]
        possible = np.minimum(mine, theirs) >= self._threshold * np.maximum(mine, theirs)
        row, earlier = row[possible], earlier[possible]
        scores = self._likeness.scores(row, earlier)
        near = scores >= self._threshold
        return Pairs(row[near], earlier[near], scores[near])

    def keep(self, rows: NDArray[np.int64]) -> None:
        rows = rows[self._likeness.lengths[rows] > 0]
        for band, slots in enumerate(self._slots[:, rows - self._chunk.start]):
            order = np.argsort(slots, kind="stable")
            row, slot = rows[order], slots[order]
            again = np.concatenate(([False], slot[1:] == slot[:-1]))
            self._next[band, row] = np.where(again, np.concatenate(([-1], row[:-1])), self._first[band, slot])
            self._first[band, slot] = row  # of several in a slot the last one, which leads to the others

    def _bands(self, rows: NDArray[np.int64]) -> NDArray[np.uint64]:
        """One hash per band and row."""
        words, at = np.unique(self._likeness.words_of(rows), return_inverse=True)
        # One multiplication per race leaves the races of some words alike, and pairs unseen in all of them.
        mixed = _mix(words.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + self._starts)
        uniform = (mixed >> np.uint64(40)).astype(np.float32)
        race = -np.log((uniform + 0.5) / 2**24) / self._likeness.weights[words]
        starts = np.cumsum(self._likeness.lengths[rows]) - self._likeness.lengths[rows]
        signature = np.stack([np.minimum.reduceat(line[at], starts) for line in race.astype(np.float32)])
        parts = signature.view(np.uint32).astype(np.uint64).reshape(BANDS, ROWS_PER_BAND, -1)
        return _mix(np.bitwise_xor.reduce(_mix(parts * self._factors), axis=1))

    def _kept(
        self, band: int, rows: NDArray[np.int64], slots: NDArray[np.int64], marks: NDArray[np.uint8]
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Rows of the chunk with those that stayed and have the same hash."""
        follow = self._first[band, slots]
        while True:
            found = follow >= 0
            rows, marks, follow = rows[found], marks[found], follow[found]
            if not len(follow):
                return
            same = self._marks[band, follow] == marks
            yield rows[same], follow[same].astype(np.int64)
            follow = self._next[band, follow]

    def _among(
        self, band: int, rows: NDArray[np.int64], slots: NDArray[np.int64]
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Rows of the chunk with earlier ones of the chunk in the same slot."""
        order = np.argsort(slots, kind="stable")
        sorted_slots, sorted_rows = slots[order], rows[order]
        for step in count(1):
            same = sorted_slots[step:] == sorted_slots[:-step]
            if not same.any():
                return
            yield sorted_rows[step:][same], sorted_rows[:-step][same]


def _mix(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread every bit over all of them (the finaliser of SplitMix64)."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: NDArray[np.uint64] = numbers ^ (numbers >> np.uint64(31))
    return mixed


def _joined(parts: list[Pairs]) -> Pairs:
    if not parts:
        return Pairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))
    return Pairs(*(np.concatenate(column) for column in zip(*parts, strict=True)))
