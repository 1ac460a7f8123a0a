"""The data files: a configuration for rows without pictures and one for rows with them, each with its splits."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmi_data.dataset import features, quietly, to_dataset
from llmi_data.row import Row
from llmi_data.splits import Split

if TYPE_CHECKING:
    from datasets import Features

CONFIGS = ("text", "multimodal")
_SHARD_BYTES = 500_000_000
"""Most of a file, before compression: what the Hub's viewer and a streaming reader handle well."""


@dataclass(frozen=True)
class Table:
    """One split of one configuration, as written.

    Attributes:
        paths: its files, in order, relative to the repository.
        bytes: in memory; `stored` on disk.
    """

    config: str
    split: str
    rows: int
    paths: tuple[str, ...]
    bytes: int
    stored: int
    features: Features


def parts(split: Split) -> Iterator[tuple[str, str, list[Row]]]:
    """Configuration, split and rows of each part that has rows; an empty part has no file to be read from."""
    for config in CONFIGS:
        for side, rows in (("train", split.train), ("test", split.test)):
            chosen = [row for row in rows if bool(row.images) == (config == "multimodal")]
            if chosen:
                yield config, side, chosen


def columns(config: str) -> Features:
    """The columns of a configuration, spelled out: `text` has no `images`."""
    from datasets import Features

    return Features({name: kind for name, kind in features().items() if config != "text" or name != "images"})


def write_tables(split: Split, folder: Path) -> tuple[Table, ...]:
    """Write Parquet files with the pictures' bytes in them and the features in their metadata."""
    return tuple(_write(config, side, rows, folder) for config, side, rows in parts(split))


def _write(config: str, side: str, rows: Sequence[Row], folder: Path) -> Table:
    kinds = columns(config)
    made: Any = to_dataset(rows).select_columns(list(kinds))
    files = max(1, math.ceil(made.data.nbytes / _SHARD_BYTES))
    paths = tuple(f"{config}/{side}-{number:05}-of-{files:05}.parquet" for number in range(files))
    (folder / config).mkdir(exist_ok=True)
    with quietly():
        for number, path in enumerate(paths):
            made.shard(files, number, contiguous=True).to_parquet(folder / path)
    stored = sum((folder / path).stat().st_size for path in paths)
    return Table(config, side, len(rows), paths, int(made.data.nbytes), stored, kinds)
