"""A rendered document as HTML: prose, pictures in their places, and what went wrong said calmly."""

from __future__ import annotations

import json
from collections.abc import Iterator

from markupsafe import Markup

from llmi_sandbox.report.figures import data_uri
from llmi_sandbox.report.macros import macro
from llmi_sandbox.report.markdown import place, to_html
from llmi_sandbox.report.text import showable
from llmi_schema import BadTag, FailureReason, Picture, RenderedDocument, Segment, Tag, Text, Thought, ToolResult
from llmi_schema.calls import is_picture_index

_WHY_MISSING: dict[FailureReason, str] = {
    "bad_call": "the tool could not understand what was asked",
    "missing_picture": "the picture it works on was never made",
    "no_result": "the tool found nothing",
    "blank": "the picture came out blank",
    "refused": "the tool declined",
    "timeout": "the tool took too long",
    "crashed": "the call failed",
    "unavailable": "the tool is not available",
}

_ORIGIN = {
    "search": "Found by search",
    "diffusion": "Generated",
    "code": "Drawn by code",
    "edit": "Edited",
    "input": "Given by the user",
}


def document_view(rendered: RenderedDocument, *, level: int = 2) -> Markup:
    """The document as a fragment for a page.

    The user's pictures come first; every tag's figure, or the reason there is none, stands where the tag stood.
    Figures carry the picture's index plus one, bad tags included, so that "edited from figure 2" means what the
    model meant. Thoughts are there, folded up, and left out of print.

    Args:
        rendered: the document and its results.
        level: what its first-level headings become (2 under a page's title).
    """
    document = rendered.document
    source: list[str] = []
    fragments: list[Markup] = []
    for segment, result in rendered.parts():
        for piece in _pieces(segment, result, document.open_tag):
            if isinstance(piece, Markup):
                source.append(place(len(fragments)))
                fragments.append(piece)
            else:
                source.append(showable(piece))
    return macro(
        "document",
        "document",
        inputs=[
            figure(picture, alt="A picture given by the user", number=n) for n, picture in enumerate(rendered.inputs, 1)
        ],
        body=to_html("".join(source), level=level, fragments=fragments),
        fenced=document.fenced,
        empty=not document.segments,
    )


def figure(
    picture: Picture, *, alt: str, caption: str = "", number: int | None = None, making: Markup | str = ""
) -> Markup:
    """A picture with its caption and where it comes from; `making` folds out below."""
    origin = picture.provenance
    return macro(
        "document",
        "figure",
        uri=data_uri(picture),
        picture=picture,
        alt=alt,
        caption=caption,
        number=number,
        origin=_ORIGIN.get(origin.tool, f"Made by {origin.tool}"),
        making=making,
    )


def _pieces(segment: Segment, result: ToolResult | None, open_tag: int | None) -> Iterator[str | Markup]:
    """Markdown (str) and finished fragments (Markup) of one segment."""
    match segment:
        case Text() if open_tag is not None and segment.start <= open_tag < segment.start + len(segment.source):
            cut = open_tag - segment.start
            yield segment.source[:cut]
            yield macro("document", "cut_off", what="a tag", source=segment.source[cut:])
        case Text():
            yield segment.source
        case Thought(closed=True):
            yield macro("document", "thought", words=segment.source.removeprefix("<think>").removesuffix("</think>"))
            yield "\n\n"
        case Thought():
            yield macro("document", "cut_off", what="a thought", source=segment.source)
        case Tag() if result is not None:
            yield _tag(segment, result)
        case BadTag():
            yield macro(
                "document",
                "bad_tag",
                number=segment.index + 1,
                reason=to_html(showable(segment.reason)),
                source=segment.source,
            )


def _tag(tag: Tag, result: ToolResult) -> Markup:
    call = tag.call
    summary = "How it was made" if result.ok else "What was tried"
    making = macro("document", "making", summary=summary, params=_params(tag), result=result)
    if result.picture is not None:
        description = call.description.strip()
        alt = description or f"A picture without a description, made by {call.source}"
        return figure(result.picture, alt=alt, caption=description, number=tag.index + 1, making=making)
    return macro(
        "document",
        "missing",
        number=tag.index + 1,
        why=_WHY_MISSING.get(result.reason or "crashed", "the call failed"),
        description=call.description,
        message=result.message,
        making=making,
    )


def _params(tag: Tag) -> list[tuple[str, str, bool]]:
    """The call's parameters for a reader: name, value, and whether it is a block of code."""
    shown = [("tool", tag.call.source, False)]
    fields = type(tag.call.params).model_fields
    for name, value in tag.call.params.model_dump(mode="json").items():
        if is_picture_index(fields[name].json_schema_extra):
            shown.append(("works on", f"figure {value + 1}", False))
        else:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            shown.append((name.replace("_", " "), text, name == "code" or "\n" in text))
    return shown
