"""The four visual tools as pydantic models: what the inside of a tag may be.

A tag is `<imgen>` + one JSON object + `</imgen>`. The object is a `ToolCall`: `source` names the tool,
`description` says what the picture shows, `params` are the tool's own. Parser, grammar, prompts and tool
definitions are all derived from these classes; a fifth tool is one more subclass (see `Language`).
"""

from __future__ import annotations

import json
from functools import cache
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

OPEN_TAG = "<imgen>"
CLOSE_TAG = "</imgen>"
OPEN_THOUGHT = "<think>"
CLOSE_THOUGHT = "</think>"

PictureIndex = Annotated[
    int,
    Field(
        ge=0,
        description="which earlier picture: the user's pictures come first, then yours in order, counted from 0",
        json_schema_extra={"picture_index": True},
    ),
]
"""An index into the pictures that exist before the tag; the parser and the grammar check that it does."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ToolCall(_Strict):
    """One call of a visual tool. Subclasses fix `source` to a literal and give `params` a model."""

    purpose: ClassVar[str]
    """When to choose this tool: one phrase, used in prompts and tool definitions."""

    source: str
    description: str = Field(description="what the picture shows, in one short sentence")
    params: Any

    @property
    def picture_index(self) -> int | None:
        """Index of the picture this call works on, or None when it starts from nothing."""
        params: type[BaseModel] = type(self.params)
        field = picture_index_field(params)
        return None if field is None else getattr(self.params, field)

    def to_tag(self) -> str:
        """The canonical tag: strict JSON in one layout.

        Inside strings `</` is written `<\\/` and `<imgen>` `\\u003cimgen>`, so that a reader that only looks for the
        marks is not misled.
        """
        body = canonical_json(self.model_dump(mode="json"))
        return f"{OPEN_TAG}{body}{CLOSE_TAG}"


def canonical_json(value: Any) -> str:
    """JSON as it stands in a tag. `<` occurs inside strings only, so replacing it there is safe."""
    return _encode(value).replace("</", "<\\/").replace(OPEN_TAG, "\\u003cimgen>")


_encode = json.JSONEncoder(ensure_ascii=False).encode


@cache
def picture_index_field(params: type[BaseModel]) -> str | None:
    """The name of the field that holds a `PictureIndex`, or None."""
    return next(
        (name for name, field in params.model_fields.items() if is_picture_index(field.json_schema_extra)), None
    )


def is_picture_index(extra: object) -> bool:
    """Whether a field's `json_schema_extra` marks it as a `PictureIndex`."""
    return isinstance(extra, dict) and bool(extra.get("picture_index"))


class SearchParams(_Strict):
    query: str = Field(description="search words for a real photograph, map or document")


class DiffusionParams(_Strict):
    prompt: str = Field(description="a full description of the picture to generate")


class CodeParams(_Strict):
    code: str = Field(
        description="Python that draws one figure; plt, pd, sns and np are imported; no plt.show() and no plt.savefig()"
    )


class EditParams(_Strict):
    img_index: PictureIndex
    prompt: str = Field(description="the change to make")


class SearchCall(ToolCall):
    """Find a real picture."""

    purpose = "a real, existing thing: a person, place, landmark, product, artwork or event"
    source: Literal["search"] = "search"
    params: SearchParams


class DiffusionCall(ToolCall):
    """Generate a picture that exists nowhere."""

    purpose = "something imagined or composed: a scene, a concept, a style"
    source: Literal["diffusion"] = "diffusion"
    params: DiffusionParams


class CodeCall(ToolCall):
    """Draw a figure from data with Python."""

    purpose = "exact figures from data: charts, plots, tables, diagrams"
    source: Literal["code"] = "code"
    params: CodeParams


class EditCall(ToolCall):
    """Change a picture that is already there."""

    purpose = "a change to an earlier picture or to one the user gave"
    source: Literal["edit"] = "edit"
    params: EditParams
