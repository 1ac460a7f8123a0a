"""Records into a file: all of them, or the earlier file stays as it was."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from llmi_data.conversion.formats import FormatName
from llmi_data.errors import RowError
from llmi_data.jsonl import write_lines
from llmi_schema.files import whole

if TYPE_CHECKING:
    from datasets import Features

Container = Literal["jsonl", "parquet", "dataset"]

_GROUP = 1000  # rows of Parquet written at a time


def container_of(output: str | Path) -> Container:
    """What to write, by the name's ending. Raises `RowError` for an ending that is none of ours."""
    match Path(output).suffix.lower():
        case ".jsonl" | ".json" | ".ndjson":
            return "jsonl"
        case ".parquet":
            return "parquet"
        case "":
            return "dataset"
        case ending:
            raise RowError(f"{output}: nothing here writes {ending} files; use .jsonl, .parquet or no ending")


def write_records(output: str | Path, records: Iterable[dict[str, Any]], form: FormatName) -> None:
    """Write the records of one format. Raises `RowError` when the output cannot be written."""
    match container_of(output):
        case "jsonl":
            write_lines(output, (json.dumps(_plain(record), ensure_ascii=False) for record in records))
        case "parquet":
            _write_parquet(Path(output), records, columns(form))
        case "dataset":
            _save(Path(output), records, columns(form))


def columns(form: FormatName) -> Features:
    """The columns of a format, spelled out so that files with and without pictures have the same schema."""
    from datasets import Features, Image, List, Value

    from llmi_data.dataset import features

    text, number = Value("string"), Value("int64")
    messages = List({"role": text, "content": text})
    match form:
        case "trl":
            return Features({**features(), "split": text})
        case "verl":
            return Features(
                {
                    "data_source": text,
                    "prompt": messages,
                    "images": List(Image()),
                    "ability": text,
                    "reward_model": {"style": text, "ground_truth": text},
                    "extra_info": {
                        "index": number,
                        "split": text,
                        "question": text,
                        "image_num": number,
                        "tools": List(text),
                        "images": List({"bytes": Value("binary"), "path": text}),
                        "row": text,
                    },
                }
            )
        case "rows" | "chat":
            raise RowError(f"the format {form} is one of JSON Lines: give the output the ending .jsonl, or use trl")


def _write_parquet(path: Path, records: Iterable[dict[str, Any]], features: Features) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = features.arrow_schema
    with whole(path, RowError) as unfinished, pq.ParquetWriter(unfinished, schema, compression="zstd") as file:
        for group in _groups(records):
            file.write_table(pa.Table.from_pylist(group, schema=schema))


def _save(path: Path, records: Iterable[dict[str, Any]], features: Features) -> None:
    from datasets import Dataset, DatasetDict

    from llmi_data.dataset import save_dataset

    sides: dict[str, list[dict[str, Any]]] = {"train": [], "test": []}
    for record in records:
        split = record.get("split") or record.get("extra_info", {}).get("split")
        sides["train" if split in (None, "train") else "test"].append(record)
    save_dataset(
        lambda: DatasetDict({side: Dataset.from_list(rows, features=features) for side, rows in sides.items()}), path
    )


def _groups(records: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    remaining = iter(records)
    while group := list(islice(remaining, _GROUP)):
        yield group


def _plain(value: Any) -> Any:
    """A value as JSON holds it: bytes as base64."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value
