"""`plan`, `generate`, `validate`: from a plan to rows that can be trusted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from llmi_data.cli.shared import RowsFile, console, number, plain


def plan(
    rows: Annotated[int, typer.Option(help="How many rows the plan is for.")] = 480,
    seed: Annotated[int, typer.Option(help="The seed everything follows from.")] = 0,
) -> None:
    """Print the default plan as YAML: the start of one of your own."""
    from llmi_data.plan import Plan

    typer.echo(Plan.demo(rows=rows, seed=seed).to_yaml(), nl=False)


def generate(
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the rows go (JSON Lines).")] = Path(
        "rows.jsonl"
    ),
    plan_file: Annotated[Path | None, typer.Option("--plan", help="A plan in YAML; else the default plan.")] = None,
    rows: Annotated[int | None, typer.Option(help="Size of the default plan (480).")] = None,
    seed: Annotated[int | None, typer.Option(help="Takes the place of the plan's seed.")] = None,
) -> None:
    """Compose the rows of a plan, offline."""
    from llmi_data.errors import PlanError
    from llmi_data.jsonl import write_rows
    from llmi_data.offline import generate as compose_rows
    from llmi_data.plan import Plan

    if plan_file and rows is not None:
        raise PlanError("--plan says how many rows there are: leave out --rows, or change the plan")
    wanted = Plan.from_yaml(plan_file) if plan_file else Plan.demo(rows=480 if rows is None else rows)
    if seed is not None:
        wanted = wanted.model_copy(update={"seed": seed})
    written = write_rows(output, compose_rows(wanted))
    console().print(f"{written} rows in {len(wanted.cells)} cells -> {plain(output)}", soft_wrap=True)


def validate(
    rows: RowsFile,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the rows that stay go.")] = Path("valid.jsonl"),
    dropped: Annotated[Path | None, typer.Option(help="Where the others go (JSON Lines: row, reason, detail).")] = None,
) -> None:
    """Keep the rows on which a blind reader, who sees no labels, agrees."""
    from llmi_data.errors import RowError
    from llmi_data.jsonl import read_rows, write_lines, write_rows
    from llmi_data.validation import validate as validate_rows

    out = console()
    broken: list[RowError] = []
    validated = validate_rows(read_rows(rows, broken.append))
    write_rows(output, validated.kept)
    if dropped:
        entries = (
            {"reason": d.reason, "detail": d.detail, "row": d.row.model_dump(mode="json")} for d in validated.dropped
        )
        write_lines(dropped, (json.dumps(entry, ensure_ascii=False) for entry in entries))
    for problem in broken:
        out.print(f"[yellow]not a row:[/yellow] {plain(problem)}", soft_wrap=True)
    out.print(f"{len(validated.kept)} rows stay -> {plain(output)}", soft_wrap=True)
    for reason, times in validated.drops.items():
        out.print(f"{times:>6} dropped: {reason}")
    agreed = validated.agreement
    if agreed.share is not None:
        out.print(
            f"agreement {agreed.share:.1%} of {agreed.compared} read"
            f" (kappa: count {number(agreed.count_kappa)}, tools {number(agreed.tools_kappa)})"
        )
