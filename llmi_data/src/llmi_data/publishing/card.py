"""The card's body. Every number in it is counted from the rows or read from the steps' reports."""

from __future__ import annotations

from collections.abc import Iterator

from llmi_data.publishing import account
from llmi_data.publishing.blocks import code, inline, percent, quoted, share, table
from llmi_data.publishing.facts import NOT_RECORDED, Facts, figure
from llmi_schema import ImageCount


def body(facts: Facts) -> str:
    """The card as Markdown, without its head."""
    sections = (
        _opening,
        _use,
        _examples,
        _columns,
        _contents,
        account.steps,
        account.agreement,
        account.contamination,
        account.splits,
        account.models,
        account.cost,
        account.reproduction,
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
    yield figure(facts, "cells", "Rows by pictures wanted and required tools")
    yield figure(facts, "contents", "Tools, words, subjects, languages and pictures")


def _bytes(number: int) -> str:
    size = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            break
        size /= 1000
    return f"{size:.3g} {unit}"
