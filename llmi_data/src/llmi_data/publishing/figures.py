"""The pictures in the card, drawn from the rows and the steps' reports."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmi_data.plots import BLUE, GREY, bare, plot_cells, plot_contents
from llmi_data.publishing.funnel import Stage
from llmi_data.summary import Summary

if TYPE_CHECKING:
    from llmi_data.validation import Agreement, Confusion

FIGURES = "figures"
_DPI = 150
_COUNTS = {"-1": "none", "0": "any", "99": "1+"}
_MOST = 14  # labels along a side of a confusion table; the rarest others are left to the report


def draw(summary: Summary, stages: Sequence[Stage], agreed: Agreement | None, folder: Path) -> None:
    """Write `funnel.png`, `cells.png`, `contents.png` and, where rows were read blind, `confusion.png`."""
    folder.mkdir()
    if sum(stage.rows is not None for stage in stages) > 1:
        _draw_funnel(stages, folder / "funnel.png")
    plot_cells(summary, folder / "cells.png", dpi=_DPI)
    plot_contents(summary, folder / "contents.png", dpi=_DPI)
    if agreed is not None and agreed.compared:
        _draw_confusion(agreed, folder / "confusion.png")


def _draw_funnel(stages: Sequence[Stage], path: Path) -> None:
    from matplotlib.figure import Figure

    known = [(stage, stage.rows) for stage in stages if stage.rows is not None]
    figure = Figure(figsize=(9, 0.6 + 0.38 * len(known)), layout="constrained")
    axes = figure.subplots()
    rows = [left for _, left in known]
    before = [rows[0], *rows[:-1]]
    places = range(len(known))
    axes.barh(places, before, color=GREY, alpha=0.35)
    axes.barh(places, rows, color=BLUE)
    for place, (left, was) in enumerate(zip(rows, before, strict=True)):
        gone = f"   −{was - left:,}" if was > left else ""
        axes.text(was, place, f" {left:,}{gone}", va="center")
    axes.set_yticks(places, [stage.name for stage, _ in known])
    axes.set_xlim(0, max(rows) * 1.15 or 1)
    axes.set_xticks([])
    axes.invert_yaxis()
    bare(axes)
    axes.spines["bottom"].set_visible(False)
    figure.savefig(path, dpi=_DPI)


def _draw_confusion(agreed: Agreement, path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 5), layout="constrained")
    left, right = figure.subplots(1, 2)
    _confusion(left, agreed.count_confusion, "pictures wanted")
    _confusion(right, agreed.tools_confusion, "required tools")
    figure.savefig(path, dpi=_DPI)


def _confusion(axes: Any, cells: Sequence[Confusion], what: str) -> None:
    rows = {(cell.labelled, cell.read): cell.rows for cell in cells}
    sizes: dict[str, int] = {}
    for cell in cells:
        for value in (cell.labelled, cell.read):
            sizes[value] = sizes.get(value, 0) + cell.rows
    shown = sorted(sorted(sizes, key=lambda value: -sizes[value])[:_MOST], key=_order)
    table = [[rows.get((label, read), 0) for read in shown] for label in shown]
    axes.imshow([[count**0.5 for count in line] for line in table], cmap="Blues", aspect="auto")
    most = max(map(max, table))
    for y, line in enumerate(table):
        for x, count in enumerate(line):
            if count:
                # The square root of the colours makes a single disagreement visible beside hundreds that agree.
                colour = "white" if count > most / 4 else "black"
                axes.text(x, y, f"{count}", ha="center", va="center", color=colour, fontsize=8)
    names = [_COUNTS.get(value, value) for value in shown]
    axes.set_xticks(range(len(shown)), names, rotation=45 if max(map(len, names)) > 4 else 0, ha="right", fontsize=8)
    if max(map(len, names)) <= 4:
        axes.set_xticks(range(len(shown)), names, ha="center", fontsize=8)
    axes.set_yticks(range(len(shown)), names, fontsize=8)
    hidden = len(sizes) - len(shown)
    axes.set_title(what + (f" (the {len(shown)} most frequent of {len(sizes)})" if hidden else ""))
    axes.set_xlabel("as read blind")
    axes.set_ylabel("as labelled")


def _order(value: str) -> tuple[int, int, str]:
    return (0, int(value), "") if value.lstrip("-").isdigit() else (1, value.count("+"), value)
