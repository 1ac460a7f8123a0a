"""How the rows came to be, for the card: from the steps' reports, and from what rows say of themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from llmi_data.publishing.blocks import bullets, code, folded, inline, money, percent, share, table
from llmi_data.publishing.facts import NOT_RECORDED, Facts, figure
from llmi_data.publishing.funnel import Stage

RECORDS = "records"
_HITS_SHOWN = 20
_CELLS_SHOWN = 12


def steps(facts: Facts) -> Iterator[str]:
    """The funnel, near rows, and places of the plan that are not full."""
    yield "## How it was made"
    yield "Every row that was dropped is counted once, under the first reason found."
    yield figure(facts, "funnel", "Rows left after each step")
    yield table(
        ("step", "meaning", "rows left", "why others went"),
        [
            (stage.name, inline(stage.what), NOT_RECORDED if stage.rows is None else f"{stage.rows:,}", _reasons(stage))
            for stage in facts.stages
        ],
        right_columns=(2,),
    )
    curated = facts.record.curation
    if curated is None:
        return
    yield (
        f"{curated.clusters:,} groups of two rows or more were near each other, the largest of "
        f"{curated.largest_cluster:,}; likeness of words from {curated.settings.near:g} made a near duplicate."
        + (
            f" Same meanings were sought with {_model(curated.settings.embedding)}."
            if curated.settings.embedding
            else ""
        )
    )
    if curated.short:
        missing = sum(cell.planned - cell.rows for cell in curated.short)
        lacking = sorted(curated.short, key=lambda cell: (cell.rows - cell.planned, cell.cell, cell.side))
        cells = table(
            ("cell", "side", "planned", "rows"),
            [(inline(cell.cell), cell.side, f"{cell.planned:,}", f"{cell.rows:,}") for cell in lacking[:_CELLS_SHOWN]],
            right_columns=(2, 3),
        )
        more = f"; the {_CELLS_SHOWN} that lack most" if len(lacking) > _CELLS_SHOWN else ""
        yield folded(f"{len(lacking):,} places of the plan are not full, by {missing:,} rows{more}", cells)


def _model(name: str) -> str:
    """A folder on the machine that made the rows is nobody else's business."""
    return code(Path(name).name if Path(name).exists() else name)


def _reasons(stage: Stage) -> str:
    return "; ".join(f"{rows:,} {inline(reason)}" for reason, rows in stage.went.items())


def agreement(facts: Facts) -> Iterator[str]:
    """How far a blind reader and the labels agree, before rows were dropped."""
    yield "## Blind agreement"
    report = facts.record.validation
    if report is None:
        read = Counter("agrees" if row.verdict.agrees else "disagrees" for row in facts.rows if row.verdict)
        told = f" Of the rows here {read['agrees']:,} were read blind with the same result." if read else ""
        yield f"How often reader and labels agreed before rows were dropped was {NOT_RECORDED}.{told}"
        return
    agreed = report.agreement
    yield (
        f"{code(report.reader)} was given the request and its pictures, no label, and derived both labels anew for "
        f"{agreed.compared:,} rows. A row stayed when both were the same. κ is Cohen's, agreement beyond chance."
    )
    yield table(
        ("", "the same", "κ"),
        [
            ("number of pictures", percent(agreed.count_share), share(agreed.count_kappa)),
            ("required tools", percent(agreed.tools_share), share(agreed.tools_kappa)),
            ("both", percent(agreed.share), ""),
        ],
        right_columns=(1, 2),
    )
    yield figure(facts, "confusion", "Labels against blind readings, before rows were dropped")


def contamination(facts: Facts) -> Iterator[str]:
    """Benchmarks that were looked for, and what was found."""
    yield "## Contamination"
    curated = facts.record.curation
    if curated is None:
        yield f"Whether benchmarks were looked for was {NOT_RECORDED}."
        return
    if not curated.benchmarks:
        yield "No benchmark was looked for."
        return
    yield (
        "Rows that contain a benchmark's question, as it is or reworded, or show its picture, also resized, re-encoded "
        "or cropped, were removed. Looked for:"
    )
    yield table(
        ("benchmark", "file", "revision", "split", "questions", "pictures", "finds", "rows removed"),
        [
            (
                inline(check.name),
                code(check.file),
                code(check.revision),
                code(check.split),
                f"{check.questions:,}",
                f"{check.pictures:,}",
                f"{check.hits:,}",
                f"{check.rows:,}",
            )
            for check in curated.benchmarks
        ],
        right_columns=(4, 5, 6, 7),
    )
    total = sum(check.hits for check in curated.benchmarks)
    hits = facts.record.hits
    if not total:
        return
    if hits is None:
        yield f"Which rows the {total:,} finds were in was {NOT_RECORDED}."
        return
    finds = table(
        ("row", "benchmark", "place in its file", "kind", "score"),
        [
            (code(hit["row"]), inline(hit["benchmark"]), inline(_place(hit["item"])), inline(hit["kind"]), _score(hit))
            for hit in hits[:_HITS_SHOWN]
        ],
        right_columns=(4,),
    )
    shown = f"The first {_HITS_SHOWN:,} of {len(hits):,}" if len(hits) > _HITS_SHOWN else f"All {len(hits):,}"
    yield f"`{RECORDS}/hits.jsonl` lists every find, by its place and without the benchmark's words."
    yield folded(f"{shown} finds", finds)


def _score(hit: Mapping[str, Any]) -> str:
    return f"{hit['score']:.2f}"


def splits(facts: Facts) -> Iterator[str]:
    """What is held apart."""
    yield "## Splits"
    if len(facts.summary.sides) < 2:
        yield f"All rows are in {code(next(iter(facts.summary.sides)))}; nothing is held apart from them here."
        return
    groups = "prompt, scenario family, topic or wording" + (
        ", nor a cluster of near duplicates," if facts.record.clusters is not None else ""
    )
    yield (
        f"No {groups} of one split is in the other: checked over all {facts.summary.rows:,} rows when this was "
        "written." + ("" if facts.record.clusters is not None else f" Clusters of near duplicates were {NOT_RECORDED}.")
    )


def models(facts: Facts) -> Iterator[str]:
    """Who made, read and judged the rows, and under which licence they are."""
    yield "## Models and licences"
    roles = (
        ("wrote the requests", Counter(row.provenance.generator for row in facts.rows if row.provenance)),
        ("read them blind", Counter(row.verdict.reader for row in facts.rows if row.verdict)),
        ("judged whether a tool is given away", Counter(row.implicit.judge for row in facts.rows if row.implicit)),
    )
    rows = [(f"{code(name)}", role, f"{n:,}") for role, names in roles for name, n in names.most_common()]
    yield (
        table(("who", "did what", "rows"), rows, right_columns=(2,))
        if rows
        else f"Who made the rows was {NOT_RECORDED}."
    )
    lines = [f"Licence of the data: {f'**{facts.licence}**' if facts.licence else NOT_RECORDED}."]
    if facts.summary.with_pictures:
        lines.append(f"Licences of the users' pictures, beside that: {NOT_RECORDED}.")
    if any("offline" not in name for _, names in roles for name in names):
        lines.append("What the models' providers allow to be done with their output is for their terms to say.")
    yield bullets(lines)


def cost(facts: Facts) -> Iterator[str]:
    """What the answers took."""
    yield "## Cost"
    steps = [("generate", facts.record.generate), ("validate", facts.record.validation)]
    if all(report is None for _, report in steps):
        yield f"What it cost was {NOT_RECORDED}."
        return
    if not any(report.usage.calls for _, report in steps if report) and all(report for _, report in steps):
        yield "No model was asked: requests were composed and read by rules, for nothing."
        return
    yield table(
        ("step", "answers", "prompt tokens", "completion tokens", "money"),
        [_used(step, report.usage if report else None) for step, report in steps],
        right_columns=(1, 2, 3, 4),
    )
    yield "Money is that of models whose prices were given, in their currency. What was asked for again counts, too."


def _used(step: str, usage: Any) -> tuple[str, ...]:
    if usage is None:
        return step, *[NOT_RECORDED] * 4
    spent = money(usage.money) if usage.money is not None else (NOT_RECORDED if usage.calls else "0")
    return step, f"{usage.calls:,}", f"{usage.prompt_tokens:,}", f"{usage.completion_tokens:,}", spent


def reproduction(facts: Facts) -> Iterator[str]:
    """With what it was made, and where the reports are."""
    from llmi_data import __version__

    yield "## Record"
    seeds = sorted({row.provenance.seed for row in facts.rows if row.provenance})
    told = f", from seed {', '.join(map(str, seeds[:5]))}" if 0 < len(seeds) <= 5 else ""
    kept = (
        f" The steps' own reports are in `{RECORDS}/`; every number of this card is computed from them and the rows."
        if any((facts.record.generate, facts.record.validation, facts.record.curation))
        else " The steps' reports were not given; what is said above is counted from the rows."
    )
    yield f"Made with `llmi-data` {__version__}{told}.{kept}"


def _place(item: Any) -> str:
    """Where a question stands, without the folder that its file lay in."""
    path, comma, rest = str(item).rpartition(", ")
    return f"{path.rpartition('/')[2]}{comma}{rest}" if comma else rest.rpartition("/")[2]


def without_words(hits: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Finds as they are published: the benchmark's own words would contaminate whoever reads the repository."""
    for hit in hits:
        yield {name: _place(value) if name == "item" else value for name, value in hit.items() if name != "found"}
