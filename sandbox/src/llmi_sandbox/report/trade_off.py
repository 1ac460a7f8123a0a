"""What more effort buys: a score against its cost, with intervals, each point named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmi_sandbox.report.plots import SERIES, SOFT, _canvas, _styled, spread

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class Effort:
    """One point.

    Attributes:
        name: written beside it: `n = 4`.
        cost: of one document, more than 0.
        score: its mean; `lower` and `upper` are the ends of its interval.
    """

    name: str
    cost: float
    score: float
    lower: float
    upper: float


@_styled
def score_against_cost(
    series: Mapping[str, Sequence[Effort]], *, x_label: str = "tokens per document", y_label: str = "score"
) -> Figure:
    """Lines through the efforts of each series, the cost doubling from tick to tick.

    Args:
        series: by name, the cheapest effort first; the names are written at the lines' ends where there are several.

    Raises ValueError for a cost that is not more than 0.
    """
    from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

    costs = [effort.cost for efforts in series.values() for effort in efforts]
    if any(cost <= 0 for cost in costs):
        raise ValueError("what costs nothing has no place on a doubling scale: give costs above 0")
    figure, axes = _canvas(6.8, 3.9)
    axes.set_xscale("log", base=2)
    ends: list[tuple[float, float, str, str]] = []
    for (name, efforts), colour in zip(series.items(), SERIES * (1 + len(series) // len(SERIES)), strict=False):
        x, y = [effort.cost for effort in efforts], [effort.score for effort in efforts]
        below = [effort.score - effort.lower for effort in efforts]
        above = [effort.upper - effort.score for effort in efforts]
        axes.errorbar(x, y, (below, above), color=colour, linewidth=2, marker="o", markersize=5, elinewidth=1)
        for effort in efforts:
            axes.annotate(
                effort.name, (effort.cost, effort.score), (7, 7), textcoords="offset points", color=SOFT, fontsize=9
            )
        if efforts and len(series) > 1:
            ends.append((x[-1], y[-1], name, colour))
    low, high = axes.get_ylim()
    heights = spread([y for _, y, _, _ in ends], apart=(high - low) / 16, ceiling=high)
    for height, (x_end, _, name, colour) in zip(heights, ends, strict=True):
        axes.annotate(name, (x_end, height), (14, -10), textcoords="offset points", color=colour)
    axes.set_ylim(low, high)
    axes.margins(x=0.12)
    axes.xaxis.set_major_locator(LogLocator(base=2, numticks=8))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}" if min(costs, default=1) >= 1 else "{x:.3g}"))
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    return figure
