"""A rendered document as Markdown with files, or as parts of a chat message. (As a page: `llmi_sandbox.report`.)

Only what is there is written: a tag that failed leaves a short note, so that nobody takes it for a picture. Thoughts
are left out.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from llmi_sandbox.report.text import followable, showable
from llmi_schema import BadTag, Picture, RenderedDocument, Segment, Tag, Text, ToolResult
from llmi_schema.files import write_whole

_HARMFUL = re.compile(
    r"!(?=\[)|<(?=[a-zA-Z!?/])|&(?=[#a-zA-Z])"  # pictures, HTML, entities
    r"|(?<=\])(?=\(\s*<?\s*(?!https?:|mailto:))|(?<=\])(?=:\s*<?\s*(?!https?:|mailto:))"  # links to elsewhere
)
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#!|~&])")


def write_markdown(rendered: RenderedDocument, folder: str | Path, *, name: str = "document") -> Path:
    """Write `<name>.md` and the pictures beside it; answers the Markdown file's path.

    Pictures are `<name>-<number>.png`, numbered as in the document: the user's first, then every closed tag. HTML,
    pictures and links to programs in the model's text are made text, so that the file may be shown by anything.
    """
    folder = Path(folder).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    lines: list[str] = []
    for number, picture in enumerate(rendered.inputs):
        lines.append(_figure(picture, _save(picture, folder, name, number), "given by the user"))
    for segment, result in _shown(rendered):
        if result is None:
            lines.append(_tame(segment.source))
        elif result.picture is None:
            lines.append(_missing(segment, result))
        else:
            file = _save(result.picture, folder, name, _index(segment))
            lines.append(_figure(result.picture, file, _description(segment)))
    path = folder / f"{name}.md"
    write_whole(path, ("".join(lines).strip() + "\n").encode("utf-8", "replace"))
    return path


def content_parts(rendered: RenderedDocument, *, inputs: bool = True) -> list[dict[str, Any]]:
    """The document as the `content` of a chat message, pictures where their tags stood.

    Parts are `{"type": "text", "text": ...}` and `{"type": "image_url", "image_url": {"url": "data:..."}}`, as
    OpenAI-compatible endpoints take them. Failed tags become a sentence in brackets.

    Args:
        inputs: whether the user's pictures come first.
    """
    parts: list[dict[str, Any]] = [_image(picture) for picture in rendered.inputs] if inputs else []
    for segment, result in _shown(rendered):
        if result is not None and result.picture is not None:
            parts.append(_image(result.picture))
            continue
        text = segment.source if result is None else f"[{_why(segment, result)}]"
        if parts and parts[-1]["type"] == "text":
            parts[-1] = {"type": "text", "text": parts[-1]["text"] + text}
        elif text.strip():
            parts.append({"type": "text", "text": text})
    return parts


def _shown(rendered: RenderedDocument) -> Iterator[tuple[Segment, ToolResult | None]]:
    return ((segment, result) for segment, result in rendered.parts() if isinstance(segment, Text | Tag | BadTag))


def _image(picture: Picture) -> dict[str, Any]:
    data = base64.b64encode(picture.png).decode("ascii")
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}


def _save(picture: Picture, folder: Path, name: str, number: int) -> str:
    file = f"{name}-{number}.png"
    write_whole(folder / file, picture.png)
    return file


def _figure(picture: Picture, file: str, description: str) -> str:
    origin = picture.provenance
    credit = [origin.provider, origin.licence, origin.attribution]
    words = ", ".join(_plain(part) for part in credit if part)
    if origin.source_url and followable(origin.source_url):
        words += f", [source](<{origin.source_url.replace('>', '%3E').replace('<', '%3C')}>)"
    return f"\n\n![{_plain(description)}]({file})\n*{words}*\n\n"


def _missing(segment: Segment, result: ToolResult) -> str:
    return f"\n\n> {_plain(_why(segment, result))}\n\n"


def _why(segment: Segment, result: ToolResult) -> str:
    return f"Picture {_index(segment)} is missing: {result.message or result.reason}"


def _index(segment: Segment) -> int:
    return segment.index if isinstance(segment, Tag | BadTag) else -1


def _description(segment: Segment) -> str:
    return segment.call.description if isinstance(segment, Tag) else ""


def _tame(text: str) -> str:
    """A model's Markdown without what a careless reader program would fetch or run."""
    return _HARMFUL.sub(lambda found: f"{found[0]}\\" if found[0] in ("", "!") else f"\\{found[0]}", showable(text))


def _plain(text: str) -> str:
    """Somebody's words on one line, with nothing in them that Markdown or HTML would act on."""
    return _SPECIAL.sub(r"\\\1", " ".join(showable(text).split()))
