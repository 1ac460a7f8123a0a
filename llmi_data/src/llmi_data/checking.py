"""Rows in JSON Lines checked without being built: the same verdicts as `Row`, several times faster.

A validator derived from `Row`'s own schema reads a line into plain dictionaries, which skips pydantic's objects, the
default id (a digest of the pictures) and the Python calls that cannot fail. What it accepts `Row` accepts; whatever it
does not, and whatever it does not know how to derive, is put before `Row` itself, whose word is final.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import SchemaValidator, core_schema

from llmi_data.errors import RowError
from llmi_data.jsonl import explain, no_rows
from llmi_data.row import CountCode, Row, Tools
from llmi_schema import Constraint, ConstraintError, ImageCount, LLMIError


@dataclass(frozen=True)
class Checked:
    """How many rows are in order, and what is wrong with each of the others."""

    valid: int
    problems: tuple[RowError, ...]


def check_file(path: str | Path) -> Checked:
    """Check every line of a file of rows. Raises `RowError` when it cannot be read or holds nothing."""
    valid = 0
    problems: list[RowError] = []
    try:
        with Path(path).open("rb") as file:
            if file.peek(4).startswith(b"PAR1"):
                raise RowError(f"{path}: this is Parquet, and `check` reads JSON Lines; use `llmi-data convert` first")
            for number, problem in check_lines(file):
                if problem is None:
                    valid += 1
                else:
                    problems.append(RowError(f"{path}, line {number}: {problem}"))
    except OSError as error:
        raise RowError(f"{path}: cannot read this file ({error.strerror})") from error
    if not valid and not problems:
        raise no_rows(path, ())
    return Checked(valid, tuple(problems))


def check_lines(lines: Iterable[bytes]) -> Iterator[tuple[int, str | None]]:
    """Each line's number, from 1, and what is wrong with it: None for a row in order. Blank lines are skipped."""
    accepts = _acceptor()
    for number, line in enumerate(lines, 1):
        if accepts(line):
            yield number, None
        elif line.strip():
            yield number, _verdict(line)


def _verdict(line: bytes) -> str | None:
    try:
        Row.model_validate_json(line)
    except (ValidationError, LLMIError) as error:
        return explain(error)
    return None


@cache
def _acceptor() -> Any:
    """A function from a line to whether it is certainly a row."""
    schema = derived(Row.__pydantic_core_schema__)
    if schema["type"] != "typed-dict":
        return lambda line: False
    validate = SchemaValidator(schema, core_schema.CoreConfig(val_json_bytes="base64")).validate_json

    def accepts(line: bytes) -> bool:
        try:
            row = validate(line)
        except (ValidationError, LLMIError):
            return False
        return _possible(row["image_count"], row.get("required_tools", ()))

    return accepts


@lru_cache(maxsize=4096)
def _possible(count: int, tools: tuple[str, ...]) -> bool:
    try:
        Constraint(count=ImageCount.decode(count), required_tools=frozenset(tools))
    except ConstraintError:
        return False
    return True


_COUNT = get_args(CountCode)[1].func
_TOOLS = get_args(Tools)[1].func


def derived(schema: Any, root: bool = True) -> Any:
    """The schema with models as typed dictionaries, and without what cannot fail."""
    match schema:
        case {"type": "function-after", "schema": inner, "function": {"function": function}}:
            if function is _TOOLS or root:  # sorting cannot fail; the row's own check is `_possible`
                return derived(inner, root=False)
            if inner["type"] == "model":  # its check reads attributes: a namespace has them too
                return core_schema.no_info_after_validator_function(
                    lambda fields: function(SimpleNamespace(**fields)), derived(inner, root=False)
                )
            return schema
        case {"type": "function-before", "function": {"function": function}} if function is _COUNT:
            usual = core_schema.int_schema(strict=True, ge=-1, le=99)
            return core_schema.union_schema([usual, schema], mode="left_to_right")
        case {"type": "model", "cls": model, "schema": {"type": "model-fields", "fields": fields}}:
            return core_schema.typed_dict_schema(
                {
                    name: core_schema.typed_dict_field(
                        derived(field["schema"], root=False), required=field["schema"]["type"] != "default"
                    )
                    for name, field in fields.items()
                },
                extra_behavior=model.model_config.get("extra", "ignore"),
            )
        case {"type": "default" | "nullable" | "tuple"}:
            return _inside(schema)
        case _:
            return schema


def _inside(schema: Any) -> Any:
    match schema:
        case {"type": "default", "schema": inner}:
            return derived(inner, root=False)
        case {"type": "nullable", "schema": inner}:
            return core_schema.nullable_schema(derived(inner, root=False))
        case {"type": "tuple", "items_schema": items}:
            return {**schema, "items_schema": [derived(item, root=False) for item in items]}
    return schema
