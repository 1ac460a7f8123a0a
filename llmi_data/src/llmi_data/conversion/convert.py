"""Files of rows read whatever their format, and written in any other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from llmi_data.conversion.formats import FORMATS, Format, FormatName, recognise
from llmi_data.conversion.records import Bad, Record, read_records
from llmi_data.conversion.writing import container_of, write_records
from llmi_data.errors import RowError
from llmi_data.row import Row


@dataclass(frozen=True)
class Converted:
    """What a conversion did.

    Attributes:
        broken: every record that was left out, with its place and the remedy.
        lost: columns that a row has no place for, and how many records had them.
    """

    rows: int
    source: FormatName
    target: FormatName
    broken: tuple[RowError, ...]
    lost: Mapping[str, int]


def read_any(path: str | Path, bad: Bad | None = None, *, form: FormatName | None = None) -> Iterator[Row]:
    """Rows of a file or a saved dataset's folder, in any of the formats; which one, the first record of any tells.

    Args:
        bad: is handed what is wrong with a record, and reading goes on; without it the first bad record raises.
        form: the format, where it is known.

    Raises `RowError` naming the file, the place in it, the column and the remedy.
    """
    found = FORMATS[form] if form else None
    for record in read_records(path, bad):
        try:
            found = found or recognise(record.value, record.place)
        except RowError as problem:
            if bad is None:
                raise
            bad(problem)
            continue
        row = _row(found, record, bad)
        if row is not None:
            yield row


def format_of(path: str | Path) -> FormatName:
    """The format of the first record that is of any. Raises `RowError` saying why there is none."""
    first: RowError | None = None
    for record in read_records(path, lambda _: None):
        try:
            return recognise(record.value, record.place).name
        except RowError as problem:
            first = first or problem
    raise first or RowError(f"{path}: there are no records in this file")


def convert(
    source: str | Path,
    output: str | Path,
    *,
    form: FormatName | None = None,
    to: FormatName | None = None,
    each: Callable[[], None] | None = None,
) -> Converted:
    """Read rows in one format and write them in another; a bad record costs itself.

    Args:
        source: JSON Lines, Parquet or a saved dataset's folder.
        output: `.jsonl`, `.parquet`, or a name without an ending for a saved dataset.
        form: the source's format; told from its first record unless given.
        to: the output's format; ours for `.jsonl` and TRL's otherwise unless given.
        each: called after every row.

    Raises `RowError` when the source cannot be read at all or holds no row, or the output cannot be written;
    an earlier output is then as it was.
    """
    container = container_of(output)
    reader = FORMATS[form or format_of(source)]
    writer = FORMATS[to or ("rows" if container == "jsonl" else "trl")]
    broken: list[RowError] = []
    lost: Counter[str] = Counter()
    rows = 0

    def records() -> Iterator[dict[str, object]]:
        nonlocal rows
        for record in read_records(source, broken.append):
            row = _row(reader, record, broken.append)
            if row is None:
                continue
            try:
                value = writer.write(row, rows)
            except RowError as problem:
                broken.append(RowError(f"{record.place}: {problem}"))
                continue
            lost.update(reader.lost(record.value, row))
            rows += 1
            if each:
                each()
            yield value
        if not rows:
            first = f"; the first: {broken[0]}" if broken else ""
            raise RowError(f"{source}: none of its {len(broken)} records could be converted{first}")

    write_records(output, records(), writer.name)
    return Converted(rows, reader.name, writer.name, tuple(broken), dict(lost))


def _row(form: Format, record: Record, bad: Bad | None) -> Row | None:
    value = record.value
    if record.split is not None and value.get("split") is None:
        value = {**value, "split": record.split}
    try:
        form.check(value)
        return form.read(value)
    except RowError as problem:
        placed = RowError(f"{record.place}: {problem}")
        if bad is None:
            raise placed from None
        bad(placed)
        return None
