"""How alike two prompts are: the weighted share of words they have in common.

The score is a Jaccard index in which a word counts the more the rarer it is: 1 + ln(rows / rows with it) / 2. Prompts
made from one template share their common words and differ in what they are about; a copy with some words changed
keeps most of what it is about. Runs of two or three words were measured beside single words
(`benchmarks/data.py curves`) and separate the two worse: each changed word breaks two or three of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from llmi_data.curation.prints import Table, blocks, spans

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PAIRS_AT_ONCE = 100_000


def word_weights(table: Table) -> NDArray[np.float32]:
    """What each word counts, by its number."""
    rows_with = np.zeros(table.vocabulary, np.int64)
    for block in blocks(len(table.tokens)):
        rows_with += np.bincount(table.tokens[block], minlength=table.vocabulary)
    return (1 + np.log((len(table) + 1) / (rows_with + 1)) / 2).astype(np.float32)


class Likeness:
    """Scores pairs of rows of one table."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.weights = word_weights(table)
        self.lengths = np.diff(table.starts)
        self.totals = np.empty(len(table), np.float32)
        for block in blocks(len(table)):
            told = table.tokens[table.starts[block.start] : table.starts[block.stop]]
            self.totals[block] = sums(self.weights[told], self.lengths[block])

    def words_of(self, rows: NDArray[np.int64]) -> NDArray[np.uint32]:
        """The words of the rows, one row after the other."""
        return self.table.tokens[spans(self.table.starts[rows], self.lengths[rows])]

    def scores(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.float32]:
        """The score of every pair; the rows of `first` should be few, as a grid of them and their words is laid out."""
        rows, at = np.unique(first, return_inverse=True)
        vocabulary, words = np.unique(self.words_of(rows), return_inverse=True)
        # Column 0 stands for words that none of these rows has.
        grid = np.zeros((len(rows), len(vocabulary) + 1), bool)
        grid[np.repeat(np.arange(len(rows)), self.lengths[rows]), words + 1] = True
        column = np.zeros(self.table.vocabulary, np.int32)
        column[vocabulary] = np.arange(1, len(vocabulary) + 1)
        found = np.empty(len(first), np.float32)
        for begin in range(0, len(first), _PAIRS_AT_ONCE):
            part = slice(begin, begin + _PAIRS_AT_ONCE)
            theirs = self.words_of(second[part])
            lengths = self.lengths[second[part]]
            shared = grid[np.repeat(at[part], lengths), column[theirs]]
            common = sums(np.where(shared, self.weights[theirs], 0), lengths)
            found[part] = self._jaccard(common, first[part], second[part])
        return found

    def against_earlier(self, rows: range) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Each of the rows with its scores against every row before it: exact, and quadratic in the rows."""
        order = np.argsort(self.table.tokens, kind="stable")
        holders = np.repeat(np.arange(len(self.table)), self.lengths)[order]
        ends = np.cumsum(np.bincount(self.table.tokens, minlength=self.table.vocabulary))
        for row in rows:
            mine = self.table.tokens[self.table.starts[row] : self.table.starts[row + 1]]
            held = [holders[(ends[word - 1] if word else 0) : ends[word]] for word in mine]
            if not held or not row:
                continue
            weights = np.repeat(self.weights[mine], [len(rows) for rows in held])
            common = np.bincount(np.concatenate(held), weights, minlength=len(self.table))[:row].astype(np.float32)
            yield row, common / (self.totals[:row] + self.totals[row] - common)

    def _jaccard(
        self, common: NDArray[np.float32], first: NDArray[np.int64], second: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        either = self.totals[first] + self.totals[second] - common
        return np.divide(common, either, out=np.zeros_like(common), where=either > 0)


def sums(values: NDArray[np.float32], lengths: NDArray[np.int64]) -> NDArray[np.float32]:
    """The sum of each stretch of `values`; 0 for an empty one."""
    total = np.zeros(len(lengths), np.float32)
    full = lengths > 0
    if full.any():
        starts = np.cumsum(lengths) - lengths
        total[full] = np.add.reduceat(values, starts[full])
    return total
