"""From a tool's pydantic model to the grammar of its tag's JSON, in the one layout that `to_tag` writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from llmi_schema.calls import ToolCall, canonical_json
from llmi_schema.errors import LanguageError
from llmi_schema.expressions import Choice, Digit, Expression, JsonString, Literal, choice, sequence

_UNWRITABLE = frozenset({"pattern", "format", "minLength", "maxLength", "multipleOf", "not", "if", "dependentSchemas"})
"""JSON schema keywords that narrow a value in a way the grammar does not express."""

_SUPPORTED = "str, bool, None, Literal, PictureIndex, bounded int, unions of these and models made of them"


def tag_body(call: type[ToolCall], pictures: int) -> Expression | None:
    """The JSON object of one call when `pictures` pictures come before it; None when it needs one and none does.

    Raises `LanguageError` for a field whose type the grammar cannot hold.
    """
    schema = _schema(call)
    return _value(schema, _Place(schema.get("$defs", {}), call.__name__, pictures))


@lru_cache(maxsize=256)
def _schema(call: type[ToolCall]) -> Mapping[str, Any]:
    return call.model_json_schema()


class _Place:
    """Where in a tool's schema we are."""

    def __init__(self, definitions: Mapping[str, Any], path: str, pictures: int) -> None:
        self.definitions, self.path, self.pictures = definitions, path, pictures

    def inside(self, name: str) -> _Place:
        return _Place(self.definitions, f"{self.path}.{name}", self.pictures)

    def refuse(self, what: str) -> LanguageError:
        return LanguageError(f"{self.path}: {what} cannot be written as a grammar; a tool's fields may be {_SUPPORTED}")


def _value(schema: Mapping[str, Any], at: _Place) -> Expression | None:
    if unwritable := _UNWRITABLE & schema.keys():
        raise at.refuse(f"the condition {min(unwritable)!r}")
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/$defs/")
        if at.path.count(".") > 20:
            raise at.refuse("a model that contains itself")
        return _value(at.definitions[name], at)
    if "const" in schema:
        return _json(schema["const"])
    if "enum" in schema:
        return choice(_json(value) for value in schema["enum"])
    if "anyOf" in schema:
        options = [option for part in schema["anyOf"] if (option := _value(part, at)) is not None]
        return choice(options) if options else None
    match schema.get("type"):
        case "string":
            return JsonString()
        case "boolean":
            return Choice((Literal("true"), Literal("false")))
        case "null":
            return Literal("null")
        case "integer":
            return _integer(schema, at)
        case "object" if "properties" in schema:
            return _object(schema, at)
        case kind:
            raise at.refuse(f"a value of type {kind or 'Any'!r}")


def _object(schema: Mapping[str, Any], at: _Place) -> Expression | None:
    parts: list[Expression] = []
    for name, field in schema["properties"].items():
        value = _value(field, at.inside(name))
        if value is None:
            return None
        parts += [Literal(", " if parts else "{"), _json(name), Literal(": "), value]
    return sequence([*parts, Literal("}")])


def _integer(schema: Mapping[str, Any], at: _Place) -> Expression | None:
    low, high = schema.get("minimum"), schema.get("maximum")
    if "exclusiveMinimum" in schema:
        low = schema["exclusiveMinimum"] + 1
    if "exclusiveMaximum" in schema:
        high = schema["exclusiveMaximum"] - 1
    if schema.get("picture_index"):
        high = min(at.pictures - 1, at.pictures if high is None else high)
        if high < (low or 0):
            return None
    if low is None or high is None:
        raise at.refuse("an int without bounds (give it Field(ge=..., le=...))")
    if low > high:
        raise at.refuse(f"an int from {low} to {high}")
    options: list[Expression] = []
    if low < 0:
        options += [sequence([Literal("-"), part]) for part in _natural_range(max(1, -high), -low)]
    if high >= 0:
        options += _natural_range(max(0, low), high)
    return choice(options)


def _natural_range(low: int, high: int) -> Iterator[Expression]:
    """Decimal numbers from `low` to `high` as few patterns of digits: 7 to 123 is 7-9, [1-9]d, 1[0-1]d, 12[0-3]."""
    while low <= high:
        # the widest block low, low + 1, ..., low + 10^free - 1 that ends by `high` and starts at a multiple
        free = 0
        while low % 10 ** (free + 1) == 0 and low >= 10 ** (free + 1) and low + 10 ** (free + 1) - 1 <= high:
            free += 1
        block = 10**free
        last = low // block % 10
        steps = min(9 - last, (high - low + 1) // block - 1)
        prefix = str(low // block)[:-1]
        yield sequence([Literal(prefix), _digit(last, last + steps), *[Digit("0", "9")] * free])
        low += block * (steps + 1)


def _digit(low: int, high: int) -> Expression:
    return Literal(str(low)) if low == high else Digit(str(low), str(high))


def _json(value: Any) -> Expression:
    return Literal(canonical_json(value))
