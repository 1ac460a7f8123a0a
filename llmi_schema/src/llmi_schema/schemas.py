"""JSON schemas read off the tools: of one tag, of a document in segments, and of the tools as functions.

A document in segments, `{"segments": [{"text": ...} | call, ...]}`, is for endpoints that take a JSON schema but no
grammar; `document_from_segments` turns the answer back into text with tags.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel

from llmi_schema.calls import ToolCall
from llmi_schema.errors import LanguageError
from llmi_schema.language import DEFAULT_LANGUAGE, CallError, Language
from llmi_schema.repair import clean_text

JsonSchema = dict[str, Any]


def tag_schema(language: Language = DEFAULT_LANGUAGE) -> JsonSchema:
    """What stands between `<imgen>` and `</imgen>`: a strict schema (no defaults, no extra keys, no references)."""
    return {"anyOf": [_strict(call) for call in language.calls]}


def segment_schema(language: Language = DEFAULT_LANGUAGE) -> JsonSchema:
    """A whole document as a list of texts and calls, in the strict subset that OpenAI-like endpoints enforce."""
    text = _object({"text": {"type": "string", "description": "prose in Markdown, without tags"}})
    items = {"anyOf": [text, *(_strict(call) for call in language.calls)]}
    return _object({"segments": {"type": "array", "description": "the document in reading order", "items": items}})


def document_from_segments(answer: str | Mapping[str, Any], language: Language = DEFAULT_LANGUAGE) -> str:
    """Text with tags from an answer that follows `segment_schema`.

    Text that would be read as a tag, a thought or a code fence is made harmless first. Raises `LanguageError` when
    the answer does not follow the schema: the endpoint did not enforce it.
    """
    try:
        value = json.loads(answer) if isinstance(answer, str) else answer
    except ValueError as error:
        raise LanguageError(f"the answer is not JSON ({error}): the endpoint did not enforce the schema") from None
    segments = value.get("segments") if isinstance(value, Mapping) else None
    if not isinstance(segments, list):
        raise LanguageError("the answer has no list of segments: the endpoint did not enforce the schema")
    parts: list[str] = []
    prose = ""
    for number, segment in enumerate(segments):
        match segment:
            case {"text": str(text), **others} if not others:
                parts.append(clean_text(text, after=prose))
                prose += parts[-1]
            case _:
                try:
                    parts.append(language.call(segment).to_tag())
                    prose = ""
                except CallError as problem:
                    raise LanguageError(f"segment {number} is neither text nor a call: {problem}") from None
    return "".join(parts)


def tool_definitions(
    language: Language = DEFAULT_LANGUAGE, *, style: Literal["openai", "mcp"] = "openai"
) -> list[dict[str, Any]]:
    """The tools as functions, for agents that call instead of writing tags.

    `style="openai"` gives entries of the `tools` parameter, `style="mcp"` the answer to `tools/list`. Arguments are
    the call's `description` and its parameters side by side; `call_from_arguments` puts them back together.
    """
    definitions = []
    for tool, call in zip(language.tools, language.calls, strict=True):
        purpose = f"{(call.__doc__ or tool).strip()} For {call.purpose}."
        schema = _arguments(call)
        if style == "mcp":
            definitions.append({"name": tool, "description": purpose, "inputSchema": schema})
        else:
            function = {"name": tool, "description": purpose, "strict": True, "parameters": schema}
            definitions.append({"type": "function", "function": function})
    return definitions


def call_from_arguments(name: str, arguments: Mapping[str, Any], language: Language = DEFAULT_LANGUAGE) -> ToolCall:
    """The call that a function call with these arguments means. Raises `LanguageError` with what is wrong with it."""
    params = {key: value for key, value in arguments.items() if key != "description"}
    try:
        return language.call({"source": name, "description": arguments.get("description"), "params": params})
    except CallError as problem:
        raise LanguageError(f"this is no call of {name}: {problem}") from None


def _arguments(call: type[ToolCall]) -> JsonSchema:
    properties = _strict(call)["properties"]
    own = properties["params"].get("properties", {})
    if "description" in own:
        raise LanguageError(f"{call.__name__}: `description` is the picture's; rename that field of its parameters")
    return _object({"description": properties["description"], **own})


def _strict(model: type[BaseModel]) -> JsonSchema:
    schema = model.model_json_schema()
    return _plain(schema, schema.get("$defs", {}))


_DROPPED = frozenset({"title", "default", "$defs", "picture_index"})


def _plain(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> JsonSchema:
    """Without references, titles and defaults; constants as enums; every property required."""
    if "$ref" in schema:
        return _plain(definitions[schema["$ref"].removeprefix("#/$defs/")], definitions)
    plain: JsonSchema = {}
    for key, value in schema.items():
        match key:
            case "const":
                plain["enum"] = [value]
            case "anyOf":
                plain[key] = [_plain(option, definitions) for option in value]
            case "items":
                plain[key] = _plain(value, definitions)
            case "properties":
                fields = {name: _plain(field, definitions) for name, field in value.items()}
                plain |= _object(fields)
            case "description" if schema.get("type") == "object":
                continue  # the docstring is for readers of the code
            case "required" | "additionalProperties":
                continue
            case _ if key not in _DROPPED:
                plain[key] = value
    return plain


def _object(properties: Mapping[str, Any]) -> JsonSchema:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }
