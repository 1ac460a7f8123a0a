"""`Plan`: how many rows of which kind. It expands to the same assignments on every machine."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from llmi_data.errors import PlanError
from llmi_data.row import CountCode, Side, Tools
from llmi_data.yaml_file import first_problem, read_yaml
from llmi_schema import DEFAULT_LANGUAGE, Constraint, ConstraintError, ImageCount

COUNT_CODES = (-1, 0, 1, 2, 3, 4, 99)
"""The counts of the default plan: none, any, exactly one to four, at least one."""

Modality = Literal["text", "multimodal"]
"""Whether the user gives pictures of their own."""

Scenarios = Literal["demo", "wide"]
"""What offline rows are about: the few scenarios the demo is trained on, or the many of every domain."""

_WIDE_COUNTS = (-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 99)
_COUNT_WORDS = {"none": -1, "any": 0, "at least one": 99}
_AXES = ("count", "tools", "domain", "language", "modality")


class Cell(BaseModel):
    """A kind of row, and how many of them.

    Attributes:
        count: a published count code, or in words: none, any, at least one.
        tools: what the rows cannot do without.
        domain: what the rows are about, by a name the generator knows; it chooses unless this is set.
        language: of the prompts, as a BCP 47 tag such as `en` or `pt-BR`.
        modality: whether the user gives pictures; unless set, they do where a picture is to be changed.

    Raises `PlanError` for a kind that no document can satisfy and for tools nobody knows.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: CountCode
    tools: Tools = ()
    rows: int = Field(ge=1)
    domain: str | None = Field(default=None, min_length=1)
    language: str = Field(default="en", pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")
    modality: Modality = "text"

    @field_validator("count", mode="before")
    @classmethod
    def _in_words(cls, value: Any) -> Any:
        return _COUNT_WORDS.get(value, value) if isinstance(value, str) else value

    @model_validator(mode="before")
    @classmethod
    def _usual_modality(cls, value: Any) -> Any:
        if isinstance(value, dict) and value.get("modality") is None:
            return {**value, "modality": _usual_modality(value.get("tools") or ())}
        return value

    @model_validator(mode="after")
    def _possible(self) -> Self:
        unknown = [tool for tool in self.tools if tool not in DEFAULT_LANGUAGE]
        if unknown:
            known = ", ".join(DEFAULT_LANGUAGE.tools)
            raise PlanError(f"the cell {self} requires {', '.join(unknown)}, which is no tool; the tools are {known}")
        count = ImageCount.decode(self.count)
        try:
            Constraint(count=count, required_tools=frozenset(self.tools))
        except ConstraintError as problem:
            raise PlanError(f"the cell {self} is impossible: {problem}") from None
        if self.tools == ("edit",) and self.modality == "text" and count.maximum == 1:
            raise PlanError(
                f"the cell {self} is impossible: its one picture is to be a changed one, and there is none to change: "
                "ask for two pictures, or write modality: multimodal"
            )
        return self

    @property
    def kind(self) -> tuple[int, tuple[str, ...], str | None, str, Modality]:
        """What tells it from other cells."""
        return self.count, self.tools, self.domain, self.language, self.modality

    def __str__(self) -> str:
        parts = [str(ImageCount.decode(self.count)), " + ".join(self.tools) or "no tool", *self.particulars.values()]
        return f"({'; '.join(parts)})"

    @property
    def particulars(self) -> dict[str, str]:
        """Domain, language and modality, where they are not the usual ones."""
        usual = {"domain": None, "language": "en", "modality": _usual_modality(self.tools)}
        return {name: value for name in usual if (value := getattr(self, name)) != usual[name]}


@dataclass(frozen=True)
class Assignment:
    """One row to make: its labels, its side of the split, the number that makes it different from its like, and the
    rest of its cell.
    """

    count: int
    tools: tuple[str, ...]
    side: Side
    number: int
    domain: str | None = None
    language: str = "en"
    modality: Modality = "text"


class Plan(BaseModel):
    """Rows per cell, the share of each cell that is held out for testing, and the seed everything follows from.

    In a file, `grid` stands for many cells: every combination of the values it lists, `rows` of each.

    Attributes:
        scenarios: what offline rows are about. A plan that does not say has the demo's, as plans always had.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    cells: tuple[Cell, ...] = Field(min_length=1)
    test_share: float = Field(default=0.2, ge=0, lt=1)
    seed: int = 0
    scenarios: Scenarios = "demo"

    @model_validator(mode="before")
    @classmethod
    def _spread_grid(cls, value: Any) -> Any:
        if not isinstance(value, dict) or "grid" not in value:
            return value
        grids = value["grid"]
        if not isinstance(grids, list) or not all(isinstance(grid, dict) for grid in grids):
            raise PlanError("grid: write a list of mappings, such as - {count: [1, 2], tools: [[search]], rows: 5}")
        spread = [cell for grid in grids for cell in _spread(grid)]
        others = {name: part for name, part in value.items() if name != "grid"}
        return {**others, "cells": [*(value.get("cells") or ()), *spread]}

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        times = Counter(cell.kind for cell in self.cells)
        if twice := next((cell for cell in self.cells if times[cell.kind] > 1), None):
            raise PlanError(f"the cell {twice} appears twice: add its rows up")
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
        return cls(cells=_demo_cells(rows, counts), seed=seed, test_share=test_share)

    @classmethod
    def wide(
        cls, rows: int = 480, seed: int = 0, test_share: float = 0.2, counts: Sequence[int] = _WIDE_COUNTS
    ) -> Self:
        """The default plan: as `demo`, with every count up to ten, about the many scenarios of every domain."""
        return cls(cells=_demo_cells(rows, counts), seed=seed, test_share=test_share, scenarios="wide")

    @classmethod
    def from_yaml(cls, path: str | Path) -> Self:
        """Read a plan file. Raises `PlanError`, which names the file and what to change."""
        value = read_yaml(path, PlanError)
        try:
            return cls.model_validate(value)
        except PlanError as problem:
            raise PlanError(f"{path}: {problem}") from None
        except ValidationError as error:
            raise PlanError(f"{path}: {first_problem(error, 'the plan')}") from None

    def to_yaml(self) -> str:
        """The plan as a file for `from_yaml`, a line per cell."""
        head = [f"seed: {self.seed}", f"test_share: {self.test_share}"]
        if self.scenarios != "demo":
            head.append(f"scenarios: {self.scenarios}")
        return "\n".join((*head, "cells:", *map(_line, self.cells), ""))

    def expand(self) -> Iterator[Assignment]:
        """Every row to make, cells mixed, in an order that depends on the seed alone."""
        rows: list[Assignment] = []
        numbers: Counter[tuple[int, tuple[str, ...]]] = Counter()
        owed = 0.0
        for cell in self.cells:
            # What rounding takes from one cell the next one gets, so that the share holds over the whole plan.
            owed += cell.rows * self.test_share
            tests = min(cell.rows, round(owed))
            owed -= tests
            # Counted over cells that differ in the rest alone, so that no two rows with the same labels share a number.
            first = numbers[cell.count, cell.tools]
            numbers[cell.count, cell.tools] += cell.rows
            for place in range(cell.rows):
                side: Side = "test" if place < tests else "train"
                rows.append(
                    Assignment(cell.count, cell.tools, side, first + place, cell.domain, cell.language, cell.modality)
                )
        random.Random(f"order {self.seed}").shuffle(rows)
        yield from rows


def _demo_cells(rows: int, counts: Sequence[int]) -> tuple[Cell, ...]:
    shares = dict(_demo_shares(counts))
    if rows < len(shares):
        raise PlanError(f"{rows} rows cannot cover the {len(shares)} cells of the default plan: ask for more rows")
    spare, whole = rows - len(shares), sum(shares.values())
    sizes = {kind: 1 + spare * share // whole for kind, share in shares.items()}
    by_remainder = sorted(shares, key=lambda kind: -(spare * shares[kind] % whole))
    for kind in by_remainder[: rows - sum(sizes.values())]:
        sizes[kind] += 1
    return tuple(Cell(count=count, tools=tools, rows=size) for (count, tools), size in sizes.items())


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


def _usual_modality(tools: Any) -> Modality:
    return "multimodal" if "edit" in tools else "text"


def _spread(grid: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The cells of a grid. `tools` is a list of lists; the other axes are lists, or one value."""
    axes = {}
    for name in _AXES:
        if name in grid:
            values = grid[name]
            if not isinstance(values, list):
                values = [values]
            elif name == "tools" and not all(isinstance(tools, list) for tools in values):
                raise PlanError("grid: tools is a list of lists, such as [[search], [code, search]]")
            axes[name] = values
    others = {name: value for name, value in grid.items() if name not in axes}
    for values in product(*axes.values()):
        yield {**others, **dict(zip(axes, values, strict=True))}


def _line(cell: Cell) -> str:
    count = next((word for word, code in _COUNT_WORDS.items() if code == cell.count), cell.count)
    parts = [f"count: {count}", f"tools: [{', '.join(cell.tools)}]", f"rows: {cell.rows}"]
    parts += [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in cell.particulars.items()]
    return f"  - {{{', '.join(parts)}}}"
