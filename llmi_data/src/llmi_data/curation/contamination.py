"""Decontamination: rows that contain what a benchmark asks, in words or in pictures, each hit listed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from llmi_data.curation.pictures import Album, Look, Views, views
from llmi_data.curation.words import grams, words
from llmi_data.errors import CurationError, RowError
from llmi_data.row import Row

HitKind = Literal["same text", "contained text", "similar text", "same picture", "similar picture"]

_GRAM = 3
_LEAST_WORDS = 6  # shorter questions are found by being the same, not by a run of words anybody may write
_TEXT_COLUMNS = ("prompt", "messages", "question", "instruction", "text", "query")
_PICTURE_COLUMNS = ("images", "image", "input_pictures", "pictures")


class BenchmarkFile(BaseModel):
    """A benchmark that must not be trained on, named so that anyone can find the same.

    Attributes:
        name: what it is called.
        file: JSON Lines, Parquet, or the folder of a saved dataset.
        revision: the commit, tag or version of the file.
        split: which part of the benchmark the file holds.
        text: the column of the question; the first of prompt, messages, question, ... unless given.
        pictures: the column of the pictures; the first of images, image, ... unless given.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    file: Path
    revision: str
    split: str
    text: str | None = None
    pictures: str | None = None

    def __str__(self) -> str:
        return f"{self.name} ({self.file}, revision {self.revision}, split {self.split})"


@dataclass(frozen=True)
class Item:
    """One question of a benchmark: where it stands in the file, its words, its pictures as encoded bytes."""

    place: str
    text: str
    pictures: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Hit:
    """A row that contains a benchmark's question or picture.

    Attributes:
        row: the row's id.
        benchmark, file, revision, split: the benchmark, as it was named.
        item: where the question stands in the benchmark's file.
        kind: what of it was found, and how.
        score: 1 for the same; the share of the question's runs of three words; the likeness of words or pictures.
        found: the question, or which picture of the row and of the question.
    """

    row: str
    benchmark: str
    file: str
    revision: str
    split: str
    item: str
    kind: HitKind
    score: float
    found: str


def read_benchmark(source: BenchmarkFile) -> tuple[Item, ...]:
    """The benchmark's questions.

    Raises `CurationError` naming the file and the column when there is nothing to compare with: a check against
    nothing must not look like a clean one.
    """
    from llmi_data.conversion.parts import messages_of, pictures_of
    from llmi_data.conversion.records import read_records

    items: list[Item] = []
    try:
        # A saved dataset's folder may hold several splits; files hold one, whatever it is called.
        records = [record for record in read_records(source.file) if record.split in (None, source.split)]
    except RowError as problem:
        raise CurationError(f"{source}: {problem}") from None
    for record in records:
        try:
            text, seen = _text(record.value, source.text, messages_of)
            column = _column(record.value, source.pictures, _PICTURE_COLUMNS)
            given = record.value[column] if column else None
            images = pictures_of(given if given is None or isinstance(given, list | tuple) else [given], str(column))
        except RowError as problem:
            raise CurationError(f"{source}: {record.place}: {problem}") from None
        if not text.strip() and not images and not seen:
            names = ", ".join(record.value)
            raise CurationError(
                f"{source}: {record.place} has neither text nor pictures in its columns {names}: "
                "say which they are with text: and pictures:"
            )
        items.append(Item(record.place, text, (*seen, *images)))
    if not items:
        raise CurationError(f"{source}: there is nothing of this split in this file; give the benchmark's own")
    return tuple(items)


class Benchmark:
    """A benchmark's questions, ready to be looked for.

    Args:
        source: which benchmark it is.
        items: its questions; read from the file unless given.
        contained: the share of a question's runs of three words from which a row contains it.
        similar: the likeness of words from which a row is a rewording of it.
        alike: the likeness from which a picture is a copy (resized, re-encoded, cropped by up to a tenth).

    Raises as `read_benchmark`, and `CurationError` for a picture that cannot be decoded.
    """

    def __init__(
        self,
        source: BenchmarkFile,
        items: Sequence[Item] | None = None,
        *,
        contained: float = 0.6,
        similar: float = 0.64,
        alike: float = 0.975,
    ) -> None:
        self.source = source
        self.items = tuple(items) if items is not None else read_benchmark(source)
        self._contained, self._similar, self._alike = contained, similar, alike
        self._words = [words(item.text) for item in self.items]
        self._same = {" ".join(found): number for number, found in reversed(list(enumerate(self._words))) if found}
        self._grams: dict[str, list[int]] = defaultdict(list)
        self._sizes = np.zeros(len(self.items))
        for number, found in enumerate(self._words):
            if len(found) >= _LEAST_WORDS:
                runs = set(grams(found, _GRAM))
                self._sizes[number] = len(runs)
                for run in runs:
                    self._grams[run].append(number)

    @property
    def pictures(self) -> int:
        return sum(len(item.pictures) for item in self.items)

    def hits(self, row: Row, looks: Sequence[Look]) -> Iterator[Hit]:
        """What of the benchmark is in the row: its best match in words, and every picture."""
        if found := self._text(words(row.text)):
            number, kind, score = found
            item = self.items[number]
            yield self._hit(row, item, kind, score, item.text)
        for place, seen in enumerate(looks):
            nearest = self._album.nearest(seen)
            if nearest and (nearest[2] or nearest[1] >= self._alike):
                item_number, picture = self._shown[nearest[0]]
                kind = "same picture" if nearest[2] else "similar picture"
                told = f"picture {place} of the row is picture {picture} of the question"
                yield self._hit(row, self.items[item_number], kind, nearest[1], told)

    def _hit(self, row: Row, item: Item, kind: HitKind, score: float, found: str) -> Hit:
        b = self.source
        return Hit(row.id, b.name, b.file.name, b.revision, b.split, item.place, kind, round(score, 4), found)

    def _text(self, told: list[str]) -> tuple[int, HitKind, float] | None:
        if not told:
            return None
        if (number := self._same.get(" ".join(told))) is not None:
            return number, "same text", 1.0
        shared = Counter(number for run in set(grams(told, _GRAM)) for number in self._grams.get(run, ()))
        if shared:
            number, share = max(
                ((number, count / self._sizes[number]) for number, count in shared.items()), key=lambda found: found[1]
            )
            if share >= self._contained:
                return number, "contained text", float(share)
        number, score = self._most_alike(told)
        return (number, "similar text", score) if score >= self._similar else None

    def _most_alike(self, told: Iterable[str]) -> tuple[int, float]:
        """As `likeness.Likeness`, with the weights words have in the benchmark."""
        holders, weights, totals, unknown = self._index
        common = np.zeros(len(self.items))
        total = 0.0
        for word in set(told):
            weight = weights.get(word, unknown)
            total += weight
            if word in holders:
                common[holders[word]] += weight
        alike = common / np.maximum(totals + total - common, 1e-9)
        best = int(alike.argmax())
        return best, float(alike[best])

    @cached_property
    def _index(self) -> tuple[dict[str, Any], dict[str, float], Any, float]:
        holders: dict[str, list[int]] = defaultdict(list)
        for number, found in enumerate(self._words):
            if len(found) >= _LEAST_WORDS:
                for word in set(found):
                    holders[word].append(number)
        size = len(self.items) + 1
        weights = {word: 1 + float(np.log(size / (len(where) + 1))) / 2 for word, where in holders.items()}
        totals = np.zeros(len(self.items))
        for word, where in holders.items():
            totals[where] += weights[word]
        return {word: np.array(where) for word, where in holders.items()}, weights, totals, 1 + float(np.log(size)) / 2

    @cached_property
    def _shown(self) -> list[tuple[int, int]]:
        return [(number, place) for number, item in enumerate(self.items) for place in range(len(item.pictures))]

    @cached_property
    def _album(self) -> Album:
        def seen() -> Iterator[Views]:
            for number, place in self._shown:
                item = self.items[number]
                try:
                    yield views(item.pictures[place])
                except ValueError as error:
                    raise CurationError(f"{self.source}: {item.place}: picture {place}: {error}") from None

        return Album(seen())


def _column(record: dict[str, Any], given: str | None, usual: Sequence[str]) -> str | None:
    if given is not None:
        if given not in record:
            raise RowError(f"there is no column {given!r}; the columns are {', '.join(record)}")
        return given
    return next((name for name in usual if record.get(name) is not None), None)


def _text(record: dict[str, Any], given: str | None, messages_of: Any) -> tuple[str, list[bytes]]:
    column = _column(record, given, _TEXT_COLUMNS)
    if column is None:
        return "", []
    messages, pictures = messages_of(record[column], column)
    return "\n\n".join(message["content"] for message in messages if message["role"] == "user"), pictures
