"""The card's body. Every number in it is counted from the rows or read from the steps' reports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from llmi_data.publishing.blocks import bullets, code, folded, inline, money, percent, quoted, share, table
from llmi_data.publishing.figures import FIGURES
from llmi_data.publishing.funnel import Stage
from llmi_data.publishing.record import Record
from llmi_data.publishing.tables import Table
from llmi_data.row import Row
from llmi_data.summary import Summary
from llmi_schema import ImageCount

NOT_RECORDED = "not recorded"
RECORDS = "records"
_HITS_SHOWN = 20
_CELLS_SHOWN = 12
_WIDTHS = {"cells": 640, "funnel": 720}  # pixels; the page is some 850 wide


@dataclass(frozen=True)
class Facts:
    """What the card is written from.

    Attributes:
        figures: names of the pictures that were drawn.
        examples: a row of each configuration, and the file its picture was written to.
        named: rows in which the rules find a tool named.
        about: the author's own words.
    """

    repo: str
    title: str
    licence: str | None
    rows: Sequence[Row]
    summary: Summary
    tables: Sequence[Table]
    stages: Sequence[Stage]
    record: Record
    named: int
    figures: frozenset[str] = frozenset()
    examples: Mapping[str, tuple[Row, str | None]] = field(default_factory=dict)
    about: str | None = None


def body(facts: Facts) -> str:
    """The card as Markdown, without its head."""
    sections = (
        _opening,
        _use,
        _examples,
        _columns,
        _contents,
        _funnel,
        _agreement,
        _contamination,
        _splits,
        _models,
        _cost,
        _reproduction,
    )
    return "\n\n".join(block for section in sections for block in section(facts) if block) + "\n"


def _opening(facts: Facts) -> Iterator[str]:
    summary, record = facts.summary, facts.record
    yield f"# {inline(facts.title)}"
    pictures = f", {summary.with_pictures:,} of them about pictures that come with it" if summary.with_pictures else ""
    yield (
        f"**{summary.rows:,} requests for illustrated documents{pictures}**, each labelled with how many pictures a "
        "right answer holds and which tools it cannot do without: image *search*, *diffusion*, *code* that draws, and "
        "*edit*. The labels are hidden in ordinary wording: the rules that look for a tool given away find one in "
        f"**{facts.named:,}** of the {summary.rows:,} requests. Made for training and testing models that write "
        "interleaved text and images with tools, as in [LLM-I](https://arxiv.org/abs/2509.13642)."
    )
    agreed, curated = record.validation, record.curation
    hits = sum(check.hits for check in curated.benchmarks) if curated and curated.benchmarks else None
    yield table(
        ("rows", "train / test", "scenarios", "languages", "agreed blind", "κ count · tools", "found of benchmarks"),
        [
            (
                f"{summary.rows:,}",
                f"{summary.sides.get('train', 0):,} / {summary.sides.get('test', 0):,}",
                f"{summary.scenarios:,}",
                str(len(summary.languages)),
                percent(agreed.agreement.share) if agreed else NOT_RECORDED,
                " · ".join(map(share, (agreed.agreement.count_kappa, agreed.agreement.tools_kappa)))
                if agreed
                else NOT_RECORDED,
                NOT_RECORDED if curated is None else "none was checked" if hits is None else f"{hits:,}, removed",
            )
        ],
        right=True,
    )
    if facts.about:
        yield facts.about.strip()


def _use(facts: Facts) -> Iterator[str]:
    yield "## Use"
    lines = ["from datasets import load_dataset", ""]
    for config in dict.fromkeys(part.config for part in facts.tables):
        splits = [part.split for part in facts.tables if part.config == config]
        lines += [f'{config} = load_dataset("{facts.repo}", "{config}")  # {", ".join(splits)}']
    yield "```python\n" + "\n".join(lines) + "\n```"
    first = facts.tables[0]
    lines = ["from llmi_data import from_dataset", "", f'row = next(from_dataset({first.config}["{first.split}"]))']
    yield "As typed values, with `llmi-data`:"
    yield "```python\n" + "\n".join([*lines, "row.text, row.constraint, row.pictures"]) + "\n```"
    yield table(
        ("configuration", "split", "rows", "in memory", "download"),
        [(f"`{p.config}`", f"`{p.split}`", f"{p.rows:,}", _bytes(p.bytes), _bytes(p.stored)) for p in facts.tables],
        right=True,
    )
    yield (
        "`text` holds requests without pictures, `multimodal` those with the user's own. `prompt` is a chat, as TRL "
        "and every chat template take it; `image_count` and `required_tools` are what a reward checks."
    )


def _examples(facts: Facts) -> Iterator[str]:
    if not facts.examples:
        return
    yield "## Examples"
    for config, (row, picture) in facts.examples.items():
        tools = ", ".join(f"`{tool}`" for tool in row.required_tools) or "none"
        yield f"**`{config}`**"
        if picture:
            yield f'<img src="{picture}" alt="The picture given with the request" width="280">'
        yield quoted(row.text)
        read = ""
        if row.verdict:
            state = "the same" if row.verdict.agrees else "otherwise"
            read = f" · read blind by {code(row.verdict.reader)}: {state}"
        yield f"pictures: **{ImageCount.decode(row.image_count)}** · tools: **{tools}**{read}"


def _columns(facts: Facts) -> Iterator[str]:
    yield "## Columns"
    multimodal = any(part.config == "multimodal" for part in facts.tables)
    rows = [
        ("`id`", "string", "A digest of request and pictures: rows that ask the same have the same."),
        ("`prompt`", "list of `role`, `content`", "The conversation; its last message is the user's."),
        *([("`images`", "list of images", "The user's pictures (`multimodal` alone).")] if multimodal else []),
        ("`image_count`", "int", "-1: none is wanted; 0: any number; 1 to 98: exactly so many; 99: at least one."),
        (
            "`required_tools`",
            "list of strings",
            "Tools that a right answer uses: `search`, `diffusion`, `code`, `edit`.",
        ),
        (
            "`provenance`",
            "struct",
            "Who wrote it (`generator`, `seed`), its `side`, what it is about (`domain`, `language`, `family`, "
            "`topic`), `wordings`, the facts behind it (`scenario`), the words each tool rests on (`needs`).",
        ),
        ("`verdict`", "struct", "What the blind reader understood: `image_count`, `required_tools`, `note`; `agrees`."),
        ("`implicit`", "struct", "A judge's opinion whether a tool is given away; null where none was asked."),
    ]
    yield table(("column", "type", "what it holds"), rows)


def _contents(facts: Facts) -> Iterator[str]:
    yield "## What is in it"
    summary = facts.summary
    if summary.words:
        fewest, middle, most = summary.words
        tongues = list(summary.languages)
        kinds = [f"{len(tongues):,} languages" if len(tongues) > 1 else f"all in {code(tongues[0])}"] if tongues else []
        kinds += [f"{summary.wordings:,} wordings"] if summary.wordings else []
        yield (
            f"{summary.scenarios:,} scenarios{''.join(f', {kind}' for kind in kinds)}; requests of {fewest} to {most} "
            f"words, {middle:g} in the middle. {summary.with_pictures:,} come with pictures."
        )
    yield _figure(facts, "cells", "Rows by pictures wanted and required tools")
    yield _figure(facts, "contents", "Tools, words, subjects, languages and pictures")


def _funnel(facts: Facts) -> Iterator[str]:
    yield "## How it was made"
    yield "Every row that was dropped is counted once, under the first reason found."
    yield _figure(facts, "funnel", "Rows left after each step")
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
        + (f" Same meanings were sought with `{curated.settings.embedding}`." if curated.settings.embedding else "")
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


def _reasons(stage: Stage) -> str:
    return "; ".join(f"{rows:,} {inline(reason)}" for reason, rows in stage.went.items())


def _agreement(facts: Facts) -> Iterator[str]:
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
    yield _figure(facts, "confusion", "Labels against blind readings, before rows were dropped")


def _contamination(facts: Facts) -> Iterator[str]:
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


def _splits(facts: Facts) -> Iterator[str]:
    yield "## Splits"
    groups = "prompt, scenario family, topic or wording" + (
        ", nor a cluster of near duplicates," if facts.record.clusters is not None else ""
    )
    yield (
        f"No {groups} of one split is in the other: checked over all {facts.summary.rows:,} rows when this was "
        "written." + ("" if facts.record.clusters is not None else f" Clusters of near duplicates were {NOT_RECORDED}.")
    )


def _models(facts: Facts) -> Iterator[str]:
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


def _cost(facts: Facts) -> Iterator[str]:
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
    yield "Money by the prices that were given, in their currency; answers that were asked for again are counted."


def _used(step: str, usage: Any) -> tuple[str, ...]:
    if usage is None:
        return step, *[NOT_RECORDED] * 4
    spent = money(usage.money) if usage.money is not None else (NOT_RECORDED if usage.calls else "0")
    return step, f"{usage.calls:,}", f"{usage.prompt_tokens:,}", f"{usage.completion_tokens:,}", spent


def _reproduction(facts: Facts) -> Iterator[str]:
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


def _figure(facts: Facts, name: str, title: str) -> str:
    if name not in facts.figures:
        return ""
    return f'<img src="{FIGURES}/{name}.png" alt="{title}" width="{_WIDTHS.get(name, 820)}">'


def _place(item: Any) -> str:
    """Where a question stands, without the folder that its file lay in."""
    path, comma, rest = str(item).rpartition(", ")
    return f"{path.rpartition('/')[2]}{comma}{rest}" if comma else rest.rpartition("/")[2]


def _bytes(number: int) -> str:
    size = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            break
        size /= 1000
    return f"{size:.3g} {unit}"


def without_places(hits: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Finds as they are published: the benchmark's own words would contaminate whoever reads the repository."""
    for hit in hits:
        yield {name: _place(value) if name == "item" else value for name, value in hit.items() if name != "found"}
