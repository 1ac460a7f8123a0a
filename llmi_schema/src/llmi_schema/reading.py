"""What one closed tag holds: the call it is, or the sentence that says why it is none."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Literal

from llmi_schema.calls import CLOSE_TAG, OPEN_TAG, ToolCall
from llmi_schema.language import CallError, Language
from llmi_schema.published import read_body

Dialect = Literal["json", "python"]
"""How tags are written: strict JSON, or the published Python literals (see `llmi_schema.published`)."""

JSON_TAG = r'<imgen>\s*+\{[^"<]*+(?>"[^"\\<]*+(?>(?:\\[^<]|<(?!imgen>))[^"\\<]*+)*+"[^"<]*+)*+</imgen>'
"""A tag that looks like an object; it ends at the first `</imgen>` outside its strings. The pattern never reads past
another `<imgen>`, inside a string or out (`to_tag` writes it escaped), so no character is read for two tags."""

_JSON_TAG = re.compile(JSON_TAG, re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
_WHOLE_CHARACTERS = re.compile(
    "[^\\\\\ud800-\udfff]*+"
    r"(?>\\(?:[^u]|u(?![dD][89a-fA-F])|u[dD][89abAB]..\\u[dD][c-fC-F])"
    "[^\\\\\ud800-\udfff]*+)*+"
)
"""JSON in which no half of a surrogate pair stands alone, neither written out nor as an escape."""
_HALF = "half a surrogate pair stands for no character"
_NAMED_TOOL = re.compile(r"""["']source["']\s*+:\s*+["'](\w+)["']""")


@dataclass(frozen=True)
class Reader:
    """Reads tags of one language in one dialect."""

    language: Language
    dialect: Dialect

    def call(self, source: str) -> ToolCall:
        """The call of a whole tag. Raises `CallError`; or ValueError for integers too long for Python to write out."""
        inside = source[len(OPEN_TAG) : -len(CLOSE_TAG)]
        if self.dialect == "python":
            call = self.language.call(read_body(inside))
            if _SURROGATE.search(_encode(call.model_dump())):
                raise CallError(_HALF)
            return call
        if OPEN_TAG in inside:
            raise CallError("another <imgen> opens before this one is closed")
        try:
            value = _json_value(inside.lstrip())
        except CallError:
            if _JSON_TAG.fullmatch(source):
                raise
            empty = not inside or inside.isspace()
            raise CallError("the tag is empty" if empty else "the tag does not hold a JSON object") from None
        return self.language.call(value)

    def find(self, source: str) -> tuple[str, int | None] | None:
        """The tool of a tag and the picture it works on, if any; or None when it is no call, without looking for words
        that say why not. JSON tags must match `JSON_TAG`."""
        try:
            if self.dialect == "python":
                call = self.call(source)
                return call.source, call.picture_index
            body = source[len(OPEN_TAG) : -len(CLOSE_TAG)].lstrip()
            value, end = _decode(body)
            if _holds_half_characters(body) or not self.language.allows(value) or _something_follows(body, end):
                return None
            if _may_repeat_a_key(body, value):
                _decode_strictly(body)
            tool: str = value["source"]
            return tool, None if self.language.starts_from_nothing(tool) else self.language.call(value).picture_index
        except (ValueError, RecursionError):
            return None

    def fault(self, source: str, index: int) -> str:
        """Why a tag is no call as picture `index`."""
        try:
            target = self.call(source).picture_index
            before = "no picture comes" if index == 0 else f"only pictures 0 to {index - 1} come"
            return f"it works on picture {target}, but {before} before this tag"
        except ValueError as problem:  # a CallError, or Python's refusal to write out an integer of thousands of digits
            return str(problem)

    def named_tool(self, source: str) -> str | None:
        named = _NAMED_TOOL.search(source) if "source" in source else None
        return named[1] if named and named[1] in self.language else None


def _json_value(body: str) -> Any:
    """The object a body holds. Stricter than `json`: no key twice, no half characters, nothing after it."""
    try:
        value, end = _decode_strictly(body)
    except json.JSONDecodeError as error:
        raise CallError(f"not valid JSON: {error.msg.lower()} at character {error.pos}") from None
    except RecursionError:
        raise CallError("not valid JSON: nested too deeply") from None
    except CallError:
        raise
    except ValueError as error:  # Python refuses to convert integers of thousands of digits
        raise CallError(f"not valid JSON: {error}") from None
    if _something_follows(body, end):
        raise CallError(f"not valid JSON: extra data at character {end}")
    if _holds_half_characters(body):
        raise CallError(_HALF)
    return value


def _something_follows(body: str, end: int) -> bool:
    return end < len(body) and not body[end:].isspace()


def _holds_half_characters(body: str) -> bool:
    """Whether any text in a JSON value, as it is written, holds half a surrogate pair: it cannot be encoded."""
    if "\\" not in body and body.isascii():
        return False
    return _WHOLE_CHARACTERS.fullmatch(body) is None


def _may_repeat_a_key(body: str, value: dict[str, Any]) -> bool:
    """Whether `body` has more colons than `value` has keys; quicker than decoding it once more to know."""
    params = value.get("params")
    return not isinstance(params, dict) or body.count(":") > len(value) + len(params)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise CallError(f"the key {key!r} appears twice")
            seen.add(key)
    return value


_encode = json.JSONEncoder(ensure_ascii=False).encode
_decode = json.JSONDecoder().raw_decode
_decode_strictly = json.JSONDecoder(object_pairs_hook=_unique_keys).raw_decode
