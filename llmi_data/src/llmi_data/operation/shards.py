"""Shards: a step run in parts, on several machines if need be, and the parts put together again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar

from llmi_data.errors import RowError
from llmi_data.jsonl import write_lines
from llmi_schema import ConfigurationError

T = TypeVar("T")

_NAME = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<of>\d{5})(?P<ending>(?:\.\w+)+)")


@dataclass(frozen=True)
class Shard:
    """Part `number` of `of`, counted from 1: a run of neighbouring rows, so that parts put in a row are the whole.

    ```python
    Shard.parse("2/4").of(range(10))    # range(2, 5)
    ```
    """

    number: int = 1
    of_all: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.of_all <= 99_999:
            raise ConfigurationError(
                f"{self.number}/{self.of_all} is no shard: write i/n with i from 1 to n, as in 1/4"
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `i/n`."""
        if not (found := re.fullmatch(r"(\d+)/(\d+)", text.strip())):
            raise ConfigurationError(f"{text!r} is no shard: write i/n with i from 1 to n, as in 1/4")
        return cls(int(found[1]), int(found[2]))

    def bounds(self, total: int) -> tuple[int, int]:
        """Where it begins and ends."""
        return total * (self.number - 1) // self.of_all, total * self.number // self.of_all

    def of(self, items: Sequence[T]) -> Sequence[T]:
        start, stop = self.bounds(len(items))
        return items[start:stop]

    def path(self, whole: Path) -> Path:
        """Where this part is kept: `rows.jsonl` becomes `rows-00002-of-00004.jsonl`."""
        if self.of_all == 1:
            return whole
        ending = "".join(whole.suffixes)
        stem = whole.name.removesuffix(ending)
        return whole.with_name(f"{stem}-{self.number:05}-of-{self.of_all:05}{ending}")


WHOLE = Shard()


def parts_of(whole: Path) -> list[Path]:
    """The parts of a file, in order. Raises `RowError` naming those that are missing."""
    ending = "".join(whole.suffixes)
    stem = whole.name.removesuffix(ending)
    found: dict[int, dict[int, Path]] = {}
    for path in whole.parent.glob(f"{stem}-*-of-*{ending}"):
        name = _NAME.fullmatch(path.name)
        if name and (name["stem"], name["ending"]) == (stem, ending):
            found.setdefault(int(name["of"]), {})[int(name["number"])] = path
    if not found:
        example = Shard(1, 2).path(whole).name
        raise RowError(
            f"{whole}: there are no parts of it, such as {example}; run the step with --shard 1/2, 2/2 first"
        )
    if len(found) > 1:
        sizes = " and ".join(map(str, sorted(found)))
        raise RowError(f"{whole}: there are parts of different shardings, of {sizes}; remove those that do not belong")
    ((size, parts),) = found.items()
    if missing := [Shard(number, size) for number in range(1, size + 1) if number not in parts]:
        names = ", ".join(f"{shard.number}/{shard.of_all}" for shard in missing[:5])
        raise RowError(f"{whole}: the shards {names} are missing; run the step for them, then merge again")
    return [parts[number] for number in range(1, size + 1)]


@dataclass(frozen=True)
class Merged:
    """How many parts and rows were put together, and the ids of rows that an earlier part had already."""

    parts: int
    rows: int
    repeated: tuple[str, ...]


def merge(whole: str | Path) -> Merged:
    """Put the parts of a file of rows together, as one run over all of it would have written them.

    A row that asks the same as one of an earlier part is left out. Raises `RowError` where a part is missing.
    """
    whole = Path(whole)
    parts = parts_of(whole)
    seen: set[str] = set()
    repeated: list[str] = []

    def lines() -> Iterator[str]:
        from llmi_data.jsonl import read_rows

        for part in parts:
            for row in read_rows(part):
                if row.id in seen:
                    repeated.append(row.id)
                    continue
                seen.add(row.id)
                yield row.model_dump_json()

    rows = write_lines(whole, lines())
    return Merged(len(parts), rows, tuple(repeated))
