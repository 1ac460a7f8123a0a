"""What steps did, on the console."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from llmi_data.cli.shared import number, plain

if TYPE_CHECKING:
    from rich.console import Console

    from llmi_data.operation.steps import GenerateReport, ValidateReport
    from llmi_data.validation import Confusion

_SHOWN = 20
_COUNTS = {"-1": "none", "0": "any", "99": "1+"}


def show_problems(what: str, problems: Sequence[Exception], out: Console) -> None:
    """The first problems of a file; the others are counted."""
    for problem in problems[:_SHOWN]:
        out.print(f"[yellow]{what}:[/yellow] {plain(problem)}", soft_wrap=True)
    if len(problems) > _SHOWN:
        out.print(f"[yellow]{what}:[/yellow] {len(problems) - _SHOWN} more")


def show_generation(report: GenerateReport, out: Console) -> None:
    """What was lost and why, and what the answers took."""
    for reason, times in report.lost.items():
        out.print(f"{times:>6} lost: {reason}")
    if report.usage.calls:
        out.print(str(report.usage))


def show_validation(report: ValidateReport, out: Console) -> None:
    """What was dropped and why, agreement, and where reader and labels differ."""
    for reason, times in report.dropped.items():
        out.print(f"{times:>6} dropped: {reason}")
    agreed = report.agreement
    if agreed.share is not None:
        out.print(
            f"agreement {agreed.share:.1%} of {agreed.compared} read"
            f" (kappa: count {number(agreed.count_kappa)}, tools {number(agreed.tools_kappa)})"
        )
    _show_confusion("pictures wanted", agreed.count_confusion, out)
    _show_confusion("required tools", agreed.tools_confusion, out)
    if report.usage.calls:
        out.print(str(report.usage))


def _show_confusion(title: str, cells: Sequence[Confusion], out: Console) -> None:
    """A row per label, a column per reading; nothing where they never differ."""
    from rich.table import Table

    if all(cell.labelled == cell.read for cell in cells):
        return
    rows = {(cell.labelled, cell.read): cell.rows for cell in cells}
    order = sorted({cell.labelled for cell in cells} | {cell.read for cell in cells}, key=_order)
    read = [value for value in order if any(cell.read == value for cell in cells)]
    table = Table(f"{title}: label", *(_COUNTS.get(value, value) for value in read), caption="columns: as read blind")
    for label in order:
        counts = [rows.get((label, value), 0) for value in read]
        if any(counts):
            table.add_row(_COUNTS.get(label, label), *(str(count or "") for count in counts))
    out.print(table)


def _order(value: str) -> tuple[int, str]:
    return (int(value), "") if value.lstrip("-").isdigit() else (0, value)
