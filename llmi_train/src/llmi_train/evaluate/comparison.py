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
from llmi_schema.files import write_whole
from llmi_train.evaluate.benchmark import Result
from llmi_train.evaluate.report import anchor, by, cell, percent, read_document, said
from llmi_train.evaluate.run import Run, load_run
from llmi_train.evaluate.statistics import Difference, compare
from llmi_train.writing import Written

MOST_PAIRS = 30


def compare_runs(first: Run, second: Run) -> Difference:
    """The second model against the first. Raises `ConfigurationError` where their scores cannot be compared."""
    if (first.benchmark, first.digest) != (second.benchmark, second.digest):
        raise ConfigurationError("the two evaluations are of different benchmarks, or of different versions of one")
    if {one.task for one in first.results} != {one.task for one in second.results}:
        raise ConfigurationError("the two evaluations are of different tasks: give both the same --limit")
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
    write_whole(out, html)
    return difference


def in_words(difference: Difference, names: tuple[str, str]) -> str:
    """One sentence that claims no more than the numbers do."""
    if difference.mean is None or difference.lower is None or difference.upper is None:
        return "No task is fully judged for both, so nothing can be said."
    interval = f"{_points(difference.lower)} to {_points(difference.upper)}"
    if difference.lower <= 0 <= difference.upper:
        return f"No difference is shown: {_points(difference.mean)} points, 95 % interval {interval}."
    better = names[difference.mean > 0]
    return f"{better} is better by {abs(100 * difference.mean):.1f} points, 95 % interval of the difference {interval}."


def sign_test_says(difference: Difference) -> str:
    """Its p, or that nothing differs."""
    if difference.p is None:
        return "no task differs"
    return "p < 0.001" if difference.p < 0.001 else f"p = {difference.p:.3f}"


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
    first = next((a.task for a, b in shown if not a.problem and not b.problem), None)
    for at, pair in enumerate(shown):
        task = pair[0].task
        yield anchored(
            anchor(task),
            runs[0].titles.get(task, task),
            _marks(runs, pair, names),
            *_documents(task, folders, names, opened=task == first),
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
        interval = f"95 %: {_points(difference.lower)} to {_points(difference.upper)}"
        shown.append(report.KeyFigure(_points(difference.mean), "points of difference", interval))
    counts = f"{difference.equal} equal, {sign_test_says(difference)}"
    shown.append(
        report.KeyFigure(f"{difference.better} : {difference.worse}", f"tasks better : worse for {names[1]}", counts)
    )
    return report.key_figures(*shown)


def _remarks(difference: Difference) -> Iterator[Markup]:
    compared = difference.better + difference.worse + difference.equal
    if compared < difference.tasks:
        yield report.callout(
            f"{compared} of {difference.tasks} tasks are fully judged for both and are compared. Whatever the missing "
            f"judgements are, the difference over all tasks lies between {_points(difference.least)} and "
            f"{_points(difference.most)} points.",
            title="Some judgements are missing",
            kind="warning",
        )


def _row(run: Run, pair: tuple[Result, Result], names: tuple[str, str], linked: bool) -> HeatRow:
    cells = {}
    for result, name in zip(pair, names, strict=True):
        value = result.low if result.known else None
        cells[name] = HeatCell(value, f"{100 * result.low:.0f}" if result.known else "?", result.problem or "")
    cells["change"] = _change(pair) if pair[0].known and pair[1].known else HeatCell(None, "?")
    title = run.titles.get(pair[0].task, pair[0].task)
    return HeatRow(anchor(pair[0].task) if linked else "", title, cells, "")


def _change(pair: tuple[Result, Result]) -> HeatCell:
    """Coloured by its sign, and strongly from a quarter of the marks on."""
    points = round(100 * (pair[1].low - pair[0].low))
    strength = 0.5 if abs(points) >= 25 else 0.25
    return HeatCell(
        0.5 + strength * (1 if points > 0 else -1), _minus(f"{points:+d}") if points else "0", neutral=points == 0
    )


def _points(share: float) -> str:
    return _minus(f"{100 * share:+.1f}")


def _minus(number: str) -> str:
    return number.replace("-", "\N{MINUS SIGN}")


def _documents(task: str, folders: Sequence[Path], names: tuple[str, str], *, opened: bool) -> Iterator[Markup]:
    found = [read_document(folder, task) for folder in folders]
    left, right = (_card(one) for one in found)
    yield report.fold("Both documents", report.side_by_side(left, right, labels=names), opened=opened)
    traces = [
        block
        for one, name in zip(found, names, strict=True)
        if one is not None and one.rendered.results
        for block in (report.heading(name, level=4), tool_trace(one.rendered))
    ]
    if traces:
        yield report.fold("What the tools did", *traces)


def _card(written: Written | None) -> Markup:
    if written is None:
        return report.callout("It could not be had.", title="There is no document", kind="warning")
    return report.document_card(written.rendered)


def _marks(runs: tuple[Run, Run], pair: tuple[Result, Result], names: tuple[str, str]) -> Markup:
    """Those that differ."""
    texts = runs[0].questions.get(pair[0].task, {})
    other = {mark.question: mark for mark in pair[1].marks}
    rows = [
        (texts.get(mark.question, mark.question), cell(mark).shown, cell(other[mark.question]).shown)
        for mark in pair[0].marks
        if mark.question in other and mark.value != other[mark.question].value
    ]
    return report.table(("criterion", *names), rows) if rows else report.prose("Their marks are the same.")
