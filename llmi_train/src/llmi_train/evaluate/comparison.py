"""Two models on one benchmark: the paired difference, and their documents side by side where they differ most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from markupsafe import Markup

from llmi_sandbox import report
from llmi_sandbox.report.evaluation import (
    HeatCell,
    HeatRow,
    anchored,
    evaluation_page,
    heat_map,
    jump_links,
    tool_trace,
)
from llmi_schema import ConfigurationError
from llmi_train.evaluate.benchmark import Result
from llmi_train.evaluate.report import anchor, by, percent, replace, said
from llmi_train.evaluate.run import Run, document_path, load_run
from llmi_train.evaluate.statistics import Difference, compare
from llmi_train.writing import load_written

MOST_PAIRS = 30


def compare_runs(first: Run, second: Run) -> Difference:
    """The second model against the first. Raises `ConfigurationError` where their scores cannot be compared."""
    if (first.benchmark, first.digest) != (second.benchmark, second.digest):
        raise ConfigurationError("the two evaluations are of different benchmarks, or of different versions of one")
    if first.basis != second.basis:
        raise ConfigurationError(
            f"one has marks by {by(first)}, the other by {by(second)}: such scores are never set beside each other"
        )
    pairs = list(_pairs(first, second))
    return compare([(a.low, a.high) for a, _ in pairs], [(b.low, b.high) for _, b in pairs])


def write_comparison(first: Path, second: Path, out: Path) -> Difference:
    """Write the page that sets two evaluations' folders beside each other."""
    runs = load_run(first), load_run(second)
    difference = compare_runs(*runs)
    names = _names(first, second)
    html = evaluation_page(
        f"{names[0]} and {names[1]} on {runs[0].benchmark}",
        list(_blocks(runs, (first, second), names, difference)),
        kicker="LLM-I comparison",
        lede=in_words(difference, names),
        footer=f"{names[0]}: `{runs[0].policy}`. {names[1]}: `{runs[1].policy}`. Marks by {by(runs[0])}. "
        "The interval is a paired bootstrap over tasks, p an exact sign test.",
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    replace(out, html)
    return difference


def in_words(difference: Difference, names: tuple[str, str]) -> str:
    """One sentence that claims no more than the numbers do."""
    if difference.mean is None or difference.lower is None or difference.upper is None:
        return "No task is fully judged for both, so nothing can be said."
    interval = f"{100 * difference.lower:+.1f} to {100 * difference.upper:+.1f}"
    if difference.lower <= 0 <= difference.upper:
        return f"No difference is shown: {100 * difference.mean:+.1f} points, 95 % interval {interval}."
    better = names[difference.mean > 0]
    return f"{better} is better by {abs(100 * difference.mean):.1f} points, 95 % interval of the difference {interval}."


def _names(first: Path, second: Path) -> tuple[str, str]:
    names = first.resolve().name, second.resolve().name
    return names if names[0] != names[1] else (f"{names[0]} (first)", f"{names[1]} (second)")


def _pairs(first: Run, second: Run) -> Iterator[tuple[Result, Result]]:
    other = {result.task: result for result in second.results}
    return ((result, other[result.task]) for result in first.results)


def _blocks(
    runs: tuple[Run, Run], folders: tuple[Path, Path], names: tuple[str, str], difference: Difference
) -> Iterator[Markup]:
    pairs = sorted(_pairs(*runs), key=lambda pair: (pair[1].low - pair[0].low, pair[0].low))
    shown = [pair for pair in pairs if pair[0].low != pair[1].low or pair[0].problem or pair[1].problem][:MOST_PAIRS]
    yield jump_links([("scores", "scores"), ("overview", "by task"), ("documents", "documents side by side")])
    yield anchored("scores", "Scores", _figures(runs, names, difference), *_remarks(difference))
    on_page = {pair[0].task for pair in shown}
    rows = [_row(runs[0], pair, names, pair[0].task in on_page) for pair in pairs]
    yield heat_map([*names, "change"], rows, caption=f"Tasks on which {names[1]} loses most come first.")
    same = len(pairs) - len(shown)
    left_out = f" {same} tasks on which they do not differ, or less than these, are left out." if same else ""
    yield anchored("documents", "Documents side by side", report.prose(f"The largest loss first.{left_out}"))
    for at, pair in enumerate(shown):
        task = pair[0].task
        yield anchored(
            anchor(task),
            runs[0].titles.get(task, task),
            report.fold("Both documents", _side_by_side(task, folders, names)),
            _marks(runs, pair, names),
            note=f"{percent(pair[0].low, pair[0].high)} and {percent(pair[1].low, pair[1].high)}",
            before=anchor(shown[at - 1][0].task) if at else "documents",
            after=anchor(shown[at + 1][0].task) if at + 1 < len(shown) else None,
        )


def _figures(runs: tuple[Run, Run], names: tuple[str, str], difference: Difference) -> Markup:
    shown = []
    for run, name in zip(runs, names, strict=True):
        score = run.score
        shown.append(report.KeyFigure(said(score), name, f"95 %: {100 * score.lower:.1f} to {100 * score.upper:.1f}"))
    if difference.mean is not None and difference.lower is not None and difference.upper is not None:
        interval = f"95 %: {100 * difference.lower:+.1f} to {100 * difference.upper:+.1f}"
        shown.append(report.KeyFigure(f"{100 * difference.mean:+.1f}", "points of difference", interval))
    counts = f"{difference.better} better, {difference.worse} worse, {difference.equal} equal"
    p = "no p: nothing differs" if difference.p is None else f"p = {difference.p:.3g}"
    shown.append(
        report.KeyFigure(f"{difference.better} : {difference.worse}", f"tasks for {names[1]}", f"{counts}; {p}")
    )
    return report.key_figures(*shown)


def _remarks(difference: Difference) -> Iterator[Markup]:
    compared = difference.better + difference.worse + difference.equal
    if compared < difference.tasks:
        yield report.callout(
            f"{compared} of {difference.tasks} tasks are fully judged for both and are compared. Whatever the missing "
            f"judgements are, the difference over all tasks lies between {100 * difference.least:+.1f} and "
            f"{100 * difference.most:+.1f} points.",
            title="Some judgements are missing",
            kind="warning",
        )


def _row(run: Run, pair: tuple[Result, Result], names: tuple[str, str], linked: bool) -> HeatRow:
    cells = {}
    for result, name in zip(pair, names, strict=True):
        value = result.low if result.known else None
        cells[name] = HeatCell(value, f"{100 * result.low:.0f}" if result.known else "?", result.problem or "")
    known = pair[0].known and pair[1].known
    change = pair[1].low - pair[0].low
    cells["change"] = HeatCell((change + 1) / 2 if known else None, f"{100 * change:+.0f}" if known else "?")
    title = run.titles.get(pair[0].task, pair[0].task)
    return HeatRow(anchor(pair[0].task) if linked else "", title, cells, "")


def _side_by_side(task: str, folders: Sequence[Path], names: tuple[str, str]) -> Markup:
    left, right = (_card(document_path(folder, task)) for folder in folders)
    return report.side_by_side(left, right, labels=names)


def _card(path: Path) -> Markup:
    if not path.exists():
        return report.callout("It could not be had.", title="There is no document", kind="warning")
    rendered = load_written(path).rendered
    trace = report.fold("What the tools did", tool_trace(rendered)) if rendered.results else Markup("")
    return report.document_card(rendered) + trace


def _marks(runs: tuple[Run, Run], pair: tuple[Result, Result], names: tuple[str, str]) -> Markup:
    texts = runs[0].questions.get(pair[0].task, {})
    other = {mark.question: mark for mark in pair[1].marks}
    rows = [
        (texts.get(mark.question, mark.question), mark.value, other[mark.question].value)
        for mark in pair[0].marks
        if mark.question in other and mark.value != other[mark.question].value
    ]
    return report.table(("criterion", *names), rows) if rows else report.prose("Their marks are the same.")
