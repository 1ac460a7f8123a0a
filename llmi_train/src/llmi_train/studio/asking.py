"""What the page sends to begin a document, read strictly."""

from __future__ import annotations

import binascii
from base64 import b64decode
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from llmi_schema import ConfigurationError, Constraint, ImageCount
from llmi_train.inputs import input_picture
from llmi_train.policies import Request
from llmi_train.writing import row_constraint

MOST_PICTURES = 8


class _Picture(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(max_length=300)]
    data: str


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")

    prompt: Annotated[str, Field(max_length=100_000)]
    pictures: Annotated[list[_Picture], Field(max_length=MOST_PICTURES)] = []
    count: str = "any"
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.0
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0


@dataclass(frozen=True, slots=True)
class Asked:
    request: Request
    constraint: Constraint


def read_asked(body: bytes, *, constrain: bool) -> Asked:
    """The request for a policy. Raises `ConfigurationError` with a sentence for the page.

    Args:
        constrain: hold the document to the syntax of tags even where any number of pictures will do.
    """
    try:
        asked = _Asked.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the request"
        raise ConfigurationError(f"{where}: {first['msg']}") from None
    if not asked.prompt.strip():
        raise ConfigurationError("say what the document should be about")
    constraint = Constraint(count=_count(asked.count))
    pictures = tuple(input_picture(_decoded(picture), picture.name) for picture in asked.pictures)
    held = constrain or constraint != Constraint()
    messages: list[dict[str, Any]] = [{"role": "user", "content": asked.prompt}]
    request = Request(
        messages,
        pictures,
        temperature=asked.temperature,
        seed=asked.seed,
        constraint=row_constraint(constraint, len(pictures)) if held else None,
    )
    return Asked(request, constraint)


def _decoded(picture: _Picture) -> bytes:
    try:
        return b64decode(picture.data, validate=True)
    except (binascii.Error, ValueError):
        raise ConfigurationError(f"{picture.name}: the picture's bytes are not base64") from None


def _count(text: str) -> ImageCount:
    names = {"any": ImageCount.any(), "none": ImageCount.none(), "at least one": ImageCount.at_least_one()}
    if text in names:
        return names[text]
    if text.isdecimal() and 0 < int(text) < 100:
        return ImageCount.exactly(int(text))
    raise ConfigurationError(f"{text!r} is no number of pictures")
