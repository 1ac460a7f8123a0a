"""Reports of a step's shards as the report of the whole step: every figure of it follows from theirs, exactly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import reduce
from operator import add
from typing import TypeVar

from llmi_data.errors import PublishingError
from llmi_data.operation.steps import GenerateReport, ValidateReport
from llmi_data.validation import Agreement, Confusion, cohen_kappa

Name = TypeVar("Name", str, str | None)


def whole_generation(parts: Sequence[GenerateReport]) -> GenerateReport:
    """Raises `PublishingError` where the shards were written by different models."""
    return GenerateReport(
        generator=_one({part.generator for part in parts}, "written"),
        planned=sum(part.planned for part in parts),
        rows=sum(part.rows for part in parts),
        lost=_summed(part.lost for part in parts),
        usage=reduce(add, (part.usage for part in parts)),
    )


def whole_validation(parts: Sequence[ValidateReport]) -> ValidateReport:
    """Raises `PublishingError` where the shards were read or judged by different models."""
    return ValidateReport(
        reader=_one({part.reader for part in parts}, "read"),
        judge=_one({part.judge for part in parts}, "judged"),
        rows=sum(part.rows for part in parts),
        kept=sum(part.kept for part in parts),
        dropped=_summed(part.dropped for part in parts),
        agreement=_whole_agreement([part.agreement for part in parts]),
        usage=reduce(add, (part.usage for part in parts)),
    )


def _whole_agreement(parts: Sequence[Agreement]) -> Agreement:
    compared = sum(part.compared for part in parts)
    counts = _cells(part.count_confusion for part in parts)
    tools = _cells(part.tools_confusion for part in parts)
    # Where both labels are right cannot be told from the two tables, but is a whole number in every part.
    both = sum(round((part.share or 0) * part.compared) for part in parts)
    return Agreement(
        compared=compared,
        share=both / compared if compared else None,
        count_share=_diagonal(counts) / compared if compared else None,
        count_kappa=_kappa(counts),
        tools_share=_diagonal(tools) / compared if compared else None,
        tools_kappa=_kappa(tools),
        count_confusion=counts,
        tools_confusion=tools,
    )


def _cells(tables: Iterable[Iterable[Confusion]]) -> tuple[Confusion, ...]:
    rows: Counter[tuple[str, str]] = Counter()
    for cell in (cell for table in tables for cell in table):
        rows[cell.labelled, cell.read] += cell.rows
    return tuple(Confusion(labelled=a, read=b, rows=n) for (a, b), n in sorted(rows.items()))


def _diagonal(cells: Iterable[Confusion]) -> int:
    return sum(cell.rows for cell in cells if cell.labelled == cell.read)


def _kappa(cells: Iterable[Confusion]) -> float | None:
    return cohen_kappa([(cell.labelled, cell.read) for cell in cells for _ in range(cell.rows)])


def _summed(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    return dict(sum((Counter(part) for part in counts), Counter[str]()).most_common())


def _one(names: set[Name], what: str) -> Name:
    if len(names) > 1:
        shown = " and ".join(sorted(map(str, names)))
        raise PublishingError(f"the shards were {what} by {shown}: run the step with one of them for all shards")
    return names.pop()
