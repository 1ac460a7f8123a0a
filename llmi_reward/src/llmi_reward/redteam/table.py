"""A report for people: one line per family, and one per trick that paid."""

from __future__ import annotations

from typing import get_args

from rich.table import Table
from rich.text import Text

from llmi_reward.redteam.attempt import Report, Verdict


def families_table(report: Report) -> Table:
    table = Table(title=f"{len(report.attempts)} attacks, {len(report.breaches)} paid", title_justify="left")
    table.add_column("family")
    for verdict in get_args(Verdict):
        table.add_column(verdict.replace("_", " "), justify="right")
    for family, counts in report.by_family().items():
        cells = [str(counts.get(verdict, "")) for verdict in get_args(Verdict)]
        bad = counts.get("breach", 0) + counts.get("raised", 0)
        table.add_row(family, *cells, style="red" if bad else None)
    return table


def breaches_table(report: Report) -> Table:
    table = Table(title="What paid", title_justify="left")
    for column in ("attack", "honest", "with the trick", ""):
        table.add_column(column, justify="right" if column in ("honest", "with the trick") else "left")
    for attempt in report.breaches:
        values = ["" if value is None else f"{value:.3g}" for value in (attempt.honest, attempt.attacked)]
        table.add_row(Text(attempt.attack.id), *values, Text(attempt.message))
    return table
