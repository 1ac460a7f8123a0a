"""YAML files that people write: read, and what is wrong with them said with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from llmi_schema import LLMIError
from llmi_schema.yaml_text import parse_yaml


def read_yaml(path: str | Path, error: type[LLMIError]) -> Any:
    """The file's value. Raises `error` naming the file."""
    try:
        return parse_yaml(Path(path).read_text(encoding="utf-8"))
    except OSError as problem:
        raise error(f"{path}: cannot read this file ({problem.strerror})") from problem
    except ValueError as problem:
        raise error(f"{path}: not valid YAML: {problem}") from problem


def first_problem(error: ValidationError, whole: str) -> str:
    """What pydantic finds wrong first, with its place; `whole` names the file where no place is meant."""
    problem: Any = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in problem["loc"]) or whole
    if problem["type"] == "extra_forbidden":
        return f"{where}: there is no such setting; correct its name or take it out"
    return f"{where}: {problem['msg'][0].lower()}{problem['msg'][1:]}"
