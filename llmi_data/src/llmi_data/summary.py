"""What is in a set of rows: numbers for a report, and a plot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import Any

from pydantic import BaseModel, ConfigDict

from llmi_data.row import Row
from llmi_schema import ImageCount


class Summary(BaseModel):
    """Counts over rows. `counts` and `cells` are ordered by published code, the others by size."""

    model_config = ConfigDict(frozen=True)

    rows: int
    counts: dict[int, int]
    tools: dict[str, int]
    cells: dict[str, dict[int, int]]
    """Rows per tool combination ("none" where no tool is required) and count code."""
    families: dict[str, int]
    scenarios: int
    """Distinct pairs of topic and angle."""
    wordings: int
    with_pictures: int
    words: tuple[int, float, int] | None
    """Fewest, median and most words of a prompt; None without rows."""


def summarize(rows: Iterable[Row]) -> Summary:
    """Count rows by label, family and scenario."""
    rows = list(rows)
    origins = [row.provenance for row in rows if row.provenance]
    lengths = [len(row.text.split()) for row in rows]
    cells: dict[str, Counter[int]] = {}
    for row in sorted(rows, key=lambda row: (len(row.required_tools), row.required_tools)):
        cells.setdefault(" + ".join(row.required_tools) or "none", Counter())[row.image_count] += 1
    return Summary(
        rows=len(rows),
        counts=_by_code(Counter(row.image_count for row in rows)),
        tools=dict(Counter(tool for row in rows for tool in row.required_tools).most_common()),
        cells={tools: _by_code(cell) for tools, cell in cells.items()},
        families=dict(Counter(origin.family for origin in origins).most_common()),
        scenarios=len({(o.topic, o.scenario.angle if o.scenario else None) for o in origins}),
        wordings=len({wording for origin in origins for wording in origin.wordings}),
        with_pictures=sum(bool(row.images) for row in rows),
        words=(min(lengths), median(lengths), max(lengths)) if lengths else None,
    )


def plot_cells(summary: Summary, path: str | Path) -> Path:
    """Draw rows per count and tool combination as a heat map. The ending of `path` decides the format."""
    from matplotlib.figure import Figure

    codes, names = list(summary.counts), list(summary.cells)
    table = [[summary.cells[name].get(code, 0) for code in codes] for name in names]
    figure = Figure(figsize=(1.6 + 0.8 * len(codes), 1.4 + 0.36 * len(names)), layout="constrained")
    axes: Any = figure.subplots()
    axes.imshow(table, cmap="Blues", aspect="auto")
    darkest = max(map(max, table), default=0)
    for y, line in enumerate(table):
        for x, rows in enumerate(line):
            if rows:
                axes.text(x, y, rows, ha="center", va="center", color="white" if rows > darkest / 2 else "black")
    axes.set_xticks(range(len(codes)), [str(ImageCount.decode(code)) for code in codes])
    axes.set_yticks(range(len(names)), names)
    axes.set_title(f"{summary.rows} rows: pictures wanted, by required tools")
    figure.savefig(path)
    return Path(path)


def _by_code(counter: Counter[int]) -> dict[int, int]:
    return {code: counter[code] for code in sorted(counter)}
