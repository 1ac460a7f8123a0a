"""The captioned pictures of a `datasets` dataset."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from llmi_sandbox.errors import PictureError
from llmi_sandbox.pictures import decode
from llmi_sandbox.tools.search_index import Captioned
from llmi_schema import ConfigurationError, SystemRequirementError


def read_dataset(
    dataset: Any, *, split: str, image: str, caption: str, details: Mapping[str, str | None]
) -> tuple[list[Captioned], str]:
    """Its rows that have a caption, and the dataset's name; arguments as in `LocalSearch.from_dataset`."""
    name = str(dataset) if isinstance(dataset, str | Path) else ""
    if isinstance(dataset, str | Path):
        dataset = _load(str(dataset), split)
    if hasattr(dataset, "keys"):  # a DatasetDict
        if split not in dataset:
            raise ConfigurationError(f"the dataset has no split {split!r}: it has {', '.join(dataset)}")
        dataset = dataset[split]
    columns = {"image": image, "caption": caption, **{key: value for key, value in details.items() if value}}
    for meaning, column in columns.items():
        if column not in dataset.column_names:
            known = ", ".join(dataset.column_names)
            raise ConfigurationError(f"the dataset has no column {column!r} for the {meaning}: it has {known}")
    pictures = _undecoded(dataset, image)
    texts = {meaning: list(dataset[column]) for meaning, column in columns.items() if meaning != "image"}
    version = getattr(dataset, "_fingerprint", "") or hashlib.sha256(repr(texts).encode()).hexdigest()[:16]
    rows = [
        Captioned(
            name=f"{version} row {row}",
            caption=words,
            load=partial(_read, pictures, row, image),
            licence=_detail(texts, "licence", row),
            attribution=_detail(texts, "attribution", row),
            source_url=_detail(texts, "source_url", row),
        )
        for row, text in enumerate(texts["caption"])
        if (words := _words(text))
    ]
    if not rows:
        raise ConfigurationError(f"no row of the dataset has words in its column {caption!r}")
    return rows, name or str(getattr(dataset.info, "dataset_name", None) or "in memory")


def _load(name: str, split: str) -> Any:
    try:
        import datasets
    except ImportError:
        raise SystemRequirementError(
            "searching a dataset needs `datasets`: pip install 'llmi-sandbox[datasets]'"
        ) from None
    try:
        if (Path(name) / "state.json").is_file() or (Path(name) / "dataset_dict.json").is_file():
            return datasets.load_from_disk(name)
        return datasets.load_dataset(name, split=split)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"the dataset {name} cannot be loaded: {error}") from None


def _undecoded(dataset: Any, image: str) -> Any:
    """The column of pictures as bytes, so that decoding them is left to `pictures.decode` and its limits."""
    import datasets

    if not isinstance(dataset.features[image], datasets.Image):
        raise ConfigurationError(f"the column {image!r} holds no pictures: it is {dataset.features[image]}")
    return dataset.select_columns([image]).cast_column(image, datasets.Image(decode=False))


def _read(pictures: Any, row: int, image: str) -> Image.Image:
    """Raises `PictureError` or OSError for what cannot be read."""
    value = pictures[row][image]
    if value is None:
        raise PictureError("empty", "the row has no picture")
    data = value.get("bytes") or (Path(value["path"]).read_bytes() if value.get("path") else b"")
    return decode(data)


def _detail(texts: Mapping[str, list[Any]], key: str, row: int) -> str | None:
    return (_words(texts[key][row]) or None) if key in texts else None


def _words(value: Any) -> str:
    """One text of what a caption may be: a text, several, or none."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list | tuple):
        return " | ".join(text.strip() for text in value if isinstance(text, str) and text.strip())
    return ""
