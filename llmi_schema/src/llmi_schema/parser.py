"""`parse`: text -> `Document`. Never raises on any string, and is linear in its length.

The scan stops at three things only: `<think>`, `<imgen>` and a line that opens a code fence; each is looked for once
over the whole text. A tag's end is the first `</imgen>` outside its JSON strings. The lexer for that never reads
past another `<imgen>`, inside a string or out (`to_tag` writes it escaped), so no character is lexed for two tags.
"""

from __future__ import annotations

import json
import re
from typing import Any

from llmi_schema.calls import CLOSE_TAG, OPEN_TAG, ToolCall
from llmi_schema.document import BadTag, Dialect, Document, Segment, Tag, Text, Thought
from llmi_schema.language import DEFAULT_LANGUAGE, CallError, Language
from llmi_schema.published import read_body

_OPEN_THOUGHT = "<think>"
_CLOSE_THOUGHT = "</think>"
_JSON_BODY = re.compile(r'\s*+(\{(?:[^"<]++|"(?:[^"\\<]++|\\[^<]|<(?!imgen>))*+")*+)</imgen>', re.DOTALL)
_NAMED_TOOL = re.compile(r"""["']source["']\s*+:\s*+["'](\w+)["']""")
# CommonMark: up to three spaces of indentation; what follows backticks on the opening line holds no backtick
_OPEN_FENCE = re.compile(r"(?:\n|\A) {0,3}(?P<marks>`{3,}+(?=[^`\n]*+(?:\n|\Z))|~{3,}+)")
_CLOSE_FENCE = re.compile(r"\n {0,3}(?P<marks>`{3,}+|~{3,}+)[ \t\r]*+(?=\n|\Z)")


def parse(
    text: str, input_images: int = 0, language: Language = DEFAULT_LANGUAGE, *, dialect: Dialect = "json"
) -> Document:
    """Take a model's text apart.

    Args:
        text: any string at all.
        input_images: how many pictures the user gave; tags are numbered after them.
        language: the tools that exist.
        dialect: "json" is what this project writes; "python" reads the published dialect, whose tags are Python
            literals (see `llmi_schema.published`). Its tags end at the first `</imgen>`, whatever it stands in.
    """
    segments: list[Segment] = []
    size = len(text)
    written = position = 0  # text[:written] is in segments; text[:position] is understood
    pictures = input_images
    fenced = 0
    open_tag: int | None = None
    tag_at = thought_at = -1
    fence: re.Match[str] | None = None
    fence_at = -1 if "```" in text or "~~~" in text else size

    while True:
        if tag_at < position:
            tag_at = _find(text, OPEN_TAG, position)
        if thought_at < position:
            thought_at = _find(text, _OPEN_THOUGHT, position)
        if fence_at < position:
            fence = _OPEN_FENCE.search(text, position)
            fence_at = fence.start("marks") if fence else size
        start = min(tag_at, thought_at, fence_at)
        if start == size:
            break
        if fence and start == fence_at:
            position = _fence_end(text, fence)
            fenced += text.count(OPEN_TAG, start, position)
            continue
        if start == tag_at:
            body, end = _tag_extent(text, start + len(OPEN_TAG), dialect)
            if end < 0:
                open_tag = start
                break
            segment: Segment = _read_tag(text[start:end], body, start, pictures, language, dialect)
            pictures += 1
        else:
            close = text.find(_CLOSE_THOUGHT, start)
            end = close + len(_CLOSE_THOUGHT) if close >= 0 else size
            segment = Thought(start, text[start:end], close >= 0)
        if start > written:
            segments.append(Text(written, text[written:start]))
        segments.append(segment)
        written = position = end
    if size > written:
        segments.append(Text(written, text[written:]))
    return Document(tuple(segments), input_images, open_tag, fenced, dialect)


def _find(text: str, mark: str, start: int) -> int:
    at = text.find(mark, start)
    return at if at >= 0 else len(text)


def _fence_end(text: str, opening: re.Match[str]) -> int:
    """Where the code fence ends: at a line with at least as many of the same marks, or with the text."""
    marks = opening["marks"]
    position = text.find("\n", opening.end())
    while position >= 0 and (close := _CLOSE_FENCE.search(text, position)):
        if close["marks"].startswith(marks):
            return close.end()
        position = close.end()
    return len(text)


def _tag_extent(text: str, start: int, dialect: Dialect) -> tuple[str | None, int]:
    """The body (None when it does not even look like an object) and the end of the tag (-1: never closed)."""
    if dialect == "json" and (match := _JSON_BODY.match(text, start)):
        return match[1], match.end()
    close = text.find(CLOSE_TAG, start)
    if close < 0:
        return None, -1
    return text[start:close] if dialect == "python" else None, close + len(CLOSE_TAG)


def _read_tag(
    source: str, body: str | None, start: int, index: int, language: Language, dialect: Dialect
) -> Tag | BadTag:
    if body is None:
        return BadTag(start, source, index, _why_no_body(source), _named_tool(source, language))
    try:
        call = _read_json(body, language) if dialect == "json" else _read_literal(body, language)
        target = call.picture_index
        if target is not None and target >= index:
            before = "no picture comes" if index == 0 else f"only pictures 0 to {index - 1} come"
            raise CallError(f"it works on picture {target}, but {before} before this tag")
    except ValueError as problem:  # a CallError, or Python's refusal to write out an integer of thousands of digits
        return BadTag(start, source, index, str(problem), _named_tool(source, language))
    return Tag(start, source, index, call)


def _named_tool(source: str, language: Language) -> str | None:
    named = _NAMED_TOOL.search(source) if "source" in source else None
    return named[1] if named and named[1] in language else None


def _why_no_body(source: str) -> str:
    inner = source[len(OPEN_TAG) : -len(CLOSE_TAG)]
    if not inner or inner.isspace():
        return "the tag is empty"
    if OPEN_TAG in inner:
        return "another <imgen> opens before this one is closed"
    return "the tag does not hold a JSON object"


def _read_json(body: str, language: Language) -> ToolCall:
    try:
        value, end = _decode(body)
    except json.JSONDecodeError as error:
        raise CallError(f"not valid JSON: {error.msg.lower()} at character {error.pos}") from None
    except RecursionError:
        raise CallError("not valid JSON: nested too deeply") from None
    except ValueError as error:
        if isinstance(error, CallError):
            raise
        # Python refuses to convert integers of thousands of digits
        raise CallError(f"not valid JSON: {error}") from None
    if end < len(body) and not body[end:].isspace():
        raise CallError(f"not valid JSON: extra data at character {end}")
    if "\\u" in body or not body.isascii():
        _refuse_half_characters(value)
    return language.call(value)


def _read_literal(body: str, language: Language) -> ToolCall:
    call = language.call(read_body(body))
    if "\\" in body or not body.isascii():
        _refuse_half_characters(call.model_dump())
    return call


def _refuse_half_characters(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise CallError("half a surrogate pair stands for no character") from None


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise CallError(f"the key {twice!r} appears twice")
    return value


_decode = json.JSONDecoder(object_pairs_hook=_unique_keys).raw_decode
