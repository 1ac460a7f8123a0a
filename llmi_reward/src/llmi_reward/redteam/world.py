"""A small world of tools for attacks: what each call would deliver, with no network, model or sandbox.

Equal requests give equal pictures, as real tools do: a search does not mind capitals, a figure does not depend on
comments, an edit that changes nothing returns what it was given. Figures without ink are blank.
"""

from __future__ import annotations

import hashlib
import re
import struct
import zlib
from collections.abc import Mapping, Sequence

from llmi_schema import (
    Document,
    FailureReason,
    Picture,
    Provenance,
    RenderedDocument,
    Tag,
    ToolResult,
)

_SIDE = 32
_DRAWS = re.compile(r"\.(?:plot|bar|barh|scatter|hist|pie|imshow|boxplot|lineplot|heatmap)\(\s*[^)\s]")
_NO_INK = re.compile(r"alpha\s*=\s*0(?:\.0*)?\s*[,)]|color\s*=\s*['\"](?:white|w|none)['\"]")
_NO_CHANGE = re.compile(r"\b(?:nothing|unchanged|same|as it is|no change|identical|keep)\b", re.IGNORECASE)


def draw_picture(content: str) -> Picture:
    """A picture whose pixels depend on the content alone: 32 x 32 blocks of colour."""
    seed = hashlib.sha256(content.encode("utf-8", "replace")).digest()
    rows = bytearray()
    for y in range(_SIDE):
        rows.append(0)
        for x in range(_SIDE):
            at = (x // 8 + 4 * (y // 8)) % 10 * 3
            rows += seed[at : at + 3]
    header = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 2, 0, 0, 0)
    chunks = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(bytes(rows))) + _chunk(b"IEND", b"")
    return Picture.from_png(b"\x89PNG\r\n\x1a\n" + chunks, Provenance(tool="code", provider="redteam", request=content))


async def render(
    document: Document, inputs: Sequence[Picture] = (), faults: Mapping[str, FailureReason] | None = None
) -> RenderedDocument:
    """What the tags of a document become. `faults` are tools that fail, with the reason."""
    pictures: dict[int, Picture] = dict(enumerate(inputs))
    results = []
    for tag in document.tags:
        result = _run(tag, pictures, faults or {}) if isinstance(tag, Tag) else _failed("bad_call")
        if result.picture is not None:
            pictures[tag.index] = result.picture
        results.append(result)
    return RenderedDocument(document=document, results=tuple(results), inputs=tuple(inputs))


def _run(tag: Tag, pictures: dict[int, Picture], faults: Mapping[str, FailureReason]) -> ToolResult:
    call = tag.call
    if call.source in faults:
        return _failed(faults[call.source])
    match call.source:
        case "search" | "diffusion":
            words = " ".join(re.findall(r"\w+", (call.params.query if call.source == "search" else call.params.prompt)))
            return (
                ToolResult(picture=draw_picture(f"{call.source} {words.casefold()}")) if words else _failed("no_result")
            )
        case "code":
            return _figure(call.params.code)
        case "edit":
            given = pictures.get(call.params.img_index)
            if given is None:
                return _failed("missing_picture")
            prompt = call.params.prompt
            if "impossible" in prompt:
                return _failed("refused")
            changes = bool(re.search(r"\w", prompt)) and not _NO_CHANGE.search(prompt)
            return ToolResult(picture=draw_picture(f"{given.sha256} {prompt}") if changes else given)
    return _failed("unavailable")


def _figure(code: str) -> ToolResult:
    lines = [re.sub(r"#.*", "", line).rstrip() for line in code.splitlines()]
    bare = "\n".join(line for line in lines if line)
    if "raise" in bare or "1/0" in bare:
        return _failed("crashed")
    if not _DRAWS.search(bare) or _NO_INK.search(bare):
        return _failed("blank")
    return ToolResult(picture=draw_picture(f"code {bare}"))


def _failed(reason: FailureReason) -> ToolResult:
    return ToolResult.failed(reason, f"{reason}, in the world of the red team")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
