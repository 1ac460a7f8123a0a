"""`RenderedDocument`: a document together with what its tags became."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Self, get_args

from pydantic import BaseModel, ConfigDict, PlainSerializer, PlainValidator, ValidationInfo, model_validator

from llmi_schema.document import BadTag, Dialect, Document, Segment, Tag
from llmi_schema.language import DEFAULT_LANGUAGE
from llmi_schema.parser import parse
from llmi_schema.picture import Picture, ToolResult


def _document_to_json(document: Document) -> dict[str, Any]:
    return {"text": str(document), "input_images": document.input_images, "dialect": document.dialect}


def _document_from_json(value: Any, info: ValidationInfo) -> Document:
    if isinstance(value, Document):
        return value
    match value:
        case {"text": str(text), "input_images": int(inputs), **rest}:
            dialect: Any = rest.get("dialect", "json")
            if dialect in get_args(Dialect):
                return parse(text, inputs, (info.context or {}).get("language", DEFAULT_LANGUAGE), dialect=dialect)
    raise ValueError("a document is its text, input_images and dialect")


class RenderedDocument(BaseModel):
    """A document, the result of each closed tag (bad ones included) in order, and the user's pictures.

    JSON holds the source text and re-parses it; for a language of your own pass
    `model_validate_json(data, context={"language": language})`.
    """

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    document: Annotated[Document, PlainSerializer(_document_to_json), PlainValidator(_document_from_json)]
    results: tuple[ToolResult, ...]
    inputs: tuple[Picture, ...] = ()

    @model_validator(mode="after")
    def _complete(self) -> Self:
        tags = len(self.document.tags)
        if len(self.results) != tags:
            raise ValueError(f"{len(self.results)} results for {tags} tags: every closed tag needs one")
        if len(self.inputs) != self.document.input_images:
            raise ValueError(
                f"{len(self.inputs)} input pictures, but the document was parsed with {self.document.input_images}"
            )
        return self

    def parts(self) -> Iterator[tuple[Segment, ToolResult | None]]:
        """Every segment in order; tags come with their results."""
        results = iter(self.results)
        for segment in self.document.segments:
            yield segment, next(results) if isinstance(segment, Tag | BadTag) else None

    @property
    def delivered(self) -> tuple[Picture, ...]:
        """The distinct pictures that were really made, in order: a repeat is delivered once, a copy of a picture the
        user gave not at all.
        """
        given = {picture.sha256 for picture in self.inputs}
        made = {r.picture.sha256: r.picture for r in self.results if r.picture}
        return tuple(picture for content, picture in made.items() if content not in given)

    def __str__(self) -> str:
        return str(self.document)
