"""Rows as a `datasets.Dataset`, and back without loss."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from llmi_data.errors import RowError
from llmi_data.jsonl import explain
from llmi_data.row import Row
from llmi_data.splits import Split
from llmi_schema import LLMIError
from llmi_schema.files import cannot_write

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict, Features

_MARK = "dataset_dict.json"
"""The file `save_to_disk` leaves in a folder of splits."""


def features() -> Features:
    """The columns, spelled out so that an empty split and a full one have the same schema.

    `images` holds the PNG bytes themselves; nothing is decoded until somebody looks at a row.
    """
    from datasets import Features, Image, List, Value

    text, number = Value("string"), Value("int64")
    texts = List(text)
    return Features(
        {
            "id": text,
            "prompt": List({"role": text, "content": text}),
            "images": List(Image()),
            "image_count": number,
            "required_tools": texts,
            "provenance": {
                "generator": text,
                "seed": number,
                "side": text,
                "family": text,
                "topic": text,
                "wordings": texts,
                "scenario": {
                    "topic": text,
                    "angle": text,
                    "queries": texts,
                    "scenes": texts,
                    "series": {"title": text, "labels": texts, "values": List(number)},
                    "edits": texts,
                },
                "domain": text,
                "language": text,
                "needs": List({"tool": text, "quote": text, "picture": number}),
            },
            "verdict": {
                "image_count": number,
                "required_tools": texts,
                "note": text,
                "reader": text,
                "agrees": Value("bool"),
            },
            "implicit": {"judge": text, "implicit": Value("bool"), "reason": text},
        }
    )


def to_dataset(rows: Iterable[Row]) -> Dataset:
    """One dataset of all rows, in order, with `features()`."""
    from datasets import Dataset

    columns: dict[str, list[Any]] = {name: [] for name in features()}
    for row in rows:
        value = row.model_dump()
        value["images"] = [{"bytes": image, "path": None} for image in row.images]
        for name, column in columns.items():
            column.append(value[name])
    return Dataset.from_dict(columns, features=features())


def to_dataset_dict(split: Split) -> DatasetDict:
    """The splits `train` and `test`."""
    from datasets import DatasetDict

    return DatasetDict({"train": to_dataset(split.train), "test": to_dataset(split.test)})


def from_dataset(dataset: Dataset) -> Iterator[Row]:
    """The rows again, in order. Raises `RowError` naming the row that cannot be read."""
    missing = {"prompt", "image_count"} - set(dataset.column_names)
    if missing:
        found = ", ".join(dataset.column_names)
        raise RowError(f"the dataset has no column {', '.join(sorted(missing))}; it has {found}: rename or add it")
    number = 0
    # Arrow tables hold the pictures as the bytes they are; every other format would decode them.
    for batch in dataset.with_format("arrow").iter(batch_size=1000):
        for value in batch.to_pylist():
            yield _row(value, number)
            number += 1


def is_saved(folder: Path) -> bool:
    """Whether a folder holds a dataset of splits that was saved."""
    return (folder / _MARK).is_file()


def save(split: Split, folder: str | Path) -> None:
    """Write the splits so that `datasets.load_from_disk` and `load` read them. See `save_dataset`."""
    save_dataset(lambda: to_dataset_dict(split), folder)


def save_dataset(make: Callable[[], DatasetDict], folder: str | Path) -> None:
    """Write a dataset so that `datasets.load_from_disk` reads it; an earlier dataset is replaced whole.

    Raises `RowError` when the folder holds anything else, or cannot be written.
    """
    folder = Path(folder).absolute()
    if folder.exists() and not is_saved(folder) and (not folder.is_dir() or any(folder.iterdir())):
        raise RowError(f"{folder}: holds something that is no dataset; choose another folder")
    unfinished, earlier = (folder.with_name(f".{folder.name}.{os.getpid()}.{part}") for part in ("part", "old"))
    try:
        with quietly():
            made = make()
            # An empty split gets no shard by itself, and `load_from_disk` then fails on it.
            made.save_to_disk(str(unfinished), num_shards={name: None if len(made[name]) else 1 for name in made})
        # Renamed, not removed first: whenever this process may be killed, one whole dataset is on disk.
        if folder.exists():
            folder.replace(earlier)
        unfinished.replace(folder)
        shutil.rmtree(earlier, ignore_errors=True)
    except OSError as error:
        raise RowError(cannot_write(folder, error)) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def load(folder: str | Path) -> Split:
    """Read what `save` wrote. Raises `RowError` when the folder holds something else."""
    from datasets import DatasetDict, load_from_disk

    try:
        found = load_from_disk(str(folder))
    except FileNotFoundError:
        raise RowError(f"{folder}: there is no saved dataset; `llmi-data dataset` makes one of rows") from None
    except (OSError, ValueError, KeyError) as error:  # what `datasets` and Arrow raise on files that are not theirs
        raise RowError(f"{folder}: this dataset is damaged ({error}); save it again") from error
    if not isinstance(found, DatasetDict):
        raise RowError(f"{folder}: holds one dataset; the splits train and test are needed")
    if missing := {"train", "test"} - found.keys():
        raise RowError(f"{folder}: has no split {' or '.join(sorted(missing))}; it has {', '.join(found)}")
    try:
        return Split(tuple(from_dataset(found["train"])), tuple(from_dataset(found["test"])))
    except RowError as problem:
        raise RowError(f"{folder}: {problem}") from None


@contextmanager
def quietly() -> Iterator[None]:
    """No progress bars of `datasets`: a few thousand rows take no time, and a caller may have a display of its own."""
    from datasets.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    disabled_before = are_progress_bars_disabled()
    disable_progress_bars()
    try:
        yield
    finally:
        if not disabled_before:
            enable_progress_bars()


def _row(value: dict[str, Any], number: int) -> Row:
    present = {name: value[name] for name in Row.model_fields if value.get(name) is not None}
    images = present.get("images", [])
    if any(image["bytes"] is None for image in images):
        raise RowError(f"row {number}: a picture is only a path; embed its bytes before reading the rows")
    try:
        return Row.model_validate({**present, "images": [image["bytes"] for image in images]})
    except (ValidationError, LLMIError) as error:
        raise RowError(f"row {number}: {explain(error)}") from None
