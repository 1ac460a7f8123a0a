"""What is in a set of rows, as numbers; `plots` draws them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from statistics import median

from pydantic import BaseModel, ConfigDict

from llmi_data.plots import plot_cells, plot_overview
from llmi_data.row import Row

__all__ = ["Summary", "plot_cells", "plot_overview", "summarize"]

_BINS = 24


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
    lengths: dict[int, int] = {}
    """Rows by the words of their prompt: the least of each bin, all bins of one width."""
    sides: dict[str, int] = {}
    languages: dict[str, int] = {}
    domains: dict[str, int] = {}
    """Of rows that say theirs."""
    pictures: dict[int, int] = {}
    """Rows by how many pictures the user gives."""
    verdicts: dict[str, int] = {}
    """Rows on which a blind reader agreed, disagreed, or that nobody read."""


def summarize(rows: Iterable[Row]) -> Summary:
    """Count rows by label, family and scenario."""
    rows = list(rows)
    origins = [row.provenance for row in rows if row.provenance]
    read = Counter("unread" if r.verdict is None else "agreed" if r.verdict.agrees else "disagreed" for r in rows)
    lengths = [len(row.text.split()) for row in rows]
    cells: dict[str, Counter[int]] = {}
    for row in sorted(rows, key=lambda row: (len(row.required_tools), row.required_tools)):
        cells.setdefault(" + ".join(row.required_tools) or "none", Counter())[row.image_count] += 1
    return Summary(
        rows=len(rows),
        counts=_by_code(Counter(row.image_count for row in rows)),
        tools=_by_size(tool for row in rows for tool in row.required_tools),
        cells={tools: _by_code(cell) for tools, cell in cells.items()},
        families=_by_size(origin.family for origin in origins if origin.family),
        scenarios=len({(o.topic, o.scenario.angle if o.scenario else None) for o in origins if o.topic}),
        wordings=len({wording for origin in origins for wording in origin.wordings}),
        with_pictures=sum(bool(row.images) for row in rows),
        words=(min(lengths), median(lengths), max(lengths)) if lengths else None,
        lengths=_histogram(lengths),
        sides=_by_size(origin.side for origin in origins),
        languages=_by_size(origin.language for origin in origins),
        domains=_by_size(origin.domain for origin in origins if origin.domain),
        pictures=_by_code(Counter(len(row.images) for row in rows)),
        verdicts=dict(read.most_common()),
    )


def _by_code(counter: Counter[int]) -> dict[int, int]:
    return {code: counter[code] for code in sorted(counter)}


def _by_size(names: Iterable[str]) -> dict[str, int]:
    """By size, and those of one size by name, so that the order of the rows does not matter."""
    return dict(sorted(Counter(names).items(), key=lambda item: (-item[1], item[0])))


def _histogram(values: list[int]) -> dict[int, int]:
    if not values:
        return {}
    low = min(values)
    width = (max(values) - low) // _BINS + 1
    found = Counter((value - low) // width for value in values)
    return {low + place * width: found[place] for place in range(max(found) + 1)}
