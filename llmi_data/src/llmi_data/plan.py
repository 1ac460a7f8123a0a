"""`Plan`: how many rows of which kind. It expands to the same assignments on every machine."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from llmi_data.errors import PlanError
from llmi_data.row import CountCode, Side, Tools
from llmi_schema import DEFAULT_LANGUAGE, Constraint, ConstraintError, ImageCount

COUNT_CODES = (-1, 0, 1, 2, 3, 4, 99)
"""The counts of the default plan: none, any, exactly one to four, at least one."""


class Cell(BaseModel):
    """A kind of row, and how many of them.

    Raises `PlanError` for a kind that no document can satisfy and for tools nobody knows.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: CountCode
    tools: Tools = ()
    rows: int = Field(ge=1)

    @model_validator(mode="after")
    def _possible(self) -> Self:
        unknown = [tool for tool in self.tools if tool not in DEFAULT_LANGUAGE]
        if unknown:
            known = ", ".join(DEFAULT_LANGUAGE.tools)
            raise PlanError(f"the cell {self} requires {', '.join(unknown)}, which is no tool; the tools are {known}")
        try:
            Constraint(count=ImageCount.decode(self.count), required_tools=frozenset(self.tools))
        except ConstraintError as problem:
            raise PlanError(f"the cell {self} is impossible: {problem}") from None
        return self

    def __str__(self) -> str:
        return f"({ImageCount.decode(self.count)}; {' + '.join(self.tools) or 'no tool'})"


@dataclass(frozen=True)
class Assignment:
    """One row to make: its labels, its side of the split, and the number that makes it different from its like."""

    count: int
    tools: tuple[str, ...]
    side: Side
    number: int


class Plan(BaseModel):
    """Rows per cell, the share of each cell that is held out for testing, and the seed everything follows from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cells: tuple[Cell, ...] = Field(min_length=1)
    test_share: float = Field(default=0.2, ge=0, lt=1)
    seed: int = 0

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        twice = [kind for kind, times in Counter((c.count, c.tools) for c in self.cells).items() if times > 1]
        if twice:
            raise PlanError(
                f"the cell {Cell(count=twice[0][0], tools=twice[0][1], rows=1)} appears twice: add its rows up"
            )
        return self

    @property
    def rows(self) -> int:
        return sum(cell.rows for cell in self.cells)

    @classmethod
    def demo(cls, rows: int = 480, seed: int = 0, test_share: float = 0.2, counts: Sequence[int] = COUNT_CODES) -> Self:
        """Every count and every tool: mostly one tool per prompt, some pairs, some with none.

        Args:
            rows: how many rows in all, spread over the kinds.
            counts: published count codes to ask for.

        Raises `PlanError` when there are fewer rows than kinds of row.
        """
        shares = dict(_demo_shares(counts))
        if rows < len(shares):
            raise PlanError(f"{rows} rows cannot cover the {len(shares)} cells of the default plan: ask for more rows")
        spare, whole = rows - len(shares), sum(shares.values())
        sizes = {kind: 1 + spare * share // whole for kind, share in shares.items()}
        by_remainder = sorted(shares, key=lambda kind: -(spare * shares[kind] % whole))
        for kind in by_remainder[: rows - sum(sizes.values())]:
            sizes[kind] += 1
        cells = tuple(Cell(count=count, tools=tools, rows=size) for (count, tools), size in sizes.items())
        return cls(cells=cells, seed=seed, test_share=test_share)

    @classmethod
    def from_yaml(cls, path: str | Path) -> Self:
        """Read a plan file. Raises `PlanError`, which names the file and what to change."""
        import yaml

        try:
            value = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise PlanError(f"{path}: cannot read the plan ({error.strerror})") from error
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise PlanError(f"{path}: not valid YAML: {error}") from error
        try:
            return cls.model_validate(value)
        except PlanError as problem:
            raise PlanError(f"{path}: {problem}") from None
        except ValidationError as error:
            raise PlanError(f"{path}: {_first_problem(error)}") from None

    def to_yaml(self) -> str:
        """The plan as a file for `from_yaml`, a line per cell."""
        cells = (f"  - {{count: {c.count}, tools: [{', '.join(c.tools)}], rows: {c.rows}}}" for c in self.cells)
        return "\n".join((f"seed: {self.seed}", f"test_share: {self.test_share}", "cells:", *cells, ""))

    def expand(self) -> Iterator[Assignment]:
        """Every row to make, cells mixed, in an order that depends on the seed alone."""
        rows: list[Assignment] = []
        owed = 0.0
        for cell in self.cells:
            # What rounding takes from one cell the next one gets, so that the share holds over the whole plan.
            owed += cell.rows * self.test_share
            tests = min(cell.rows, round(owed))
            owed -= tests
            rows += [
                Assignment(cell.count, cell.tools, "test" if number < tests else "train", number)
                for number in range(cell.rows)
            ]
        random.Random(f"order {self.seed}").shuffle(rows)
        yield from rows


def _demo_shares(counts: Sequence[int]) -> Iterator[tuple[tuple[int, tuple[str, ...]], int]]:
    """Kinds of row and their weight, so that every count has about the same."""
    tools = DEFAULT_LANGUAGE.tools
    for count in counts:
        match count:
            case -1:
                yield (count, ()), 12
            case 0:
                yield (count, ()), 4
                yield from (((count, (tool,)), 2) for tool in tools)
            case 2 | 3:
                yield from (((count, (tool,)), 2) for tool in tools)
                yield from (((count, tuple(sorted(pair))), 1) for pair in combinations(tools, 2))
            case _:
                yield from (((count, (tool,)), 3) for tool in tools)


def _first_problem(error: ValidationError) -> str:
    problem: Any = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in problem["loc"]) or "the plan"
    return f"{where}: {problem['msg'][0].lower()}{problem['msg'][1:]}"
