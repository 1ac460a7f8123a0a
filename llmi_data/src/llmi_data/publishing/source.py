"""What is to be published: rows that were found in order, their splits, and what is recorded about them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from llmi_data.conversion import read_any
from llmi_data.dataset import is_saved
from llmi_data.errors import PublishingError, RowError, SplitError
from llmi_data.publishing.record import Record, read_record
from llmi_data.publishing.settings import PublishConfig
from llmi_data.row import Row
from llmi_data.splits import Split, split

_SHOWN = 5  # rows that are no rows, in one message


@dataclass(frozen=True)
class Source:
    split: Split
    record: Record

    @property
    def rows(self) -> tuple[Row, ...]:
        return (*self.split.train, *self.split.test)


def read_source(source: str | Path | Split, settings: PublishConfig) -> Source:
    """Rows and their record.

    Args:
        source: a run's folder; a saved dataset's; a file of rows in any format `convert` reads; or rows as they are.
        settings: names further files of the record.

    Raises `RowError` naming the file, the row and the remedy of the first rows that are not in order,
    `SplitError` where a scenario or a cluster is on both sides, `PublishingError` where there is nothing.
    """
    folder = None
    data: Path | None = None
    if not isinstance(source, Split):
        data = Path(source)
        if data.is_dir() and is_saved(data / "dataset"):
            folder, data = data, data / "dataset"
        elif data.is_dir() and (data / "steps.json").is_file():
            raise PublishingError(f"{data}: this run has no dataset yet; run it again to its end")
    record = read_record(folder, settings.reports, settings.hits, settings.clusters)
    rows = (*source.train, *source.test) if isinstance(source, Split) else tuple(_read(Path(source), data))
    if not rows:
        raise PublishingError(f"{source if data else 'the split'}: there are no rows in it")
    problems = [f"{row.id}: {problem}" for row in rows for problem in _pictures(row)]
    if problems:
        raise RowError(_told(f"row {problem}; replace the picture, or delete the row" for problem in problems))
    try:
        sides = split(rows, record.clusters)
    except SplitError as error:
        raise SplitError(f"{data or 'the split'}: {error}") from None
    if moved := _moved(source, data, sides):
        raise SplitError(
            f"{data or 'the split'}: {len(moved)} rows are in one split and say they are of the other, the first: row "
            f"{moved[0]}; set provenance.side, or move them"
        )
    return Source(sides, record)


def _moved(source: str | Path | Split, data: Path | None, sides: Split) -> list[str]:
    """Ids of rows that a split holds and that, by what they say of themselves, belong to the other."""
    if isinstance(source, Split):
        given = {"train": [row.id for row in source.train], "test": [row.id for row in source.test]}
    elif data is not None and is_saved(data):
        from datasets import load_from_disk

        saved = load_from_disk(str(data))
        given = {name: list(saved[name]["id"]) for name in saved if "id" in saved[name].column_names}
    else:
        return []
    return [
        name
        for side, rows in (("train", sides.train), ("test", sides.test))
        for name in sorted(set(given.get(side, ())) - {row.id for row in rows})
    ]


def _read(source: Path, data: Path | None) -> Iterator[Row]:
    problems: list[RowError] = []
    yield from read_any(data or source, problems.append)
    if problems:
        raise RowError(_told(map(str, problems)))


def _told(problems: Iterable[str]) -> str:
    problems = list(problems)
    more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
    return "; ".join(problems[:_SHOWN]) + more


def _pictures(row: Row) -> Iterator[str]:
    """What is wrong with the row's pictures: one that cannot be decoded breaks whoever loads the dataset."""
    from io import BytesIO

    from PIL import Image

    for number, data in enumerate(row.images):
        try:
            with Image.open(BytesIO(data)) as picture:
                picture.load()
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            yield f"picture {number} cannot be decoded ({error})"
