"""The report of one evaluation: one HTML file with scores, marks and documents, what failed first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median
from textwrap import shorten
from typing import Any

from markupsafe import Markup

from llmi_sandbox import report
from llmi_sandbox.report.evaluation import (
    HeatCell,
    HeatRow,
    anchored,
    evaluation_page,
    heat_map,
    jump_links,
    link,
    tool_trace,
    verdicts,
)
from llmi_schema.files import write_whole
from llmi_train.evaluate.benchmark import RULES, Result
from llmi_train.evaluate.judging import Mark
from llmi_train.evaluate.run import Run, document_path, load_run
from llmi_train.evaluate.statistics import Estimate
from llmi_train.writing import Written, load_written

REPORT = "report.html"
MOST_DOCUMENTS = 60
"""So many documents with their pictures are in the page, the worst first; of others only the marks."""

MOST_FAILURES = 40


def write_report(folder: Path) -> Path:
    """Write `report.html` into an evaluation's folder. Raises `ConfigurationError` where there are no results."""
    run = load_run(folder)
    html = evaluation_page(
        f"Evaluation: {run.benchmark}",
        list(_blocks(run, folder)),
        kicker="LLM-I evaluation",
        lede=f"{said(run.score)} of the marks that can be had, by {by(run)}.",
        footer=f"Policy: `{run.policy}`. Benchmark {run.benchmark}, version {run.digest}. Intervals are 95 % bootstrap "
        "intervals over tasks. A judgement that failed counts as missing, never as left out.",
    )
    write_whole(folder / REPORT, html)
    return folder / REPORT


def by(run: Run) -> str:
    """Who gave the marks."""
    return "rules, without a judge" if run.basis == RULES else f"the judge {run.basis}"


def percent(low: float, high: float) -> str:
    """One number, or the bounds of one that is not fully known."""
    return f"{100 * low:.1f} %" if abs(high - low) < 5e-4 else f"{100 * low:.1f} to {100 * high:.1f} %"


def said(score: Estimate) -> str:
    return percent(score.low, score.high)


def figures(run: Run) -> Markup:
    """The numbers on top."""
    score = run.score
    missing = sum(result.problem is not None for result in run.results)
    shown = [
        report.KeyFigure(said(score), "score", f"95 %: {100 * score.lower:.1f} to {100 * score.upper:.1f}"),
        report.KeyFigure(
            f"{100 * run.coverage:.1f} %", "judgements there", f"{score.known} of {score.tasks} tasks fully scored"
        ),
        report.KeyFigure(f"{score.tasks - missing}", "documents", f"{missing} missing" if missing else "none missing"),
    ]
    if repeated := run.repeatability:
        shown.append(
            report.KeyFigure(
                f"{100 * repeated.same:.0f} %", "repeated marks agree", f"{repeated.apart:.2f} apart on the mean"
            )
        )
    return report.key_figures(*shown)


def cell(mark: Mark) -> HeatCell:
    if mark.value is None:
        return HeatCell(None, "?", mark.reason)
    given = [one for one in mark.given if one is not None]
    shown = f"{median(given):g}" if given else f"{mark.value:.2f}".removeprefix("0")
    return HeatCell(mark.value, shown, mark.reason)


def worst_first(run: Run) -> list[Result]:
    """Documents that are missing, then by what they are sure to have."""
    return sorted(run.results, key=lambda result: (result.problem is None, result.low, result.high))


def read_document(folder: Path, task: str) -> Written | None:
    path = document_path(folder, task)
    return load_written(path) if path.exists() else None


def anchor(task: str) -> str:
    return f"task-{task}"


def _blocks(run: Run, folder: Path) -> Iterator[Markup]:
    ordered = worst_first(run)
    shown = ordered[:MOST_DOCUMENTS]
    written = {result.task: found for result in shown if (found := read_document(folder, result.task))}
    failed = list(_failures(run, ordered, written))
    links = [("failures", "failures")] if failed else []
    yield jump_links([("scores", "scores"), *links, ("overview", "marks by task"), ("documents", "documents")])
    yield anchored("scores", "Scores", figures(run), *_remarks(run), *_own_figures(run))
    if failed:
        yield anchored("failures", "Failures", *_told(failed))
    columns = list(dict.fromkeys(mark.question for result in ordered for mark in result.marks))
    on_page = {result.task for result in shown}
    yield heat_map(columns, [_row(run, result, result.task in on_page) for result in ordered], caption=_caption(run))
    yield anchored("documents", "Documents, the worst first", *_left_out(len(ordered) - len(shown)))
    for at, result in enumerate(shown):
        yield anchored(
            anchor(result.task),
            run.titles.get(result.task, result.task),
            *_document(run, result, written.get(result.task)),
            note=percent(result.low, result.high),
            before=anchor(shown[at - 1].task) if at else "documents",
            after=anchor(shown[at + 1].task) if at + 1 < len(shown) else None,
        )


def _remarks(run: Run) -> Iterator[Markup]:
    if run.benchmark == "isg":
        yield report.callout(
            "It compares the order of texts and pictures with the golden answer's, exactly.",
            title="The structural level needs no judge",
        )
    elif run.basis == RULES:
        look = "look for words, numbers, tables and" if run.benchmark == "project" else "count well-formed tags,"
        yield report.callout(
            f"They {look} delivered pictures, and see nothing. They are no substitute for a judge, and are never "
            "compared with one.",
            title="These marks were given by rules",
        )
    if run.coverage < 1:
        yield report.callout(
            "The score lies between the two numbers: missing judgements count as nothing in the first and as full "
            "marks in the second. The same command asks for them again.",
            title=f"{100 * (1 - run.coverage):.1f} % of the judgements are missing",
            kind="warning",
        )


def _own_figures(run: Run) -> Iterator[Markup]:
    criteria = run.criteria()
    shared = len(criteria) > 1 and run.benchmark != "project"  # its tenth criterion is another one in each task
    if shared:
        yield report.table(("criterion", "mean"), list(criteria.items()), caption="Means over tasks")
    for name, value in run.figures.items():
        if isinstance(value, Mapping) and value and all(isinstance(one, Mapping) for one in value.values()):
            columns = sorted({column for row in value.values() for column in row})
            rows = [(wanted, *(row.get(column, 0) for column in columns)) for wanted, row in value.items()]
            yield report.table(("wanted", *columns), rows, caption=f"{name}: wanted in the row, called in the column")
        elif isinstance(value, Mapping) and value:
            yield report.table(("part", "mean"), list(value.items()), caption=name)
    single: list[tuple[str, Any]] = [(n, v) for n, v in run.figures.items() if isinstance(v, float)]
    if single:
        yield report.table(("share of the documents", "value"), single)


def _failures(
    run: Run, ordered: list[Result], written: Mapping[str, Written]
) -> Iterator[tuple[str | Markup, str, str]]:
    """Documents, marks and pictures that are missing."""
    for result in ordered:
        title = run.titles.get(result.task, result.task)
        task = link(anchor(result.task), title) if result in ordered[:MOST_DOCUMENTS] else title
        if result.problem:
            yield task, "document", result.problem
            continue
        missing = [mark for mark in result.marks if mark.value is None]
        if missing:
            yield task, f"{len(missing)} of {len(result.marks)} marks", missing[0].reason
        if result.task in written:
            rendered = written[result.task].rendered
            for tag, outcome in zip(rendered.document.tags, rendered.results, strict=True):
                if not outcome.ok:
                    reason = str(outcome.reason).replace("_", " ")
                    yield task, f"figure {tag.index + 1}, {tag.tool or 'no tool'}", f"{reason}: {outcome.message}"


def _told(failed: list[tuple[str | Markup, str, str]]) -> Iterator[Markup]:
    rows = [(task, what, shorten(why, 160, placeholder=" ...")) for task, what, why in failed[:MOST_FAILURES]]
    yield report.table(("task", "what", "why"), rows)
    if len(failed) > MOST_FAILURES:
        yield report.prose(f"{len(failed) - MOST_FAILURES} more are told with their documents.")


def _caption(run: Run) -> str:
    return f"Marks by {by(run)}; hatched where one is missing. Rows lead to the documents."


def _row(run: Run, result: Result, linked: bool) -> HeatRow:
    texts = run.questions.get(result.task, {})
    cells = {mark.question: _explained(mark, texts.get(mark.question, "")) for mark in result.marks}
    title = run.titles.get(result.task, result.task)
    return HeatRow(anchor(result.task) if linked else "", title, cells, percent(result.low, result.high))


def _explained(mark: Mark, text: str) -> HeatCell:
    """With its criterion in words, which a column that is another one in each task cannot give."""
    found = cell(mark)
    return HeatCell(found.value, found.shown, ": ".join(filter(None, (text.removesuffix("."), found.why))))


def _left_out(number: int) -> Iterator[Markup]:
    if number:
        yield report.prose(f"{number} more, better ones, lie in the folder `documents`.")


def _document(run: Run, result: Result, written: Written | None) -> Iterator[Markup]:
    texts = run.questions.get(result.task, {})
    marks = sorted(result.marks, key=lambda mark: (mark.value is not None, mark.value or 0.0))
    if result.problem:
        yield report.callout(result.problem, title="There is no document", kind="warning")
    elif marks:
        yield verdicts([(texts.get(mark.question, mark.question), cell(mark)) for mark in marks])
    if written is not None:
        rendered = written.rendered
        made = f"{len(rendered.delivered)} of {len(rendered.results)} pictures"
        yield report.fold(f"The document ({made})", report.document_card(rendered, prompt=written.prompt))
        if rendered.results:
            yield report.fold("What the tools did", tool_trace(rendered))
