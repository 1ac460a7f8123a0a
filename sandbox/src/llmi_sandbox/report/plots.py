"""Charts in the project's one style: direct labels, no frame, colours that have a light and a dark form.

Figures are plain `matplotlib.figure.Figure` objects, made without pyplot: nothing global is changed, nothing
has to be closed.

```python
figure = reward_curve(steps, {"reward": rewards}, before=0.31, after=0.93)
save_png(figure, folder / "reward.png")
chart(figure, alt="Reward over 80 steps, rising from 0.3 to 0.9")
```
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAPER, INK, SOFT, RULE, STONE = "#fcfbf8", "#1e1c19", "#69635a", "#e2ddd2", "#b5ad9e"
SERIES = ("#a23b22", "#1f6f78", "#a0741a", "#6d4c86", "#4f7a3a", "#8a8478")
_DARK = dict(
    zip(
        (PAPER, INK, SOFT, RULE, STONE, *SERIES),
        (
            "#171614",
            "#e8e3d9",
            "#a59e91",
            "#37332d",
            "#6b655b",
            "#f0967a",
            "#6fc0c6",
            "#dcb25a",
            "#b99ad0",
            "#98c47f",
            "#a8a195",
        ),
        strict=True,
    )
)
_FONTS = ("Inter", "Helvetica Neue", "Segoe UI", "Noto Sans", "Liberation Sans", "Arial", "DejaVu Sans")
_SVG_FONTS = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue','Noto Sans','Liberation Sans',Arial,sans-serif"

Values = Sequence[float | None]
"""One value per step; None (or NaN) where nothing was measured leaves a gap."""


P = ParamSpec("P")


def _styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """matplotlib reads most settings when a part is made, so the style holds while the whole chart is drawn."""

    @wraps(draw)
    def styled(*args: P.args, **kwargs: P.kwargs) -> Figure:
        import matplotlib as mpl

        with mpl.rc_context(_style()):
            return draw(*args, **kwargs)

    return styled


@_styled
def reward_curve(
    steps: Sequence[float],
    series: Mapping[str, Values],
    *,
    before: float | None = None,
    after: float | None = None,
    smooth: int = 9,
    x_label: str = "training step",
    y_label: str = "reward",
) -> Figure:
    """Training curves: each step as a point, a centred running mean as a line, labelled at its end.

    Args:
        steps: the x axis.
        series: values per step by name; the first is drawn strongest.
        before: a held-out value measured before training, drawn as a dashed level.
        after: the same measured afterwards.
        smooth: how many steps the running mean spans.

    Raises ValueError when a series is not as long as `steps`.
    """
    figure, axes = _canvas(6.8, 3.9)
    ends: list[tuple[float, str, str]] = []
    for index, (name, values) in enumerate(series.items()):
        if len(values) != len(steps):
            raise ValueError(f"series {name!r} has {len(values)} values for {len(steps)} steps")
        colour = SERIES[index % len(SERIES)]
        y = [math.nan if v is None else v for v in values]
        line = running_mean(y, smooth)
        axes.plot(steps, y, "o", color=colour, markersize=3, alpha=0.32 if index == 0 else 0.16, markeredgewidth=0)
        axes.plot(steps, line, color=colour, linewidth=2.2 if index == 0 else 1.5, solid_capstyle="round")
        measured = [v for v in line if not math.isnan(v)]
        if measured:
            ends.append((measured[-1], name, colour))
    for level, name, colour in ((before, "held out, before", SOFT), (after, "held out, after", INK)):
        if level is not None:
            axes.axhline(level, color=colour, linewidth=1.1, dashes=(4, 3), zorder=1)
            ends.append((level, f"{name} {level:.2f}", colour))
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.margins(x=0.01, y=0.08)
    _label_ends(axes, ends, inches=3.9)
    return figure


@_styled
def component_bars(
    before: Mapping[str, float | None],
    after: Mapping[str, float | None],
    *,
    labels: tuple[str, str] = ("before", "after"),
) -> Figure:
    """One pair of bars per component, from zero, with their values. A component that was not scored has no bar
    and says so."""
    names = list(dict.fromkeys((*before, *after)))
    figure, axes = _canvas(6.8, 0.6 + 0.56 * max(1, len(names)))
    for marks, offset, colour, label in ((before, -0.19, STONE, labels[0]), (after, 0.19, SERIES[0], labels[1])):
        values = [_measured(marks.get(name)) for name in names]
        rows = [row + offset for row in range(len(names))]
        axes.barh(rows, [v or 0.0 for v in values], height=0.32, color=colour, label=label)
        for row, value in zip(rows, values, strict=True):
            text = "not scored" if value is None else f"{value:.2f}"
            axes.annotate(
                text,
                (max(0.0, value or 0.0), row),
                (5, 0),
                textcoords="offset points",
                va="center",
                color=SOFT,
                fontsize=9,
            )
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(max(1, len(names)) - 0.45, -0.55)
    everything = [v for v in map(_measured, (*before.values(), *after.values())) if v is not None]
    axes.set_xlim(min([0.0, *everything]), max([1.0, *everything]) * 1.08)
    axes.grid(False)
    axes.xaxis.set_visible(False)
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(axis="y", colors=INK, labelsize=10)
    axes.legend(
        loc="lower right",
        bbox_to_anchor=(1, 1),
        ncols=2,
        frameon=False,
        labelcolor=SOFT,
        handlelength=1,
        handleheight=1,
    )
    return figure


def _measured(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def running_mean(values: Sequence[float], window: int) -> list[float]:
    """A centred mean over at most `window` values, NaNs left out; at both ends the window is what is there."""
    half = max(0, window // 2)
    means = []
    for i in range(len(values)):
        near = [v for v in values[max(0, i - half) : i + half + 1] if not math.isnan(v)]
        means.append(sum(near) / len(near) if near else math.nan)
    return means


def save_png(figure: Figure, path: Path | str, *, dpi: int = 180) -> None:
    """Write a figure as PNG on the light paper."""
    figure.savefig(path, format="png", dpi=dpi, facecolor=PAPER, metadata={"Software": None})


def to_svg(figure: Figure, *, dark: bool = False) -> str:
    """The figure as SVG without a background; equal figures give equal text.

    `dark` exchanges this module's colours, and black, for their dark forms. Text stays text, in the page's font.
    """
    import matplotlib as mpl

    out = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "llmi"}):
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = re.sub(r"font: ((?:\d+ )?[\d.]+px) [^;\"]*", rf"font: \1 {_SVG_FONTS}", out.getvalue())
    if dark:
        svg = re.sub(r"#[0-9a-f]{6}\b", lambda m: {**_DARK, "#000000": _DARK[INK]}.get(m[0], m[0]), svg)
    return svg


def _canvas(width: float, height: float) -> tuple[Figure, Axes]:
    """An empty chart of so many inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def _style() -> dict[str, Any]:
    from matplotlib import font_manager

    installed = set(font_manager.get_font_names())
    return {
        "font.family": [font for font in _FONTS if font in installed][:1] or ["sans-serif"],
        "font.size": 10,
        "text.color": INK,
        "text.parse_math": False,  # a name with a dollar sign is a name
        "axes.labelcolor": SOFT,
        "axes.labelsize": 9.5,
        "axes.edgecolor": SOFT,
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.spines.left": False,
        "axes.facecolor": "none",
        "axes.axisbelow": True,
        "axes.grid": True,
        "axes.grid.axis": "y",
        "grid.color": RULE,
        "grid.linewidth": 0.8,
        "xtick.color": SOFT,
        "ytick.color": SOFT,
        "xtick.labelsize": 9,
        "ytick.labelsize": 9,
        "xtick.major.size": 3,
        "ytick.major.size": 0,
    }


def _label_ends(axes: Axes, ends: list[tuple[float, str, str]], *, inches: float) -> None:
    """Names at the right end of their lines, none over another."""
    low, high = axes.get_ylim()
    points = inches * 72 * 0.8  # the axes fill about this share of the figure
    heights = spread([value for value, _, _ in ends], apart=13 * (high - low) / points, ceiling=high)
    for at, (_, name, colour) in zip(heights, ends, strict=True):
        axes.annotate(
            name,
            (1, at),
            (6, 0),
            xycoords=axes.get_yaxis_transform(),
            textcoords="offset points",
            va="center",
            color=colour,
            annotation_clip=False,
        )
    axes.set_ylim(low, high)


def spread(values: Sequence[float], *, apart: float, ceiling: float) -> list[float]:
    """The values, moved as little as one pass up and one pass down allow, so that none is nearer than `apart` to
    another and none is above `ceiling`; their order stays."""
    order = sorted(range(len(values)), key=values.__getitem__)
    moved = list(values)
    for lower, upper in pairwise(order):
        moved[upper] = max(moved[upper], moved[lower] + apart)
    for index in reversed(order):
        moved[index] = ceiling = min(moved[index], ceiling)
        ceiling -= apart
    return moved
