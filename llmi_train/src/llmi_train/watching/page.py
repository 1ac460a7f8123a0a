"""The run report: one self-contained HTML file with curves, advice, and documents as they were delivered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from llmi_sandbox import report
from llmi_schema.files import write_whole
from llmi_train.grpo.completions import Completion, kept_steps, read
from llmi_train.watching.advice import advise
from llmi_train.watching.charts import chart_pairs, reward_chart
from llmi_train.watching.curves import Curves, read_curves
from llmi_train.watching.record import RunRecord, read_record

REPORT = "report.html"
_SHOWN_STEPS = 5
_PER_STEP = 2


def write_report(run: str | Path, out: str | Path | None = None) -> Path:
    """Render the report of a run's folder; while it goes on, or after. The old page stays until the new one is whole.

    Args:
        out: where to; `report.html` in the folder unless given.

    Raises `ConfigurationError` when the folder holds no log of a run.
    """
    run = Path(run)
    curves = read_curves(run)
    html = report.page(
        f"Training run {run.resolve().name}",
        list(_blocks(run, curves, read_record(run))),
        kicker="LLM-I run report",
        lede=_lede(curves),
        footer="Curves are means over each step's answers. Documents are shown as they were delivered: a tag "
        "whose picture never came is said to be missing, whatever the text claims.",
    )
    path = Path(out) if out is not None else run / REPORT
    write_whole(path, html)
    return path


def _lede(curves: Curves) -> str:
    reward = curves.known("reward")
    if not reward:
        return "Nothing has been logged yet."
    most = min(5, len(reward))
    first, last = sum(reward[:most]) / most, sum(reward[-most:]) / most
    return f"{curves.steps[-1]} steps; the reward in training went from {first:.2f} to {last:.2f}."


def _blocks(run: Path, curves: Curves, record: RunRecord | None) -> Iterator[Markup]:
    yield _figures(curves)
    yield from _advice(curves)
    if curves.known("reward"):
        yield report.heading("Reward")
        yield reward_chart(curves)
    if record is not None and record.reward:
        yield report.code(record.reward, label="the reward")
    pairs = list(chart_pairs(curves))
    if pairs:
        yield report.heading("Curves")
        yield from pairs
    yield from _documents(run)
    if record is not None:
        yield from _circumstances(record)


def _figures(curves: Curves) -> Markup:
    """The latest numbers; what was not logged is left out."""
    wanted = (
        ("reward", "reward", "{:.2f}"),
        ("pictures/count_met", "have the right number of pictures", "{:.0%}"),
        ("documents/finished", "finished documents", "{:.0%}"),
        ("unscored", "unscored", "{:.0%}"),
    )
    known = [(name, label, shown) for name, label, shown in wanted if curves.known(name)]
    return report.key_figures(
        *(
            report.KeyFigure(
                shown.format(_latest(curves, name)), label, f"{shown.format(curves.known(name)[0])} at first"
            )
            for name, label, shown in known
        )
    )


def _latest(curves: Curves, name: str) -> float:
    values = curves.known(name)[-5:]
    return sum(values) / len(values)


def _advice(curves: Curves) -> Iterator[Markup]:
    for advice in advise(curves):
        yield report.callout(f"{_plain(advice.evidence)}.\n\n{advice.what_to_do}", title=advice.title, kind="warning")


def _plain(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _documents(run: Path) -> Iterator[Markup]:
    """The first kept answers of some steps, unchosen, and the best and the worst of the last one."""
    steps = kept_steps(run)
    if not steps:
        return
    yield report.heading("What it writes", kicker="Example documents over time")
    yield report.prose(
        "The first answers that were kept of each step, good or bad as they are; pictures are those that tools "
        "delivered. The advantage says what the step taught: above 0 more like this, below 0 less."
    )
    numbers = _spread(list(steps), _SHOWN_STEPS)
    for number in numbers:
        shown = list(read(steps[number]))[:_PER_STEP]
        yield report.heading(f"Step {number}", level=3)
        yield from _cards(shown)
    last = list(read(steps[numbers[-1]]))
    scored = sorted((one for one in last if one.score is not None), key=lambda one: one.score or 0.0)
    if len(scored) > 1 and scored[0].score != scored[-1].score:
        yield report.heading(f"The worst and the best of step {numbers[-1]}", level=3)
        yield report.side_by_side(_card(scored[0]), _card(scored[-1]), labels=("Worst", "Best"))
    yield report.fold(f"All {len(last)} answers that were kept of step {numbers[-1]}", _table(last))


def _cards(completions: Sequence[Completion]) -> Iterator[Markup]:
    cards = [_card(completion) for completion in completions]
    if len(cards) == _PER_STEP:
        yield report.side_by_side(cards[0], cards[1], labels=("First answer", "Second answer"))
    else:
        yield from cards


def _card(completion: Completion) -> Markup:
    notes = [f"advantage {completion.advantage:+.2f}"]
    if completion.truncated:
        notes.append("cut off at the token limit")
    if completion.reason:
        notes.append(completion.reason)
    marks = report.Marks(completion.score, completion.components, "; ".join(notes))
    prompt = _prompt(completion)
    if completion.document is None:
        return report.callout(
            "It was never rendered, or its pictures are gone; this is its text.", title="An answer without a document"
        ) + report.code(completion.completion)
    return report.document_card(completion.document, prompt=prompt, marks=marks)


def _prompt(completion: Completion) -> str:
    users = [message["content"] for message in completion.prompt if message["role"] == "user"]
    return str(users[-1]) if users else ""


def _table(completions: Sequence[Completion]) -> Markup:
    rows = [
        (
            _prompt(one)[:80],
            len(one.document.document.tags) if one.document else None,
            len(one.document.delivered) if one.document else None,
            one.score,
            one.advantage,
            "cut off" if one.truncated else "ended",
        )
        for one in completions
    ]
    return report.table(("prompt", "tags", "delivered pictures", "score", "advantage", "end"), rows)


def _circumstances(record: RunRecord) -> Iterator[Markup]:
    import yaml

    yield report.heading("What was run")
    if record.evaluation:
        yield report.table(
            ("held out", "value"),
            [(name, _cell(value)) for name, value in _flat(record.evaluation)],
            caption="Evaluation",
        )
    yield report.table(("environment", ""), [("started", record.started), *record.environment.items()])
    recipe = yaml.safe_dump(record.recipe, sort_keys=False, allow_unicode=True)
    yield report.fold("The recipe", report.code(recipe))


def _flat(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}: ")
        else:
            yield f"{prefix}{name}", value


def _cell(value: Any) -> str | int | float | None:
    return value if isinstance(value, str | int | float) or value is None else str(value)


def _spread(steps: Sequence[int], most: int) -> list[int]:
    """At most so many of the steps, evenly, the first and the last among them."""
    if len(steps) <= most:
        return list(steps)
    return [steps[round(i * (len(steps) - 1) / (most - 1))] for i in range(most)]
