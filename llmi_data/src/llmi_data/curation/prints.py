"""Fingerprints: the little that is kept of each row, so that a million rows fit where a few thousand would."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from llmi_data.curation.pictures import Look, look
from llmi_data.curation.words import grams, key, masked, subject, words
from llmi_data.row import Row

if TYPE_CHECKING:
    from numpy.typing import NDArray


_BLOCK = 1 << 16


class _Numbers(dict[str, int]):
    """Numbers words in the order they are met."""

    def __missing__(self, word: str) -> int:
        number = self[word] = len(self)
        return number


@dataclass(frozen=True)
class Table:
    """Fingerprints as arrays, one entry per row.

    Attributes:
        starts: where a row's words begin in `tokens`; one entry more than there are rows.
        tokens: each row's distinct words as numbers, ascending.
        vocabulary: how many different words there are.
        whole: the conversation's words and the pictures' pixels; equal for exact duplicates.
        unfigured: the same with every figure masked.
        task: labels and pictures; two rows that differ here are two tasks, however alike their words.
        topic: what the row says it is about; 0 where it does not say.
    """

    starts: NDArray[np.int64]
    tokens: NDArray[np.uint32]
    vocabulary: int
    whole: NDArray[np.uint64]
    unfigured: NDArray[np.uint64]
    task: NDArray[np.uint64]
    topic: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.whole)

    def take(self, rows: NDArray[np.int64]) -> Table:
        """The given rows, in the given order."""
        lengths = np.diff(self.starts)[rows]
        starts = np.concatenate(([0], np.cumsum(lengths)))
        tokens = np.empty(starts[-1], np.uint32)
        for block in blocks(len(rows)):
            taken = self.tokens[spans(self.starts[rows[block]], lengths[block])]
            tokens[starts[block.start] : starts[block.start] + len(taken)] = taken
        return Table(
            starts=starts,
            tokens=tokens,
            vocabulary=self.vocabulary,
            whole=self.whole[rows],
            unfigured=self.unfigured[rows],
            task=self.task[rows],
            topic=self.topic[rows],
        )


def blocks(rows: int) -> Iterator[slice]:
    """The rows in stretches, so that what is computed about them stays small beside what is kept of them."""
    return (slice(begin, min(begin + _BLOCK, rows)) for begin in range(0, rows, _BLOCK))


def spans(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """The positions `start, start + 1, ...` of every span, one span after the other."""
    ends = np.cumsum(lengths)
    return np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - (ends - lengths), lengths)


class Prints:
    """Takes rows one by one and keeps about 200 bytes of each.

    Args:
        gram: how many words in a row make one unit of comparison.
    """

    def __init__(self, gram: int = 1) -> None:
        self._gram = gram
        self._numbers = _Numbers()
        self._tokens = array("I")
        self._starts = array("q", [0])
        self._keys = array("Q")
        self._looks: dict[bytes, Look] = {}

    def add(self, row: Row) -> tuple[Look, ...]:
        """Keep the row's fingerprint; what its pictures look like is handed back.

        Raises ValueError, with nothing kept, when a picture cannot be decoded.
        """
        looks = tuple(map(self._look, row.images))
        pixels = [seen.pixels for seen in looks]
        told = [(message.role, words(message.content)) for message in row.prompt]
        if any(heard for _, heard in told):
            whole = [part for role, heard in told for part in (role, " ".join(heard))]
        else:  # only signs: they are then all there is to compare
            whole = [part for message in row.prompt for part in (message.role, message.content)]
        asked = list(chain.from_iterable(heard for role, heard in told if role == "user"))
        topic = subject(row.provenance.topic) if row.provenance else ""
        self._tokens.extend(sorted(set(map(self._numbers.__getitem__, grams(asked, self._gram)))))
        self._starts.append(len(self._tokens))
        self._keys.extend(
            (
                key(*whole, *pixels),
                key(*map(masked, whole), *pixels),
                key(str(row.image_count), *row.required_tools, *pixels),
                key(topic) if topic else 0,
            )
        )
        return looks

    def table(self) -> Table:
        """All that was taken in, without copying it."""
        keys = np.frombuffer(self._keys, np.uint64).reshape(-1, 4) if self._keys else np.empty((0, 4), np.uint64)
        return Table(
            starts=np.frombuffer(self._starts, np.int64),
            tokens=np.frombuffer(self._tokens, np.uint32) if self._tokens else np.empty(0, np.uint32),
            vocabulary=len(self._numbers),
            whole=keys[:, 0],
            unfigured=keys[:, 1],
            task=keys[:, 2],
            topic=keys[:, 3],
        )

    def _look(self, data: bytes) -> Look:
        seen = self._looks.get(data)
        if seen is None:
            seen = look(data)
            if len(self._looks) >= 256:  # users' pictures recur close together, or not at all
                self._looks.clear()
            self._looks[data] = seen
        return seen
