"""What is in a set of rows, drawn."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmi_schema import ImageCount

if TYPE_CHECKING:
    from llmi_data.summary import Summary

BLUE, GREY = "#3b6ea5", "#9aa5b1"
_MOST = 12  # bars of a panel; what is left over is one bar more
_FEWEST = 5  # a panel with fewer bars leaves room, so that a single one does not fill it


def plot_cells(summary: Summary, path: str | Path, dpi: float = 100) -> Path:
    """Draw rows per count and tool combination as a heat map. The ending of `path` decides the format."""
    from matplotlib.figure import Figure

    size = (1.6 + 0.8 * len(summary.counts), 1.4 + 0.36 * len(summary.cells))
    figure = Figure(figsize=size, layout="constrained")
    _cells(figure.subplots(), summary)
    figure.savefig(path, dpi=dpi)
    return Path(path)


def plot_overview(summary: Summary, path: str | Path) -> Path:
    """Draw everything a summary holds, a panel for each thing. The ending of `path` decides the format."""
    from matplotlib.figure import Figure

    tall = max(3.2, 1.4 + 0.3 * len(summary.cells))
    figure = Figure(figsize=(13, tall + 6.4), layout="constrained")
    panels: dict[str, Any] = figure.subplot_mosaic(
        [["cells", "cells", "tools"], ["words", "words", "sides"], ["families", "languages", "pictures"]],
        height_ratios=(tall, 3.2, 3.2),
    )
    figure.suptitle(f"{summary.rows} rows, {summary.scenarios} scenarios, {summary.wordings} wordings")
    _cells(panels["cells"], summary)
    panels["cells"].set_title("pictures wanted, by required tools")
    _bars(panels["tools"], summary.tools, "rows that require a tool")
    _histogram(panels["words"], summary)
    names = {"agreed": "reader agreed", "disagreed": "reader disagreed", "unread": "read by nobody"}
    read = {names[what]: rows for what, rows in summary.verdicts.items()}
    _bars(panels["sides"], {**summary.sides, **read}, "side of the split, blind reading")
    _bars(panels["families"], summary.domains or summary.families, "domains" if summary.domains else "families")
    _bars(panels["languages"], summary.languages, "languages")
    _bars(panels["pictures"], {str(n): rows for n, rows in summary.pictures.items()}, "pictures the user gives")
    figure.savefig(path)
    return Path(path)


def plot_contents(summary: Summary, path: str | Path, dpi: float = 150) -> Path:
    """Draw what the prompts are like: length, tools, subjects; languages and pictures where they are not all one."""
    from matplotlib.figure import Figure

    below = ["subjects"]
    below += ["languages"] * (len(summary.languages) > 1) + ["pictures"] * (len(summary.pictures) > 1)
    above = ["words"] * max(1, len(below) - 1) + ["tools"] * (len(below) > 1)
    figure = Figure(figsize=(11, 6.2))
    figure.set_layout_engine("constrained", hspace=0.08)
    panels: dict[str, Any] = figure.subplot_mosaic([above, below], height_ratios=(3, 4))
    _histogram(panels["words"], summary)
    if "tools" in panels:
        _bars(panels["tools"], summary.tools, "rows that require a tool")
    _bars(panels["subjects"], summary.domains or summary.families, "domains" if summary.domains else "subjects")
    if "languages" in panels:
        _bars(panels["languages"], summary.languages, "languages")
    if "pictures" in panels:
        _bars(panels["pictures"], {str(n): rows for n, rows in summary.pictures.items()}, "pictures the user gives")
    figure.savefig(path, dpi=dpi)
    return Path(path)


def _cells(axes: Any, summary: Summary) -> None:
    codes, names = list(summary.counts), list(summary.cells)
    table = [[summary.cells[name].get(code, 0) for code in codes] for name in names]
    if not table:
        _nothing(axes)
        return
    axes.imshow(table, cmap="Blues", aspect="auto")
    darkest = max(map(max, table), default=0)
    for y, line in enumerate(table):
        for x, rows in enumerate(line):
            if rows:
                axes.text(x, y, rows, ha="center", va="center", color="white" if rows > darkest / 2 else "black")
    axes.set_xticks(range(len(codes)), [str(ImageCount.decode(code)) for code in codes])
    axes.set_yticks(range(len(names)), names)
    axes.set_title(f"{summary.rows:,} rows: pictures wanted, by required tools")


def _bars(axes: Any, counts: Mapping[str, int], title: str) -> None:
    axes.set_title(title)
    if not counts:
        _nothing(axes)
        return
    shown = dict(list(counts.items())[:_MOST])
    if rest := sum(counts.values()) - sum(shown.values()):
        shown[f"{len(counts) - len(shown)} more"] = rest
    colours = [GREY if rest and number == _MOST else BLUE for number in range(len(shown))]
    bars = axes.barh(range(len(shown)), list(shown.values()), color=colours)
    axes.bar_label(bars, fmt="{:,.0f}", padding=3)
    axes.set_yticks(range(len(shown)), [_short(name) for name in shown])
    axes.set_ylim(max(len(shown), _FEWEST) - 0.5, -0.5)
    axes.margins(x=0.15)
    bare(axes)


def _histogram(axes: Any, summary: Summary) -> None:
    axes.set_title("words per prompt")
    if not summary.lengths or summary.words is None:
        _nothing(axes)
        return
    width = min((b - a for a, b in zip(list(summary.lengths), list(summary.lengths)[1:], strict=False)), default=1)
    axes.bar(list(summary.lengths), list(summary.lengths.values()), width=width * 0.9, align="edge", color=BLUE)
    axes.axvline(summary.words[1], color=GREY, linestyle="--", label=f"median {summary.words[1]:g}")
    axes.legend(frameon=False)
    axes.set_ylabel("rows")
    bare(axes)


def _nothing(axes: Any) -> None:
    axes.text(0.5, 0.5, "not told", ha="center", va="center", color=GREY, transform=axes.transAxes)
    axes.set_axis_off()


def bare(axes: Any) -> None:
    axes.spines[["top", "right"]].set_visible(False)


def _short(name: str, most: int = 24) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"
