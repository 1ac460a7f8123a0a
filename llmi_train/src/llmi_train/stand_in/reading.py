"""Takes a judge's request apart again: what was asked, which pictures were given, and the answer in order."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_RUBRIC = re.compile(r"\[\[([0-9a-f]+) rubric\]\]")
_PNG = "data:image/png;base64,"


class NotUnderstoodError(ValueError):
    """The request is not one that `llmi_reward.judges` writes."""


@dataclass
class Tagged:
    """A tag of the answer: the words it asked with, what came of it, and the picture as PNG where one is shown."""

    asked: Mapping[str, Any]
    came: bool = False
    png: bytes | None = None
    before: str = ""
    """The prose between the previous tag and this one."""


@dataclass
class Exhibit:
    """What is to be judged."""

    request: str = ""
    given: list[bytes] = field(default_factory=list)
    prose: list[str] = field(default_factory=list)
    tags: list[Tagged] = field(default_factory=list)


def read_request(body: Mapping[str, Any]) -> tuple[list[str], Exhibit]:
    """The criteria asked for, and the exhibit. Raises `NotUnderstoodError`."""
    match body:
        case {
            "messages": [{"content": str(system)}, {"content": str() | list() as user}],
            "response_format": {"json_schema": {"schema": {"properties": dict(properties)}}},
        }:
            pass
        case _:
            raise NotUnderstoodError("a system and a user message and a schema of marks are needed")
    found = _RUBRIC.search(system)
    if found is None:
        raise NotUnderstoodError("the system message has no fenced rubric")
    return list(properties), _exhibit(user, found[1])


def _exhibit(content: Any, nonce: str) -> Exhibit:
    exhibit = Exhibit()
    where = ""
    expects_png = False
    prose = ""
    for kind, value in _pieces(content, nonce):
        match kind, value:
            case "mark", str(mark):
                where = _entered(mark, where)
                if mark.startswith("picture ") and mark.endswith("as it was asked for"):
                    exhibit.tags.append(Tagged(asked={}, before=prose))
                    prose = ""
                expects_png = mark.endswith(("given by the user", "stands here"))
                if exhibit.tags and mark.endswith(("stands here", "came of it")):
                    exhibit.tags[-1].came = True
            case "picture", bytes(png) if expects_png:
                if where == "answer" and exhibit.tags:
                    exhibit.tags[-1].png = png
                else:
                    exhibit.given.append(png)
            case "text", str(text) if where == "request":
                exhibit.request += text
            case "text", str(text) if where == "asked":
                exhibit.tags[-1].asked = _call(text)
            case "text", str(text) if where == "answer":
                exhibit.prose.append(text)
                prose += text
    return exhibit


def _entered(mark: str, where: str) -> str:
    """Which part of the request follows a mark."""
    if mark in ("request", "answer"):
        return mark
    if mark in ("end of request", "end of answer"):
        return ""
    if mark.endswith("as it was asked for"):
        return "answer" if mark.startswith("end of ") else "asked"
    return where


def _pieces(content: Any, nonce: str) -> Iterator[tuple[str, str | bytes]]:
    """Marks with the nonce, texts between them, pictures."""
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    marks = re.compile(rf"\[\[{nonce} ([^\[\]]*)\]\]")
    for part in parts:
        match part:
            case {"type": "image_url", "image_url": {"url": str(url)}} if url.startswith(_PNG):
                yield "picture", b64decode(url[len(_PNG) :], validate=True)
            case {"type": "text", "text": str(text)}:
                for i, piece in enumerate(marks.split(text)):
                    if i % 2:
                        yield "mark", piece
                    elif piece.strip():
                        yield "text", piece.strip()
            case _:
                raise NotUnderstoodError("content is text and PNG pictures in the request")


def _call(text: str) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
