"""The charts of a run report, two beside each other; a chart whose curves were never logged is left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from llmi_sandbox import report
from llmi_train.watching.curves import Curves

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Values = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart.

    Attributes:
        title: stands above it.
        unit: of its y axis.
        names: the series and what they are called; those that were not logged are left out.
        prefix, suffix: or all series between the two.
        says: what a good curve looks like.
    """

    title: str
    unit: str
    names: Mapping[str, str] | None = None
    prefix: str = ""
    suffix: str = ""
    says: str = ""

    def series(self, curves: Curves) -> dict[str, Values]:
        """What there is to draw."""
        found: Mapping[str, Values]
        if self.names is None:
            found = curves.named(self.prefix, self.suffix)
        else:
            found = {label: curves.series[name] for name, label in self.names.items() if name in curves.series}
        return {name: values for name, values in found.items() if any(value is not None for value in values)}


CHARTS = (
    Chart("Components", "mean", prefix="components/", says="The parts of the reward, each before its weight."),
    Chart("Tools that deliver", "share", prefix="tools/", suffix="/success", says="Calls that brought a picture."),
    Chart("Tools that are used", "calls per document", prefix="tools/", suffix="/attempts"),
    Chart(
        "Documents",
        "share",
        {"documents/finished": "finished", "pictures/count_met": "right number of pictures", "unscored": "unscored"},
    ),
    Chart(
        "Groups without a difference",
        "share",
        {"frac_reward_zero_std": "all answers score the same"},
        says="They teach nothing; a rise at a high reward is the natural end of a run.",
    ),
    Chart("Entropy", "nats per token", {"entropy": "entropy"}, says="How much the policy still tries."),
    Chart(
        "Clipped",
        "share of tokens",
        {"clip_ratio/region_mean": "in all", "clip_ratio/low_mean": "below", "clip_ratio/high_mean": "above"},
    ),
    Chart("Distance from the reference", "KL per token", {"kl": "KL"}),
    Chart(
        "Sampling ratio",
        "ratio",
        {
            "sampling/importance_sampling_ratio/mean": "mean",
            "sampling/importance_sampling_ratio/max": "highest",
            "sampling/importance_sampling_ratio/min": "lowest",
        },
        says="Of the trained policy to what vLLM sampled with; 1 where they agree.",
    ),
    Chart(
        "Constrained rollouts",
        "log ratio",
        {"constraint/log_ratio": "per document"},
        says="The log of the probability the constraint leaves; near 0 the policy would have written so anyway.",
    ),
    Chart(
        "Length",
        "tokens",
        {"completions/mean_length": "mean", "completions/max_length": "longest", "completions/min_length": "shortest"},
    ),
    Chart("Cut off", "share of answers", {"completions/clipped_ratio": "at the token limit"}),
    Chart(
        "Time",
        "seconds",
        {
            "step_time": "a step",
            "reward/slowest_seconds": "slowest score",
            "reward/waited_seconds": "waited for scores",
        },
    ),
    Chart("Updates", "norm", {"grad_norm": "gradient"}),
    Chart("Learning rate", "per step", {"learning_rate": "learning rate"}),
)


def reward_figure(curves: Curves) -> Figure:
    """The reward of every step, and its spread."""
    series = {"reward": curves.series["reward"]}
    if "reward_std" in curves.series:
        series["spread"] = curves.series["reward_std"]
    return report.reward_curve(curves.steps, series, smooth=_window(curves))


def reward_chart(curves: Curves) -> Markup:
    known = curves.known("reward")
    return report.chart(
        reward_figure(curves),
        alt=f"The reward over {len(curves)} logged steps, {known[0]:.2f} at first and {known[-1]:.2f} at last",
        caption="Points are steps, lines their running mean. The spread is the standard deviation over all answers.",
    )


def chart_pairs(curves: Curves) -> Iterator[Markup]:
    """Everything else that was logged, in pairs."""
    charts = [(chart, found) for chart in CHARTS if (found := chart.series(curves))]
    drawn = [(chart.title, _draw(chart, found, curves)) for chart, found in charts]
    for at in range(0, len(drawn) - 1, 2):
        (left, first), (right, second) = drawn[at : at + 2]
        yield report.side_by_side(first, second, labels=(left, right))
    if len(drawn) % 2:
        title, last = drawn[-1]
        yield report.heading(title, level=4)
        yield last


def _draw(chart: Chart, series: Mapping[str, Values], curves: Curves) -> Markup:
    figure = report.reward_curve(curves.steps, series, smooth=_window(curves), y_label=chart.unit)
    last = {name: [v for v in values if v is not None][-1] for name, values in series.items()}
    alt = f"{chart.title}: " + ", ".join(f"{name} {value:.3g} at last" for name, value in last.items())
    return report.chart(figure, alt=alt, caption=chart.says)


def _window(curves: Curves) -> int:
    return max(1, min(25, len(curves) // 8))
