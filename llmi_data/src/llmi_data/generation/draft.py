"""`Draft`: what a model hands in for one row, and what may be wrong with it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, create_model

from llmi_data.plan import Assignment
from llmi_data.row import Need
from llmi_data.validation.implicitness import tool_namings
from llmi_schema import ImageCount

LONGEST = 160
"""Words of a request; above this it is an essay."""

_SHORTEST_TEXT = 30
"""Characters: languages without spaces say much in few."""


class Draft(BaseModel):
    """A request as a model writes it, with the words that its labels rest on.

    The models asked for are made by `draft_model`: they add `needs`, one field per required tool.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    topic: str
    request: str
    how_many: str

    @property
    def quotes(self) -> dict[str, tuple[str, int | None]]:
        """Per required tool, the words that ask for it and the user's picture it works on."""
        needs: BaseModel | None = getattr(self, "needs", None)
        if needs is None:
            return {}
        values = needs.model_dump()
        picture = values.pop("picture", None)
        return {tool: (quote, picture if tool == "edit" else None) for tool, quote in values.items()}

    @property
    def needs_of_row(self) -> tuple[Need, ...]:
        return tuple(Need(tool=tool, quote=quote, picture=picture) for tool, (quote, picture) in self.quotes.items())


@lru_cache(maxsize=256)
def draft_model(tools: tuple[str, ...], pictures: int) -> type[Draft]:
    """The form a request is asked for in: exactly the required tools, and only pictures that exist to be changed."""
    if not tools:
        return Draft
    fields: dict[str, Any] = {
        tool: (str, Field(description="the words of the request that make it unavoidable, letter by letter"))
        for tool in tools
    }
    if "edit" in tools and pictures:
        numbers = cast("Any", Literal)[tuple(range(pictures))]
        fields["picture"] = (numbers, Field(description="which of the user's pictures is to be changed, from 0"))
    strict = ConfigDict(frozen=True, extra="forbid")
    needs = create_model("Needs", __config__=strict, **fields)
    return create_model("Draft", __base__=Draft, needs=(needs, ...))


def problem(draft: Draft, assignment: Assignment) -> str | None:
    """Why the draft cannot become a row, in words for whoever wrote it; None when it can."""
    if namings := tool_namings(draft.request):
        first = namings[0]
        return (
            f"The words {first.words!r} give away how a picture is to be made ({first.why}). "
            "Say what the reader should see instead."
        )
    words = len(draft.request.split())
    if words > LONGEST or len(draft.request.strip()) < _SHORTEST_TEXT:
        return f"It has {words} words. Between 25 and 90 are wanted."
    text = _plain(draft.request)
    for tool, (quote, _) in draft.quotes.items():
        if not quote.strip() or _plain(quote) not in text:
            return f'"needs", "{tool}": {quote!r} does not occur in the request. Copy words of the request, unchanged.'
    open_count = assignment.count == ImageCount.any().encode()
    if not open_count and (not draft.how_many.strip() or _plain(draft.how_many) not in text):
        return (
            f'"how_many": {draft.how_many!r} does not occur in the request. '
            "The request must say how many pictures are wanted, and these words are copied from it, unchanged."
        )
    if not draft.topic.strip():
        return '"topic" is empty.'
    return None


def _plain(text: str) -> str:
    """Without what copying tends to change: case, spaces and the shape of quotation marks."""
    straight = text.translate(str.maketrans("’‘“”„«»", '\'\'"""""'))
    return " ".join(straight.casefold().split()).strip(" .,;:!?\"'")
