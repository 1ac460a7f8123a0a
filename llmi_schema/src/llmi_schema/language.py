"""`Language`: the immutable set of tools that parser, grammar, prompt and checker are handed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ValidationError

from llmi_schema.calls import (
    CodeCall,
    DiffusionCall,
    EditCall,
    SearchCall,
    ToolCall,
    is_picture_index,
    picture_index_field,
)
from llmi_schema.errors import LanguageError


@dataclass(frozen=True)
class Language:
    """The tools a document may call, in the order prompts list them.

    ```python
    four = Language()
    no_editing = four.only("search", "diffusion", "code")
    five = Language((*four.calls, DiagramCall))
    ```

    Raises `LanguageError` when there is no tool, two tools share a name, or one works on two pictures at once.
    """

    calls: tuple[type[ToolCall], ...] = (SearchCall, DiffusionCall, CodeCall, EditCall)

    def __post_init__(self) -> None:
        if not self.calls:
            raise LanguageError("a Language needs at least one tool")
        if len(set(self.tools)) != len(self.tools):
            raise LanguageError(f"two tools share a name in {self.tools}: give each model its own `source` literal")

        for call in self.calls:
            params = call.model_fields["params"].annotation
            fields = params.model_fields if isinstance(params, type) and issubclass(params, BaseModel) else {}
            if sum(is_picture_index(field.json_schema_extra) for field in fields.values()) > 1:
                raise LanguageError(f"{call.__name__} has two picture indices: a tag works on one picture")

    @cached_property
    def tools(self) -> tuple[str, ...]:
        """The tools' names."""
        return tuple(_name(call) for call in self.calls)

    def __contains__(self, tool: object) -> bool:
        return tool in self.tools

    def only(self, *tools: str) -> Language:
        """The same language with fewer tools."""
        unknown = set(tools) - set(self.tools)
        if unknown:
            raise LanguageError(
                f"no such tool: {', '.join(sorted(unknown))}; this language has {', '.join(self.tools)}"
            )
        return Language(tuple(call for call in self.calls if _name(call) in tools))

    def call(self, value: Any) -> ToolCall:
        """Check one decoded JSON value. Raises `CallError` with a reason a person understands."""
        if not isinstance(value, dict):
            raise CallError("the tag does not hold a JSON object")
        source = value.get("source")
        if not isinstance(source, str):
            raise CallError("`source` is missing" if source is None else "`source` is not a string")
        validate = self._validators.get(source)
        if validate is None:
            raise CallError(f"there is no tool named {source!r}; the tools are {', '.join(self.tools)}")
        try:
            return validate(value)
        except ValidationError as error:
            raise CallError(_first_problem(error)) from None

    @cached_property
    def _validators(self) -> dict[str, Callable[[Any], ToolCall]]:
        return {_name(call): call.__pydantic_validator__.validate_python for call in self.calls}

    def allows(self, value: Any) -> bool:
        """Whether `call` would succeed: quicker than failing."""
        source = value.get("source") if isinstance(value, dict) else None
        check = self._checks.get(source) if isinstance(source, str) else None
        return check is not None and check(value)

    @cached_property
    def _checks(self) -> dict[str, Callable[[Any], bool]]:
        return {_name(call): call.__pydantic_validator__.isinstance_python for call in self.calls}

    def starts_from_nothing(self, tool: str) -> bool:
        """Whether no call of the tool works on an earlier picture."""
        return tool in self._from_nothing

    @cached_property
    def _from_nothing(self) -> frozenset[str]:
        return frozenset(_name(call) for call in self.calls if _starts_from_nothing(call))

    def __reduce__(self) -> tuple[type[Language], tuple[tuple[type[ToolCall], ...]]]:
        return Language, (self.calls,)


class CallError(ValueError):
    """Why a value is no call of a language. The parser turns it into a `BadTag`; users never meet it."""


def _name(call: type[ToolCall]) -> str:
    default = call.model_fields["source"].default
    if not isinstance(default, str):
        raise LanguageError(f'{call.__name__} must fix its tool name: `source: Literal["name"] = "name"`')
    return default


def _starts_from_nothing(call: type[ToolCall]) -> bool:
    params = call.model_fields["params"].annotation
    if call.picture_index is not ToolCall.picture_index or not isinstance(params, type):
        return False
    return issubclass(params, BaseModel) and picture_index_field(params) is None


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in problem["loc"])
    match problem["type"]:
        case "missing":
            return f"`{where}` is missing"
        case "extra_forbidden":
            return f"`{where}` is not a field of this tool"
        case _:
            return f"`{where}`: {problem['msg'][0].lower()}{problem['msg'][1:]}"


DEFAULT_LANGUAGE = Language()
"""The paper's four tools: search, diffusion, code, edit."""
