"""Charts: what they draw, and that a dark one is the same chart in other colours."""

from __future__ import annotations

import math
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure
from PIL import Image
from strict_html import Page

from llmi_sandbox.report import chart, component_bars, reward_curve, save_png
from llmi_sandbox.report.plots import running_mean, spread, to_svg


def curve() -> Figure:
    values = [0.3 + i / 100 for i in range(60)]
    return reward_curve(range(60), {"reward": values, "count": [None, *values[1:]]}, before=0.31, after=0.88)


def test_a_curve_holds_every_point_and_both_levels() -> None:
    (axes,) = curve().axes
    points = [line for line in axes.lines if line.get_marker() == "o"]
    assert [len(line.get_xdata()) for line in points] == [60, 60]
    assert [line.get_ydata()[0] for line in axes.lines if line.get_linestyle() == "--"] == [0.31, 0.88]
    labels = [text.get_text() for text in axes.texts]
    assert labels == ["reward", "count", "held out, before 0.31", "held out, after 0.88"]


def test_a_gap_stays_a_gap() -> None:
    (axes,) = reward_curve([0, 1, 2], {"r": [None, math.nan, 0.5]}).axes
    assert [math.isnan(v) for v in axes.lines[0].get_ydata()] == [True, True, False]


@pytest.mark.parametrize("series", [{}, {"r": []}, {"r": [None]}, {"r": [0.5]}, {"$r^$": [0.5]}])
def test_small_runs_can_be_drawn(series: dict[str, list[float | None]]) -> None:
    steps = range(max((len(v) for v in series.values()), default=0))
    assert "<svg" in to_svg(reward_curve(steps, series))


def test_a_series_of_the_wrong_length_is_an_error() -> None:
    with pytest.raises(ValueError, match="series 'r' has 2 values for 3 steps"):
        reward_curve([0, 1, 2], {"r": [1.0, 2.0]})


def test_running_mean() -> None:
    assert running_mean([0.0, 3.0, math.nan, 6.0], 3) == [1.5, 1.5, 4.5, 6.0]
    assert running_mean([1.0, 5.0], 1) == [1.0, 5.0]


def test_labels_are_spread_below_the_ceiling_in_order() -> None:
    moved = spread([0.9, 0.1, 0.91, 0.92], apart=0.1, ceiling=1.0)
    assert sorted(range(4), key=moved.__getitem__) == [1, 0, 2, 3]
    assert max(moved) <= 1.0
    assert all(b - a >= 0.1 - 1e-9 for a, b in zip(sorted(moved), sorted(moved)[1:], strict=False))
    assert moved[1] == 0.1


def test_bars_say_what_was_not_scored() -> None:
    (axes,) = component_bars({"count": 0.2, "judge": None}, {"count": 0.9, "new": math.nan}).axes
    assert [round(bar.get_width(), 2) for bar in axes.patches] == [0.2, 0, 0, 0.9, 0, 0]
    assert [text.get_text() for text in axes.texts].count("not scored") == 4


def test_dark_is_the_same_chart_in_other_colours() -> None:
    light, dark = to_svg(curve()), to_svg(curve(), dark=True)
    assert light != dark
    assert "#a23b22" in light
    assert "#a23b22" not in dark
    assert "#1e1c19" not in dark
    assert len(light) == len(dark)


def test_equal_charts_are_equal_text_and_leave_no_setting_behind() -> None:
    before = dict(mpl.rcParams)
    assert to_svg(curve()) == to_svg(curve())
    assert dict(mpl.rcParams) == before


def test_a_chart_block_has_both_forms_and_words() -> None:
    read = Page(chart(curve(), alt="It rises", caption="Reward"))
    assert not read.problems
    assert [a["alt"] for t, a in read.elements if t == "img"] == ["It rises"]
    assert read.count("source") == 1


def test_png(tmp_path: Path) -> None:
    save_png(curve(), tmp_path / "curve.png")
    with Image.open(tmp_path / "curve.png") as image:
        assert image.size == (1224, 702)
        assert len(set(image.convert("RGB").get_flattened_data())) > 50
        assert image.convert("RGB").getpixel((0, 0)) == (0xFC, 0xFB, 0xF8)
