"""`curate`: duplicates, contamination, balance."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llmi_data.cli.reporting import show_problems
from llmi_data.cli.shared import console, plain, progress

if TYPE_CHECKING:
    from llmi_data.curation import CurationReport
    from llmi_data.errors import RowError


def curate(
    rows: Annotated[Path, typer.Argument(metavar="ROWS", help="Rows in any format `convert` reads.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the rows that stay go.")] = Path(
        "curated.jsonl"
    ),
    settings: Annotated[Path | None, typer.Option(help="Thresholds and benchmarks, in YAML; see the README.")] = None,
    plan: Annotated[Path | None, typer.Option(help="A plan whose cells are not to be exceeded.")] = None,
    dropped: Annotated[
        Path | None, typer.Option(help="Where the others go: reason, cluster, partner, score, row (JSON Lines).")
    ] = None,
    hits: Annotated[Path | None, typer.Option(help="Where every find of a benchmark goes (JSON Lines).")] = None,
    clusters: Annotated[Path | None, typer.Option(help="Where the rows' clusters go (JSON Lines).")] = None,
    report: Annotated[Path | None, typer.Option(help="Where the counts go (JSON).")] = None,
) -> None:
    """Remove duplicates, contamination, and what is over the plan."""
    from llmi_data.conversion import expected_records
    from llmi_data.curation import CurationSettings, curate_file
    from llmi_data.jsonl import write_lines
    from llmi_data.operation.display import shown
    from llmi_data.plan import Plan

    chosen = CurationSettings.from_yaml(settings) if settings else None
    wanted = Plan.from_yaml(plan) if plan else None
    broken: list[RowError] = []
    with progress() as out, shown("curate", expected_records(rows), console=out) as tick:
        found = curate_file(
            rows,
            output,
            chosen,
            plan=wanted,
            removed=dropped,
            hits=hits,
            clusters=clusters,
            bad=broken.append,
            each=tick,
        )
    if report:
        write_lines(report, [found.model_dump_json(indent=2)])
    show_problems("not a row", broken, out)
    out.print(f"{found.kept} of {found.rows} rows stay -> {plain(output)}", soft_wrap=True)
    _tell(found)


def _tell(report: CurationReport) -> None:
    out = console()
    for reason, times in report.removed.items():
        out.print(f"{times:>6} removed: {reason}")
    if report.clusters:
        out.print(
            f"{report.clusters} clusters of rows that are near each other, the largest of {report.largest_cluster}"
        )
    for found in report.benchmarks:
        out.print(
            f"{plain(found.name)} ({plain(found.file)}, revision {plain(found.revision)}, split {plain(found.split)}):"
            f" {found.hits} finds in {found.rows} rows, of {found.questions} questions and {found.pictures} pictures",
            soft_wrap=True,
        )
    for cell in report.short:
        out.print(f"[yellow]under the plan:[/yellow] {plain(cell)}", soft_wrap=True)
