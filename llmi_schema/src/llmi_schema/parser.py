"""`parse`: text -> `Document`. Never raises on any string, and is linear in its length.

The scan stops at three things only: `<think>`, `<imgen>` and a line that opens a code fence. A tag's end is
the first `</imgen>` outside its JSON strings. The lexer for that is possessive and gives up at a `<` outside
a string. Two tags therefore never both read far past a third: a quote that opens a string for one closes it
for the other, so the work over all tags is bounded by the text's length.
"""

from __future__ import annotations

import json
import re
from typing import Any

from llmi_schema.calls import CLOSE_TAG, OPEN_TAG, ToolCall
from llmi_schema.document import BadTag, Document, Segment, Tag, Text, Thought
from llmi_schema.language import DEFAULT_LANGUAGE, CallError, Language

_STOP = re.compile(r"<think>|<imgen>|^ {0,3}(?P<fence>`{3,}|~{3,})", re.MULTILINE)
_JSON_BODY = re.compile(r'\s*+(\{(?:[^"<]++|"(?:[^"\\]++|\\.)*+")*+)</imgen>', re.DOTALL)
_NAMED_TOOL = re.compile(r"""["']source["']\s*:\s*["'](\w+)["']""")
_CLOSE_THOUGHT = "</think>"


def parse(text: str, input_images: int = 0, language: Language = DEFAULT_LANGUAGE) -> Document:
    """Take a model's text apart.

    Args:
        text: any string at all.
        input_images: how many pictures the user gave; tags are numbered after them.
        language: the tools that exist.
    """
    segments: list[Segment] = []
    written = position = 0  # text[:written] is in segments; text[:position] is understood
    pictures = input_images
    fenced = 0
    open_tag: int | None = None

    def close_text(end: int) -> None:
        if end > written:
            segments.append(Text(written, text[written:end]))

    while stop := _STOP.search(text, position):
        start = stop.start()
        if stop["fence"]:
            position = _fence_end(text, stop)
            fenced += text.count(OPEN_TAG, start, position)
        elif stop[0] == OPEN_TAG:
            body, end = _tag_extent(text, stop.end())
            if end < 0:
                open_tag = start
                break
            close_text(start)
            segments.append(_read_tag(text[start:end], body, start, pictures, language))
            pictures += 1
            written = position = end
        else:
            close_text(start)
            close = text.find(_CLOSE_THOUGHT, stop.end())
            end = close + len(_CLOSE_THOUGHT) if close >= 0 else len(text)
            segments.append(Thought(start, text[start:end], closed=close >= 0))
            written = position = end
    close_text(len(text))
    return Document(tuple(segments), input_images, open_tag, fenced)


def _fence_end(text: str, opening: re.Match[str]) -> int:
    """Where the code fence ends: at a line with at least as many of the same marks, or with the text."""
    marks = opening["fence"]
    closing = re.compile(rf"^ {{0,3}}{re.escape(marks[0])}{{{len(marks)},}}[ \t]*$", re.MULTILINE)
    line_end = text.find("\n", opening.end())
    if line_end < 0:
        return len(text)
    close = closing.search(text, line_end + 1)
    return close.end() if close else len(text)


def _tag_extent(text: str, start: int) -> tuple[str | None, int]:
    """The JSON body (None when it does not even look like an object) and the end of the tag (-1: never closed)."""
    if match := _JSON_BODY.match(text, start):
        return match[1], match.end()
    close = text.find(CLOSE_TAG, start)
    return None, close + len(CLOSE_TAG) if close >= 0 else -1


def _read_tag(source: str, body: str | None, start: int, index: int, language: Language) -> Tag | BadTag:
    try:
        call = _read_call(source, body, language)
        target = call.picture_index
        if target is not None and target >= index:
            before = "no picture comes" if index == 0 else f"only pictures 0 to {index - 1} come"
            raise CallError(f"it works on picture {target}, but {before} before this tag")
    except CallError as problem:
        named = _NAMED_TOOL.search(source)
        tool = named[1] if named and named[1] in language else None
        return BadTag(start, source, index, str(problem), tool)
    return Tag(start, source, index, call)


def _read_call(source: str, body: str | None, language: Language) -> ToolCall:
    if body is None:
        inner = source[len(OPEN_TAG) : -len(CLOSE_TAG)]
        if not inner.strip():
            raise CallError("the tag is empty")
        if OPEN_TAG in inner:
            raise CallError("another <imgen> opens before this one is closed")
        raise CallError("the tag does not hold a JSON object")
    try:
        value = json.loads(body, object_pairs_hook=_unique_keys)
    except json.JSONDecodeError as error:
        raise CallError(f"not valid JSON: {error.msg.lower()} at character {error.pos}") from None
    except RecursionError:
        raise CallError("not valid JSON: nested too deeply") from None
    except ValueError as error:  # Python refuses to convert integers of thousands of digits
        raise CallError(f"not valid JSON: {error}") from None
    if "\\u" in body or not body.isascii():
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise CallError("half a surrogate pair stands for no character") from None
    return language.call(value)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        twice = next(key for i, (key, _) in enumerate(pairs) if key in {k for k, _ in pairs[:i]})
        raise CallError(f"the key {twice!r} appears twice")
    return value
