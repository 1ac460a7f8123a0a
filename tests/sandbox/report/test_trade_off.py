"""Score against cost: what is drawn is what was given."""

from __future__ import annotations

import pytest

from llmi_sandbox.report.plots import to_svg
from llmi_sandbox.report.trade_off import Effort, score_against_cost

EFFORTS = [
    Effort("n = 1", 500, 0.4, 0.3, 0.5),
    Effort("n = 2", 1000, 0.55, 0.5, 0.6),
    Effort("n = 4", 2000, 0.62, 0.58, 0.66),
]


def test_points_and_intervals_are_where_they_belong() -> None:
    figure = score_against_cost({"rules": EFFORTS}, y_label="score by rules")
    (axes,) = figure.axes
    (container,) = axes.containers
    line, _, (bars,) = container.lines
    assert line.get_xdata().tolist() == [500, 1000, 2000]
    assert line.get_ydata().tolist() == [0.4, 0.55, 0.62]
    ends = [(path.vertices[0][1], path.vertices[1][1]) for path in bars.get_paths()]
    assert ends == [pytest.approx((e.lower, e.upper)) for e in EFFORTS]
    assert [text.get_text() for text in axes.texts] == ["n = 1", "n = 2", "n = 4"]
    assert axes.get_xscale() == "log"
    assert axes.get_ylabel() == "score by rules"


def test_several_series_are_named_at_their_ends_and_equal_figures_are_equal_text() -> None:
    series = {"base $1": EFFORTS, "trained": [Effort("n = 1", 600, 0.7, 0.6, 0.8)], "none": []}
    svg = to_svg(score_against_cost(series))
    assert svg == to_svg(score_against_cost(series))
    assert "base $1" in svg
    assert "trained" in svg
    assert "none" not in svg.partition("<defs>")[0]


def test_what_costs_nothing_has_no_place() -> None:
    with pytest.raises(ValueError, match="above 0"):
        score_against_cost({"rules": [Effort("free", 0, 0.5, 0.5, 0.5)]})
