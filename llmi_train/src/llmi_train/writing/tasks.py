"""Many prompts from a file: what `llmi-train write --data` works through."""

from __future__ import annotations

import binascii
import json
import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from llmi_schema import ConfigurationError, Constraint, ImageCount, LLMIError, Picture
from llmi_train.inputs import input_picture, load_pictures
from llmi_train.policies import Messages

_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,100}")


@dataclass(frozen=True, slots=True)
class Task:
    """One document to write.

    Attributes:
        name: tells it from the others, and names its file.
        constraint: what is asked for, where the data say so.
    """

    name: str
    messages: Messages
    pictures: tuple[Picture, ...] = ()
    constraint: Constraint | None = None


class _Line(BaseModel):
    """A line of a JSON Lines file; rows of llmi-data are such lines, too."""

    model_config = ConfigDict(extra="ignore")

    prompt: str | list[dict[str, Any]]
    id: str | int | None = None
    images: list[str] = []
    image_count: int | str | None = None
    required_tools: list[str] = []


def load_tasks(
    path: Path, *, split: Literal["train", "test"] = "test", bad: Callable[[str], None] | None = None
) -> Iterator[Task]:
    """Read prompts one by one.

    Args:
        path: a folder that `llmi-data` wrote, or a JSON Lines file: `{"prompt": "..."}` on each line, or chat messages
            in its place; optionally `id`, `images` (base64, or files beside it), `image_count`, `required_tools`.
        split: which half of a folder's rows.
        bad: is handed what is wrong with a line, and reading goes on; without it the first bad line raises.

    Raises `ConfigurationError` for files that cannot be read.
    """
    if path.is_dir():
        from llmi_data import load

        for row in getattr(load(path), split):
            yield Task(row.id, row.messages, row.pictures, row.constraint)
        return
    try:
        lines = path.open(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot read this file ({error.strerror})") from error
    with lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                yield _task(line, path.parent)
            except (ValueError, LLMIError) as error:
                problem = f"{path}, line {number}: {_explain(error)}"
                if bad is None:
                    raise ConfigurationError(problem) from None
                bad(problem)


def _task(line: str, folder: Path) -> Task:
    row = _Line.model_validate_json(line)
    messages = [{"role": "user", "content": row.prompt}] if isinstance(row.prompt, str) else row.prompt
    if not any(message.get("role") == "user" and message.get("content") for message in messages):
        raise ConfigurationError("the prompt has no message of the user")
    pictures = tuple(_picture(image, folder) for image in row.images)
    constraint = None
    if row.image_count is not None or row.required_tools:
        count = ImageCount.any() if row.image_count is None else ImageCount.decode(row.image_count)
        constraint = Constraint(count=count, required_tools=frozenset(row.required_tools))
    return Task(_name(row, messages, pictures), messages, pictures, constraint)


def _name(row: _Line, messages: Messages, pictures: tuple[Picture, ...]) -> str:
    if row.id is not None and _FILE_NAME.fullmatch(str(row.id)):
        return str(row.id)
    asked = json.dumps([str(row.id), messages, [picture.sha256 for picture in pictures]], sort_keys=True)
    return sha256(asked.encode()).hexdigest()[:16]


def _picture(image: str, folder: Path) -> Picture:
    """A file beside the data, or the picture itself in base64."""
    if len(image) < 1000 and "\0" not in image and (folder / image).is_file():
        return load_pictures([folder / image])[0]
    try:
        data = b64decode(image, validate=True)
    except (binascii.Error, ValueError):
        raise ConfigurationError(f"the picture {image[:60]!r} is neither a file beside the data nor base64") from None
    return input_picture(data, "picture")


def _explain(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, first['loc'])) or 'the line'}: {first['msg']}"
    return str(error)
