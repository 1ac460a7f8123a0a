"""Curation: rows in, rows that stay and rows that go out, each of the latter with its reason.

One pass takes fingerprints, and everything is decided on those: `curate_file` holds no rows and reads its file twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from llmi_data.curation.contamination import Benchmark, Hit
from llmi_data.curation.decisions import Curation, CurationReport, Decision, Outcome, Prefer, preference
from llmi_data.curation.meaning import Embed
from llmi_data.curation.settings import CurationSettings
from llmi_data.errors import RowError
from llmi_data.jsonl import no_rows, write_lines
from llmi_data.plan import Plan
from llmi_data.row import Row


@dataclass(frozen=True)
class Removed:
    """A row that did not stay, and why."""

    row: Row
    decision: Decision


@dataclass(frozen=True)
class Curated:
    """What became of the rows, in their order.

    Attributes:
        hits: every find of a benchmark's text or picture.
        clusters: the cluster of every row that stays, by its id; rows of one cluster belong on one side of a split.
    """

    kept: tuple[Row, ...]
    removed: tuple[Removed, ...]
    hits: tuple[Hit, ...]
    clusters: Mapping[str, str]
    report: CurationReport


def curate(
    rows: Iterable[Row],
    settings: CurationSettings | None = None,
    *,
    plan: Plan | None = None,
    prefer: Prefer = preference,
    embed: Embed | None = None,
    benchmarks: Sequence[Benchmark] | None = None,
) -> Curated:
    """Remove contamination, duplicates, what straddles the split, and what is over the plan, in this order.

    Args:
        rows: labelled rows. One whose picture cannot be decoded is removed; its neighbours are not.
        settings: thresholds, and the benchmarks that rows must not contain.
        plan: cells that are not to be exceeded, where given.
        prefer: which of several duplicates stays.
        embed: texts to vectors, in place of the settings' embedding; without either meanings are not compared.
        benchmarks: in place of those that the settings name, read and ready.

    Raises `CurationError` for a benchmark or an embedding that cannot be read.
    """
    rows = tuple(rows)
    work = Curation(settings, plan=plan, prefer=prefer, embed=embed, benchmarks=benchmarks)
    for row in rows:
        work.add(row)
    outcome = work.decide()
    decisions = tuple(outcome)
    return Curated(
        kept=tuple(rows[d.number] for d in decisions if d.reason is None),
        removed=tuple(Removed(rows[d.number], d) for d in decisions if d.reason is not None),
        hits=tuple(_listed(outcome)),
        clusters={d.id: d.cluster for d in decisions if d.reason is None},
        report=outcome.report,
    )


def curate_file(
    source: str | Path,
    output: str | Path,
    settings: CurationSettings | None = None,
    *,
    plan: Plan | None = None,
    removed: str | Path | None = None,
    hits: str | Path | None = None,
    clusters: str | Path | None = None,
    bad: Callable[[RowError], None] | None = None,
    prefer: Prefer = preference,
    embed: Embed | None = None,
    each: Callable[[], None] | None = None,
) -> CurationReport:
    """`curate` from file to file, in memory that grows by about a kilobyte per row, whatever the rows' size.

    Args:
        source: rows in any format that `llmi_data.conversion` reads.
        output: where the rows that stay go, as JSON Lines.
        removed: where the others go: id, reason, detail, cluster, partner, score, row.
        hits: where every find of a benchmark goes.
        clusters: where the cluster of every row that stays goes.
        bad: is handed every record that is no row, once; without it the first one raises.
        each: called after every row that was read and is yet to be decided on, for a progress display.

    Raises `RowError` when the source cannot be read or holds no row; nothing is written then.
    """
    from llmi_data.conversion import read_any

    work = Curation(settings, plan=plan, prefer=prefer, embed=embed)
    broken: list[RowError] = []

    def left_out(problem: RowError) -> None:
        broken.append(problem)
        if bad:
            bad(problem)

    read = 0
    for read, row in enumerate(read_any(source, left_out if bad else None), 1):  # noqa: B007 - the last is the count
        work.add(row)
        if each:
            each()
    if not read:
        raise no_rows(source, broken)
    outcome = work.decide()

    def again() -> Iterator[tuple[Decision, Row]]:
        rows = read_any(source, (lambda _: None) if bad else None)
        return ((outcome.of(number), row) for number, row in enumerate(rows))

    if removed:
        gone = ((decision, row) for decision, row in again() if decision.reason is not None)
        write_lines(removed, (_line(removed_entry(decision, row)) for decision, row in gone))
    if hits:
        write_lines(hits, (_line(asdict(hit)) for hit in _listed(outcome)))
    if clusters:
        stay = (outcome.of(number) for number in outcome.staying.tolist())
        write_lines(clusters, (_line({"id": d.id, "cluster": d.cluster}) for d in stay))
    # Last, as the output may take the source's place.
    write_lines(output, (row.model_dump_json() for decision, row in again() if decision.reason is None))
    return outcome.report


def removed_entry(decision: Decision, row: Row) -> dict[str, Any]:
    """A removed row as a record for a file."""
    entry = {name: value for name, value in asdict(decision).items() if name != "number"}
    return {**entry, "row": row.model_dump(mode="json")}


def _listed(outcome: Outcome) -> Iterator[Hit]:
    for number in sorted(outcome.hits):
        yield from outcome.hits[number]


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)
