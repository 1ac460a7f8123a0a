"""Rows in a JSON Lines file: one row per line, pictures as base64."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from pydantic import ValidationError

from llmi_data.errors import RowError
from llmi_data.row import Row
from llmi_schema import LLMIError
from llmi_schema.files import whole


def write_rows(path: str | Path, rows: Iterable[Row]) -> int:
    """Write all rows, or leave the file as it was. Returns how many there are.

    Raises `RowError` when the file cannot be written.
    """
    return write_lines(path, (row.model_dump_json() for row in rows))


def write_lines(path: str | Path, lines: Iterable[str]) -> int:
    """Write all lines, or leave the file as it was. Returns how many there are. Raises `RowError` as `write_rows`."""
    written = 0
    with whole(path, RowError) as unfinished, unfinished.open("w", encoding="utf-8", newline="\n") as file:
        for written, line in enumerate(lines, 1):  # noqa: B007 - the last number is the answer
            file.write(line + "\n")
    return written


def read_rows(path: str | Path, bad: Callable[[RowError], None] | None = None) -> Iterator[Row]:
    """Read rows one by one; blank lines are skipped.

    Args:
        path: a JSON Lines file.
        bad: is handed what is wrong with a line, and reading goes on; without it the first bad line raises.

    Raises `RowError` naming file, line and what is wrong with it.
    """
    try:
        with Path(path).open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                try:
                    yield Row.model_validate_json(line)
                except (ValidationError, LLMIError) as error:
                    problem = RowError(f"{path}, line {number}: {explain(error)}")
                    if bad is None:
                        raise problem from None
                    bad(problem)
    except OSError as error:
        raise RowError(f"{path}: cannot read this file ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise RowError(
            f"{path}: not UTF-8 text; save it as UTF-8, or make rows of a Parquet file with `llmi-data convert`"
        ) from error


def no_rows(path: str | Path, broken: Sequence[RowError]) -> RowError:
    """Why a file gave no row at all."""
    if not broken:
        return RowError(f"{path}: there are no rows in it")
    return RowError(
        f"{path}: none of its {len(broken)} records is a row; rows are JSON Lines, one object per line, or Parquet."
        f" The first: {broken[0]}"
    )


def explain(error: Exception) -> str:
    """A validation error in one sentence."""
    if not isinstance(error, ValidationError):
        return str(error)
    problem, *others = error.errors(include_url=False, include_input=False)
    where = ".".join(str(part) for part in problem["loc"])
    match problem["type"]:
        case "json_invalid":
            return f"not valid JSON ({problem['ctx']['error']}); write one row per line, or delete this one"
        case "missing":
            unknown = [str(other["loc"][-1]) for other in others if other["type"] == "extra_forbidden"]
            rename = f"rename {unknown[0]} if that is it, " if unknown else ""
            return f"the field {where} is missing; {rename}add it, or delete the row"
        case "extra_forbidden":
            return f"a row has no field {where}; its fields are {', '.join(Row.model_fields)}"
        case _:
            return f"{where}: {problem['msg'][0].lower()}{problem['msg'][1:]}; correct it, or delete the row"
