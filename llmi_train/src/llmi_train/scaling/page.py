"""The page of a curve: score against cost, what each stage cost and gained, and the documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from llmi_train.scaling.curve import Curve, Mean, Point
from llmi_train.scaling.report import StageReport

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.figure import Figure

_MOST_TASKS = 40
"""Tasks that are listed one by one."""


def write_page(curve: Curve, folder: Path, *, settings: Mapping[str, object], title: str) -> None:
    """`scaling.html`, `scaling.png` and `scaling.json` in `folder`."""
    from llmi_sandbox.report import save_png
    from llmi_schema.files import write_whole

    write_whole(folder / "scaling.json", curve.to_json())
    write_whole(folder / "scaling.html", curve_page(curve, settings=settings, title=title))
    if means := curve.means():
        save_png(_figure(means, curve.scorer), folder / "scaling.png")


def curve_page(curve: Curve, *, settings: Mapping[str, object], title: str) -> str:
    from llmi_sandbox import report

    means = curve.means()
    blocks: list[Markup] = []
    if means:
        first, last = means[0], means[-1]
        blocks += [
            report.key_figures(
                report.KeyFigure(first.score_text, f"with {_candidates(first.n)}", _note(first)),
                report.KeyFigure(last.score_text, f"with {_candidates(last.n)}", _note(last)),
                report.KeyFigure(f"{_times(first, last)} ×", "tokens for it", f"{last.cost.tokens:,} per document"),
            ),
            report.heading("Score against cost"),
            report.chart(
                _figure(means, curve.scorer),
                alt="; ".join(f"{_candidates(m.n)}: {m.score_text} for {m.cost.tokens:,} tokens" for m in means),
                caption=_caption(first, curve.scorer),
            ),
            report.table(
                ("candidates", "score", "95 %", "as asked for", "tokens", "calls", "money", "seconds", "cut short"),
                [
                    (
                        m.n,
                        m.score_text,
                        m.interval_text,
                        f"{m.satisfied:.0%}",
                        m.cost.tokens,
                        m.cost.calls,
                        m.cost.money,
                        round(m.cost.seconds, 2),
                        m.stopped,
                    )
                    for m in means
                ],
                caption="Means per document. Money is that of models whose prices are known; tools are not in it.",
            ),
            report.heading("What each stage costs and gains"),
            *[_stages(n, [point for point in curve.points if point.n == n]) for n in sorted({m.n for m in means})],
        ]
    if curve.failed:
        rows = [(name, why) for name, why in curve.failed.items()]
        blocks += [report.heading("Failed"), report.table(("task", "why"), rows)]
    blocks += [report.heading("Documents"), _documents(curve)]
    blocks += [report.fold("Settings", report.table(("setting", "value"), [(k, str(v)) for k, v in settings.items()]))]
    return report.page(title, blocks, kicker="test-time scaling")


def _figure(means: Sequence[Mean], scorer: str) -> Figure:
    from llmi_sandbox.report.trade_off import Effort, score_against_cost

    counted = all(mean.cost.tokens for mean in means)
    efforts = [
        Effort(f"n = {m.n}", m.cost.tokens if counted else max(m.cost.calls, 1), m.score, m.lower, m.upper)
        for m in means
    ]
    unit = "tokens" if counted else "calls"
    return score_against_cost({scorer: efforts}, x_label=f"{unit} per document", y_label=f"score by {scorer}")


def _stages(n: int, points: Sequence[Point]) -> Markup:
    """Means over the tasks, stage by stage; a stage of another name in the same place is another stage."""
    from llmi_sandbox import report

    places: dict[tuple[int, str], list[StageReport]] = {}
    for point in points:
        for place, stage in enumerate(point.report.stages):
            places.setdefault((place, stage.name), []).append(stage)
    rows = []
    for (_, name), stages in sorted(places.items()):
        gains = [stage.gain for stage in stages if stage.gain is not None]
        judged = [stage for stage in stages if stage.before is not None and stage.after is not None]
        judges = list(dict.fromkeys(stage.judge for stage in judged))
        rows.append(
            (
                name,
                ", ".join(judges) or "–",
                _average([stage.before for stage in judged]),
                _average([stage.after for stage in judged]),
                _average(gains),
                _average([stage.cost.calls for stage in stages]),
                _average([stage.cost.tokens for stage in stages]),
                _rounded(_average([stage.cost.seconds for stage in stages])),
            )
        )
    columns = ("stage", "its judge", "before", "after", "gain", "calls", "tokens", "seconds")
    return report.table(columns, rows, caption=f"With {_candidates(n)}; before and after by the stage's own judge.")


def _documents(curve: Curve) -> Markup:
    from markupsafe import Markup

    from llmi_sandbox import report

    rows = []
    for point in curve.points[: _MOST_TASKS * max(1, len({p.n for p in curve.points}))]:
        link = Markup('<a href="{0}">{0}</a>').format(point.document) if point.document else point.unscored
        changed_by = ", ".join(point.report.history) or "–"
        rows.append((point.task, point.n, point.score, link, changed_by, point.report.stopped or "–"))
    return report.table(("task", "candidates", "score", "document", "changed by", "cut short by"), rows)


def _average(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 2)


def _note(mean: Mean) -> str:
    return f"95 %: {mean.interval_text}" if mean.tasks > 1 else ""


def _caption(mean: Mean, scorer: str) -> str:
    over = f"Bars are 95 % bootstrap intervals over {mean.tasks} prompts." if mean.tasks > 1 else "One prompt."
    if scorer == "rules":
        return f"Scored by rules, which is much of what the filter goes by: --score llmi asks judges. {over}"
    return f"Scored by {scorer}, which took no part in choosing. {over}"


def _candidates(n: int) -> str:
    return "1 candidate" if n == 1 else f"{n} candidates"


def _times(first: Mean, last: Mean) -> str:
    return f"{last.cost.tokens / first.cost.tokens:.1f}" if first.cost.tokens else "–"
