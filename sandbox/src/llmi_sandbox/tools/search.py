"""`LocalSearch`: find a picture by words among captioned pictures of your own.

A folder holds pictures and a `metadata.jsonl` (the layout `datasets` calls an image folder), one row per picture:

```json
{"file_name": "fox.jpg", "caption": "a red fox in snow", "keywords": "animal winter", "licence": "CC BY 4.0",
 "attribution": "Jane Doe", "source_url": "https://..."}
```

Only `file_name` and `caption` (or `text`) are needed. Without that file, captions are read from text files beside
the pictures: `fox.jpg` and `fox.txt`.

A `datasets` dataset with a column of pictures and one of captions will do as well: `LocalSearch.from_dataset`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from pathlib import Path
from typing import Any, Self

from PIL import Image
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from llmi_sandbox.errors import PictureError
from llmi_sandbox.pictures import decode, encode, is_blank
from llmi_sandbox.tools.base import wrong_call
from llmi_sandbox.tools.search_index import Captioned, CaptionIndex
from llmi_schema import ConfigurationError, Picture, Provenance, SearchCall, ToolCall, ToolResult

METADATA = "metadata.jsonl"
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff"})

CANDIDATES = 5
"""How many of the best matches are tried until one can be read as a picture."""

log = logging.getLogger(__name__)


class LocalSearch:
    """Answers `search` calls from captioned pictures; `no_result` when no word of the query is found.

    Args:
        pictures: what can be found.
        provider: who is named in the provenance of every picture.
    """

    def __init__(self, pictures: Sequence[Captioned], *, provider: str = "local pictures") -> None:
        self._index = CaptionIndex(pictures)
        self._provider = provider
        self._passed_over = 0
        self.identity = f"search/local/{provider}/{self._index.digest}"

    @classmethod
    def from_folder(cls, folder: str | Path) -> Self:
        """Search a folder, laid out as described above.

        Raises ConfigurationError when there is no such folder, or no captioned picture in it.
        """
        folder = Path(folder).expanduser()
        if not folder.is_dir():
            raise ConfigurationError(f"{folder} is no folder: give the folder that holds your captioned pictures")
        return cls(read_folder(folder), provider=f"local folder {folder.resolve().name}")

    @classmethod
    def from_dataset(
        cls,
        dataset: Any,
        *,
        split: str = "train",
        image: str = "image",
        caption: str = "text",
        licence: str | None = None,
        attribution: str | None = None,
        source_url: str | None = None,
    ) -> Self:
        """Search a dataset of captioned pictures; they are decoded one by one, when they are found.

        Args:
            dataset: a `datasets.Dataset`, what `datasets.load_dataset` takes, or a folder of `save_to_disk`.
            split: which, where the dataset has several.
            image: the column of pictures.
            caption: the column of captions; a row may hold several.
            licence: the column of licences, if there is one; likewise `attribution` and `source_url`.

        Raises ConfigurationError when there is no such dataset or column.
        """
        from llmi_sandbox.tools.search_dataset import read_dataset

        details = {"licence": licence, "attribution": attribution, "source_url": source_url}
        rows, name = read_dataset(dataset, split=split, image=image, caption=caption, details=details)
        return cls(rows, provider=f"dataset {name}")

    async def __call__(self, call: ToolCall, pictures: Sequence[Picture]) -> ToolResult:
        if not isinstance(call, SearchCall):
            return wrong_call("search", call)
        return await asyncio.to_thread(self._search, call.params.query)

    def variant(self, number: int) -> LocalSearch:
        """The same search without its `number` best matches."""
        if number == 0:
            return self
        variant = copy(self)
        variant._passed_over = self._passed_over + number
        variant.identity = f"{self.identity}/without {number}"
        return variant

    def find(self, query: str, limit: int = CANDIDATES) -> list[Captioned]:
        """The best matches, best first."""
        return self._index.find(query, limit)

    def _search(self, query: str) -> ToolResult:
        found = self.find(query, self._passed_over + CANDIDATES)[self._passed_over :]
        for match in found:
            try:
                image = match.load()
            except (OSError, PictureError) as error:
                log.warning("%s was found but cannot be read: %s", match.name, error)
                continue
            if is_blank(image):
                log.warning("%s was found but is blank", match.name)
                continue
            return ToolResult(picture=encode(image, self._provenance(query, match)))
        if found:
            return ToolResult.failed("no_result", f"{len(found)} pictures match {query!r}, but none can be shown")
        more = "more " if self._passed_over else ""
        return ToolResult.failed("no_result", f"nothing {more}in the {self._provider} matches {query!r}")

    def _provenance(self, query: str, match: Captioned) -> Provenance:
        return Provenance(
            tool="search",
            provider=self._provider,
            request=query,
            licence=match.licence,
            attribution=match.attribution,
            source_url=match.source_url,
        )


class _Row(BaseModel):
    """One line of `metadata.jsonl`; other columns are left alone."""

    model_config = ConfigDict(extra="ignore")

    file_name: str = Field(min_length=1)
    caption: str = Field(min_length=1, validation_alias=AliasChoices("caption", "text"))
    keywords: str = ""
    licence: str | None = Field(default=None, validation_alias=AliasChoices("licence", "license"))
    attribution: str | None = None
    source_url: str | None = None


def read_folder(folder: Path) -> list[Captioned]:
    """The captioned pictures of a folder. Rows that cannot be used are named in the log and left out.

    Raises ConfigurationError when there is none at all.
    """
    metadata = folder / METADATA
    found = list(_from_metadata(metadata) if metadata.is_file() else _from_sidecars(folder))
    if not found:
        raise ConfigurationError(
            f"{folder} holds no captioned picture: write {METADATA} with rows like "
            '{"file_name": "fox.jpg", "caption": "a red fox"}, or fox.txt beside fox.jpg'
        )
    return found


def _from_metadata(metadata: Path) -> Iterator[Captioned]:
    folder = metadata.parent.resolve()
    for number, line in enumerate(_lines(metadata), 1):
        if not line.strip():
            continue
        try:
            row = _Row.model_validate_json(line)
        except ValidationError as error:
            problem = error.errors()[0]
            log.warning("%s, line %d: %s: %s", metadata, number, ".".join(map(str, problem["loc"])), problem["msg"])
            continue
        path = _inside(folder, row.file_name)
        if path is None:
            log.warning("%s, line %d: no file %s in this folder", metadata, number, row.file_name)
            continue
        details = row.model_dump(include={"caption", "keywords", "licence", "attribution", "source_url"})
        yield Captioned(name=_version(path, row.file_name), load=_reader(path), **details)


def _lines(file: Path) -> list[str]:
    """The lines of a text file, broken at line feeds alone: captions may hold other line breaks."""
    try:
        return file.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file} is not UTF-8 text: {error}") from None
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror or error}") from None


def _inside(folder: Path, name: str) -> Path | None:
    """A file of a folder, or None where there is none of that name or it lies elsewhere."""
    try:
        path = (folder / name).resolve()
        return path if path.is_relative_to(folder) and path.is_file() else None
    except (OSError, ValueError):  # no file can have this name: it is too long, or holds a null byte
        return None


def _from_sidecars(folder: Path) -> Iterator[Captioned]:
    for path in sorted(folder.rglob("*")):
        caption = path.with_suffix(".txt")
        if path.suffix.lower() in SUFFIXES and caption.is_file():
            text = caption.read_text(encoding="utf-8", errors="replace").strip()
            yield Captioned(name=_version(path, str(path.relative_to(folder))), caption=text, load=_reader(path))


def _version(path: Path, name: str) -> str:
    """A name that changes with the file, so that a cached answer does not outlive it."""
    stat = path.stat()
    return f"{name} ({stat.st_size} bytes, {stat.st_mtime_ns})"


def _reader(path: Path) -> Callable[[], Image.Image]:
    return lambda: decode(path.read_bytes())
