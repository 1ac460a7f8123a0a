"""The repository as a folder: data, card, figures and record, written before anything is sent anywhere."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmi_data.errors import PublishingError
from llmi_data.publishing.account import RECORDS, without_words
from llmi_data.publishing.card import body
from llmi_data.publishing.facts import Facts
from llmi_data.publishing.figures import FIGURES, draw
from llmi_data.publishing.funnel import funnel
from llmi_data.publishing.head import head
from llmi_data.publishing.record import Record
from llmi_data.publishing.settings import PublishConfig
from llmi_data.publishing.source import Source
from llmi_data.publishing.tables import CONFIGS, Table, write_tables
from llmi_data.row import Row
from llmi_data.summary import summarize
from llmi_data.validation import tool_namings

CARD = "README.md"
OURS = (*CONFIGS, FIGURES, RECORDS)
"""Folders that a publication owns: what is in them and not in the new one is deleted with the same commit."""

_EXAMPLE_WORDS = 60  # an example is to be read at a glance


@dataclass(frozen=True)
class Prepared:
    """What a repository will hold.

    Attributes:
        files: paths relative to the folder, in order.
    """

    folder: Path
    tables: tuple[Table, ...]
    rows: int

    @property
    def files(self) -> tuple[str, ...]:
        found = (path for path in self.folder.rglob("*") if path.is_file())
        return tuple(sorted(path.relative_to(self.folder).as_posix() for path in found))


def write_folder(
    source: Source, settings: PublishConfig, folder: Path, *, kept: Mapping[str, Any] | None = None
) -> Prepared:
    """Write everything the repository should hold; an earlier such folder is replaced whole.

    Args:
        kept: the head of the card that is there now.

    Raises `PublishingError` where the reports are of other rows, or the folder holds something else or cannot be
    written.
    """
    folder = folder.absolute()
    if folder.exists() and not (folder.is_dir() and _replaceable(folder)):
        raise PublishingError(f"{folder}: holds something that is no publication; choose another folder")
    about = _read(settings.about) if settings.about else None
    stages = funnel(source.record, len(source.rows))
    unfinished = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        unfinished.mkdir(parents=True)
        tables = write_tables(source.split, unfinished)
        summary = summarize(source.rows)
        read = source.record.validation
        draw(summary, stages, read.agreement if read else None, unfinished / FIGURES)
        examples = _examples(source, tables, unfinished)
        _write_record(source.record, unfinished / RECORDS)
        kept = kept or {}
        licence = settings.license or kept.get("license")
        facts = Facts(
            repo=settings.repo,
            title=settings.title or kept.get("pretty_name") or settings.repo.rpartition("/")[2],
            licence=licence,
            rows=source.rows,
            summary=summary,
            tables=tables,
            stages=stages,
            record=source.record,
            named=sum(bool(tool_namings(row.text)) for row in source.rows),
            figures=frozenset(path.stem for path in (unfinished / FIGURES).glob("*.png")),
            examples=examples,
            about=about,
        )
        synthetic = source.record.generate is not None
        top = head(facts.title, tables, summary, licence=licence, synthetic=synthetic, kept=kept)
        (unfinished / CARD).write_text(f"{top}\n\n{body(facts)}", encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)
        unfinished.replace(folder)
    except OSError as error:
        raise PublishingError(
            f"{folder}: cannot write here ({error.strerror or error}); choose another place"
        ) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return Prepared(folder, tables, len(source.rows))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PublishingError(f"{path}: cannot read this file ({error})") from error


def _replaceable(folder: Path) -> bool:
    """Empty, or nothing in it but what we write."""
    names = {path.name for path in folder.iterdir()}
    return not names or (CARD in names and names <= {CARD, *OURS})


def _examples(source: Source, tables: Sequence[Table], folder: Path) -> dict[str, tuple[Row, str | None]]:
    """A short row of each configuration, with labels worth seeing, and its first picture beside the card."""
    found: dict[str, tuple[Row, str | None]] = {}
    for config in dict.fromkeys(table.config for table in tables):
        rows = [row for row in source.rows if bool(row.images) == (config == "multimodal")]
        telling = [row for row in rows if row.required_tools and row.image_count > 0] or rows
        row = next((row for row in telling if len(row.text.split()) <= _EXAMPLE_WORDS), telling[0])
        picture = None
        if row.images:
            picture = f"{FIGURES}/example.png"
            (folder / picture).write_bytes(row.images[0])
        found[config] = row, picture
    return found


def _write_record(record: Record, folder: Path) -> None:
    """The steps' reports as they are, but for where files lay on the machine that made them."""
    reports: dict[str, Any] = {}
    if record.generate:
        reports["generate.json"] = record.generate.model_dump(mode="json")
    if record.validation:
        reports["validate.json"] = record.validation.model_dump(mode="json")
    if record.curation:
        value = record.curation.model_dump(mode="json")
        for benchmark in value["settings"]["benchmarks"]:
            benchmark["file"] = Path(benchmark["file"]).name
        if (embedding := value["settings"]["embedding"]) and Path(embedding).exists():
            value["settings"]["embedding"] = Path(embedding).name
        reports["curate.json"] = value
    texts = {name: json.dumps(value, indent=1, ensure_ascii=False) + "\n" for name, value in reports.items()}
    if record.hits:
        texts["hits.jsonl"] = "".join(json.dumps(hit, ensure_ascii=False) + "\n" for hit in without_words(record.hits))
    if texts:
        folder.mkdir()
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
