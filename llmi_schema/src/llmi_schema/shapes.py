"""What can be said of a tool's tags without decoding them, read off the schema that pydantic runs.

A pattern for tags that are right for certain, and a length below which none can be. Both are safe for any tool: a field
of a kind that is not known here has no pattern and no least length, and its tags are decoded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from llmi_schema.calls import ToolCall

Schema = Mapping[str, Any]

_PLAIN = r'[^"\\<\x00-\x1f\ud800-\udfff]*+'
_ESCAPE = (
    r'\\(?:["\\/bfnrt]|u(?:[0-9a-cA-CefEF][0-9a-fA-F]{3}|[dD][0-7][0-9a-fA-F]{2}'
    r"|[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}))"
)
_STRING = rf'"{_PLAIN}(?>(?:{_ESCAPE}|<(?!imgen>)){_PLAIN})*+"'
_SPACE = r"[ \t\n\r]*+"
_HARMLESS_CONFIG = frozenset({"title", "strict", "extra_fields_behavior"})


def right_tag(call: type[ToolCall], target: str) -> str | None:
    """A pattern for the tool's tags with their keys in order: what it matches is valid. None when no pattern can tell.

    `target` names the group of the picture index; whether that picture comes before the tag is left open.
    """
    if call.picture_index is not ToolCall.picture_index:
        return None
    body = _pattern(call.__pydantic_core_schema__, target)
    return body and f"<imgen>{_SPACE}{body}{_SPACE}</imgen>"


def shortest_body(call: type[ToolCall]) -> int:
    """No text of fewer characters between `<imgen>` and `</imgen>` is a call of this tool, in either dialect."""
    name = len(f'"source":"{call.model_fields["source"].default}"')
    others = [_least_member(name, field) for name, field in _members(call.__pydantic_core_schema__).items()]
    return len("{}") + name + sum(len(",") + least for least in others if least)


def _pattern(schema: Schema, target: str) -> str | None:
    """For the JSON texts of which pydantic accepts the value."""
    match schema:
        case {"type": "str", **others} if not others:
            return _STRING
        case {"type": "literal", "expected": [*texts]} if all(isinstance(text, str) for text in texts):
            return f"(?:{'|'.join(re.escape(json.dumps(text, ensure_ascii=False)) for text in texts)})"
        case {"type": "default", "schema": inner}:
            return _pattern(inner, target)
        case {"type": "model"} if fields := _members(schema):
            members = [_member(name, field, target) for name, field in fields.items()]
            between = f"{_SPACE},{_SPACE}"
            return None if None in members else rf"\{{{_SPACE}{between.join(filter(None, members))}{_SPACE}\}}"
        case _:
            return None


def _member(name: str, field: Schema, target: str) -> str | None:
    match field:
        case {"validation_alias": _}:
            return None
        case {"schema": {"type": "int", "ge": 0, **others}, "metadata": {"pydantic_js_extra": {"picture_index": True}}}:
            value = f"(?P<{target}>0|[1-9][0-9]{{0,8}})" if others.keys() <= {"strict"} else None
        case _:
            value = _pattern(field["schema"], target)
    return value and f'"{re.escape(name)}"{_SPACE}:{_SPACE}{value}'


def _members(schema: Schema) -> Schema:
    """The fields of a model whose checks are those of its fields; {} for any other schema."""
    match schema:
        case {"type": "model", "schema": {"type": "model-fields", "fields": fields}, **others}:
            own = others.get("custom_init") or others.get("root_model") or "post_init" in others
            return {} if own or others.get("config", {}).keys() - _HARMLESS_CONFIG else fields
        case _:
            return {}


def _least(schema: Schema) -> int:
    match schema["type"]:
        case "str":
            return len('""')
        case "model":
            members = [least for name, field in _members(schema).items() if (least := _least_member(name, field))]
            return len("{}") + sum(members) + max(0, len(members) - 1)
        case _:
            return 1


def _least_member(name: str, field: Schema) -> int:
    """0 for a member that may be left out."""
    if field["schema"]["type"] == "default" or "validation_alias" in field:
        return 0
    return len(f'"{name}":') + _least(field["schema"])
