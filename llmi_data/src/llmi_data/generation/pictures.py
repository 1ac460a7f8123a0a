"""`Pictures`: what the users of multimodal rows attach, from a folder, from a dataset, or drawn here."""

from __future__ import annotations

import io
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self

from llmi_data.errors import InputPictureError
from llmi_data.row import Side
from llmi_schema import Picture, Provenance

LONGEST_SIDE = 1024
"""Pixels; larger pictures are made smaller, in proportion."""

_ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"})
_HOW_MANY = (1, 1, 1, 1, 1, 1, 1, 2, 2, 3)
"""How many a user attaches, drawn evenly."""


@dataclass(frozen=True)
class Pictures:
    """Pictures by side of the split: what test rows see, training rows do not.

    The sides follow from the pictures' content, so the same pictures make the same sides in whatever order.
    """

    train: tuple[Picture, ...]
    test: tuple[Picture, ...]

    @classmethod
    def of(cls, pngs: Iterable[bytes], test_share: float) -> Self:
        """Share pictures, as PNG, out to the sides; a repeated one is kept once."""
        origin = Provenance(tool="input", provider="user")
        distinct = {picture.sha256: picture for picture in (Picture.from_png(png, origin) for png in pngs)}
        ordered = [distinct[digest] for digest in sorted(distinct)]
        tests = min(len(ordered) - 1, max(1, round(len(ordered) * test_share))) if test_share and ordered else 0
        return cls(train=tuple(ordered[tests:]), test=tuple(ordered[:tests]))

    @classmethod
    def from_folder(cls, folder: str | Path, test_share: float) -> Self:
        """Every picture in a folder and below it.

        Raises `InputPictureError` where there is none, and naming a file that cannot be read.
        """
        folder = Path(folder)
        if not folder.is_dir():
            raise InputPictureError(f"{folder}: no such folder; name the one that holds the users' pictures")
        paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _ENDINGS and path.is_file())
        if not paths:
            raise InputPictureError(f"{folder}: holds no pictures ({', '.join(sorted(_ENDINGS))}); put some there")
        return cls.of((_read(path) for path in paths), test_share)

    @classmethod
    def from_dataset(cls, dataset: Any, test_share: float, *, column: str | None = None) -> Self:
        """Every picture of a `datasets.Dataset` with an `Image` column: the only one unless `column` names it.

        Raises `InputPictureError` where there is no such column, and naming a row that cannot be read.
        """
        from datasets import Image

        found = [name for name, feature in dataset.features.items() if isinstance(feature, Image)]
        if column is None and len(found) == 1:
            column = found[0]
        if column is None or column not in found:
            named = ", ".join(found) or "none"
            raise InputPictureError(
                f"which column holds the pictures? Name one with the type Image; this dataset has {named}"
            )
        raw = dataset.select_columns([column]).cast_column(column, Image(decode=False))
        return cls.of(_from_column(raw, column), test_share)

    @classmethod
    def load(cls, path: str | Path, test_share: float, *, column: str | None = None) -> Self:
        """From a folder of pictures, or from a dataset: one saved by `datasets`, or a parquet file."""
        path = Path(path)
        if path.suffix == ".parquet":
            from datasets import Dataset

            return cls.from_dataset(Dataset.from_parquet(str(path)), test_share, column=column)
        if (path / "dataset_info.json").is_file():
            from datasets import load_from_disk

            return cls.from_dataset(load_from_disk(str(path)), test_share, column=column)
        return cls.from_folder(path, test_share)

    @classmethod
    def drawn(cls) -> Self:
        """The simple drawings that the offline generator attaches."""
        return cls(*_drawings())

    def pick(self, side: Side, rng: random.Random) -> tuple[Picture, ...]:
        """One to three different pictures, as one user attaches. Raises `InputPictureError` where the side has none."""
        there = self.test if side == "test" else self.train
        if not there:
            raise InputPictureError(f"there is no picture for {side} rows: give at least two different pictures")
        return tuple(rng.sample(there, min(len(there), rng.choice(_HOW_MANY))))


@cache
def _drawings() -> tuple[tuple[Picture, ...], tuple[Picture, ...]]:
    from llmi_data.offline.drawings import PALETTES, SUBJECTS, draw

    drawn = Pictures.of((draw(s, p) for s in sorted(SUBJECTS) for p in range(len(PALETTES))), test_share=0.2)
    return drawn.train, drawn.test


def _read(path: Path) -> bytes:
    try:
        return as_png(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputPictureError(f"{path}: {_unreadable(error)}") from None


def _from_column(dataset: Any, column: str) -> Iterator[bytes]:
    for number, row in enumerate(dataset):
        value = row[column]
        if value is None:
            continue
        try:
            yield as_png(value["bytes"] if value["bytes"] is not None else Path(value["path"]).read_bytes())
        except (OSError, ValueError) as error:
            raise InputPictureError(f"row {number}, column {column}: {_unreadable(error)}") from None


def _unreadable(error: Exception) -> str:
    from PIL import UnidentifiedImageError

    # Pillow names the object in memory here, which tells nobody anything.
    why = "its bytes are none Pillow knows" if isinstance(error, UnidentifiedImageError) else error
    return f"cannot be read as a picture ({why}); repair or remove it"


def as_png(data: bytes) -> bytes:
    """Any picture Pillow reads, upright, in RGB, at most `LONGEST_SIDE` pixels wide and high.

    Raises OSError or ValueError where it is none.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(io.BytesIO(data)) as opened:
            picture = ImageOps.exif_transpose(opened).convert("RGB")
    except Image.DecompressionBombError as error:
        raise ValueError(str(error)) from None
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()
