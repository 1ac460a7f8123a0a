"""A document as a file: the suffix says which."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from llmi_schema import ConfigurationError, Picture, RenderedDocument, ToolResult, parse
from llmi_schema.files import cannot_write, write_whole
from llmi_train.policies import Completion
from llmi_train.writing.written import ToolRun, Written

SUFFIXES = (".html", ".md", ".json")


def check_output(path: Path) -> None:
    """Raises `ConfigurationError` where a document could not be saved, before anything is paid for."""
    if path.suffix not in SUFFIXES:
        raise ConfigurationError(f"{path}: the suffix says what to write: {', '.join(SUFFIXES)}")
    if path.is_dir():
        raise ConfigurationError(f"{path} is a folder: give a file's name")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"{path.parent}: cannot make this folder ({error.strerror})") from error


def save(written: Written, path: Path) -> None:
    """Write the document whole or not at all.

    `.html` is one self-contained page; `.md` is Markdown, its pictures beside it as `<name>-<number>.png`; `.json` is
    everything that is known, for `load_written`. Raises `ConfigurationError` for other suffixes and unwritable places.
    """
    check_output(path)
    try:
        match path.suffix:
            case ".html":
                write_whole(path, _page(written))
            case ".json":
                write_whole(path, to_json(written))
            case _:
                _save_markdown(written, path)
    except OSError as error:
        raise ConfigurationError(cannot_write(path, error)) from error


def load_written(path: Path) -> Written:
    """Read what `save` wrote as JSON. Raises `ConfigurationError` for anything else."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        return from_json(value)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot read this file ({error.strerror})") from error
    except (ValueError, KeyError, TypeError) as error:  # pydantic's ValidationError is a ValueError
        raise ConfigurationError(f"{path}: this is no document written by llmi-train write ({error})") from error


def to_json(written: Written) -> str:
    value = {
        "messages": written.messages,
        "policy": written.policy,
        "problem": written.problem,
        "seconds": written.seconds,
        "writing_seconds": written.writing_seconds,
        "runs": [asdict(run) for run in written.runs],
        "completion": asdict(written.completion) if written.completion else None,
        "rendered": written.rendered.model_dump(mode="json"),
    }
    return f"{json.dumps(value)}\n"  # ASCII: models write half characters, which UTF-8 cannot hold


def from_json(value: Any) -> Written:
    return Written(
        messages=value["messages"],
        rendered=_rendered(value["rendered"]),
        completion=Completion(**value["completion"]) if value["completion"] else None,
        policy=value["policy"],
        seconds=value["seconds"],
        writing_seconds=value["writing_seconds"],
        runs=tuple(ToolRun(**run) for run in value["runs"]),
        problem=value["problem"],
    )


def _rendered(value: Any) -> RenderedDocument:
    """Read part by part: pydantic reads no JSON with half characters in it, which a document's text may have."""
    text = value["document"]
    return RenderedDocument(
        document=parse(text["text"], text["input_images"], dialect=text["dialect"]),
        results=tuple(ToolResult.model_validate_json(json.dumps(result)) for result in value["results"]),
        inputs=tuple(Picture.model_validate_json(json.dumps(picture)) for picture in value["inputs"]),
    )


def _page(written: Written) -> str:
    from llmi_sandbox.report import document_page

    return document_page(written.rendered, prompt=written.prompt)


def _save_markdown(written: Written, path: Path) -> None:
    """Pictures first, the text that points to them last."""
    from llmi_sandbox.report import write_markdown

    folder = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        write_markdown(written.rendered, folder, name=path.stem)
        for file in sorted(folder.iterdir(), key=lambda file: file.suffix == ".md"):
            file.replace(path.with_name(file.name))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
