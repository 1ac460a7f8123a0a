"""Records of any file: JSON Lines, Parquet, or a saved dataset's folder. What they mean is for the formats to say."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from llmi_data.errors import RowError

Bad = Callable[[RowError], None]
"""Is handed what is wrong with a record; reading goes on without it."""

_BLOCK = 1 << 20  # bytes
_BATCH = 256  # rows of Parquet held at a time: those of a multimodal file carry megabytes each


class Record(NamedTuple):
    place: str
    """Where it stands: `rows.jsonl, line 3`, `train.parquet, row 2`, `dataset/test, row 0`."""
    value: dict[str, Any]
    split: str | None = None
    """The split it was saved in, where the file says."""


def read_records(path: str | Path, bad: Bad | None = None) -> Iterator[Record]:
    """Every record in order. What the file is, its content says, not its name.

    Args:
        bad: without it the first broken line raises.

    Raises `RowError` naming the file, the line and what to do.
    """
    path = Path(path)
    try:
        if path.is_dir():
            yield from _saved(path)
        elif _is_parquet(path):
            yield from _parquet(path)
        else:
            yield from _lines(path, bad)
    except UnicodeDecodeError:
        raise RowError(f"{path}: neither JSON Lines in UTF-8 nor Parquet; save it as one of them") from None
    except OSError as error:
        raise RowError(f"{path}: cannot read this file ({error.strerror or error})") from error


def count_records(path: str | Path, most: int) -> int:
    """How many records there are, counting no further than `most`."""
    return sum(1 for _ in islice(read_records(path, lambda _: None), most))


def expected_records(path: str | Path) -> int | None:
    """About how many records there are, told without reading them: for a progress display. None where it cannot be."""
    path = Path(path)
    try:
        if path.is_dir():
            return None
        if _is_parquet(path):
            import pyarrow as pa
            import pyarrow.parquet as pq

            try:
                return int(pq.read_metadata(path).num_rows)
            except pa.ArrowInvalid:
                return None
        with path.open("rb") as file:
            return sum(block.count(b"\n") for block in iter(partial(file.read, _BLOCK), b""))
    except OSError:
        return None  # whoever reads it says what is wrong


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


def _lines(path: Path, bad: Bad | None) -> Iterator[Record]:
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            place = f"{path}, line {number}"
            try:
                value = json.loads(line)
            except (ValueError, RecursionError) as error:
                problem = RowError(f"{place}: not valid JSON ({error}); write one record per line, or delete this one")
            else:
                if isinstance(value, dict):
                    yield Record(place, value)
                    continue
                problem = RowError(f"{place}: a record is a JSON object, not {type(value).__name__}")
            if bad is None:
                raise problem
            bad(problem)


def _parquet(path: Path) -> Iterator[Record]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_BATCH):
                for value in batch.to_pylist():
                    yield Record(f"{path}, row {number}", value)
                    number += 1
    except pa.ArrowInvalid as error:
        raise RowError(f"{path}: this Parquet file is damaged after row {number} ({error}); fetch it again") from None


def _saved(path: Path) -> Iterator[Record]:
    from datasets import DatasetDict, load_from_disk

    try:
        found = load_from_disk(str(path))
    except FileNotFoundError:
        raise RowError(f"{path}: no saved dataset in this folder; give a file of rows, or a dataset's folder") from None
    except (OSError, ValueError, KeyError) as error:  # what `datasets` and Arrow raise on files that are not theirs
        raise RowError(f"{path}: this dataset is damaged ({error}); save it again") from error
    splits = found.items() if isinstance(found, DatasetDict) else [(None, found)]
    for split, dataset in splits:
        place = f"{path}/{split}" if split else str(path)
        number = 0
        # Arrow tables hold the pictures as the bytes they are; every other format would decode them.
        for batch in dataset.with_format("arrow").iter(batch_size=_BATCH):
            for value in batch.to_pylist():
                yield Record(f"{place}, row {number}", value, split)
                number += 1
