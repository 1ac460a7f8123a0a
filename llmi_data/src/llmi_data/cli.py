"""`llmi-data`: the steps as commands. What they need is imported when they run, so that help is instant."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from llmi_schema import LLMIError

if TYPE_CHECKING:
    from rich.console import Console

    from llmi_data.row import Row
    from llmi_data.summary import Summary


class _Commands(TyperGroup):
    """Turns the packages' own errors into one sentence and exit status 1."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except LLMIError as problem:
            _console().print(f"[red]error:[/red] {_plain(problem)}", soft_wrap=True)
            raise typer.Exit(1) from None


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Make, validate and inspect constraint-annotated prompts for illustrated documents.",
)

RowsFile = Annotated[Path, typer.Argument(metavar="ROWS.JSONL", help="Rows, one per line.")]


@app.command()
def plan(
    rows: Annotated[int, typer.Option(help="How many rows the plan is for.")] = 480,
    seed: Annotated[int, typer.Option(help="The seed everything follows from.")] = 0,
) -> None:
    """Print the default plan as YAML: the start of one of your own."""
    from llmi_data.plan import Plan

    typer.echo(Plan.demo(rows=rows, seed=seed).to_yaml(), nl=False)


@app.command()
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
    _console().print(f"{written} rows in {len(wanted.cells)} cells -> {_plain(output)}", soft_wrap=True)


@app.command()
def validate(
    rows: RowsFile,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the rows that stay go.")] = Path("valid.jsonl"),
    dropped: Annotated[Path | None, typer.Option(help="Where the others go (JSON Lines: row, reason, detail).")] = None,
) -> None:
    """Keep the rows on which a blind reader, who sees no labels, agrees."""
    from llmi_data.errors import RowError
    from llmi_data.jsonl import read_rows, write_lines, write_rows
    from llmi_data.validation import validate as validate_rows

    console = _console()
    broken: list[RowError] = []
    validated = validate_rows(read_rows(rows, broken.append))
    write_rows(output, validated.kept)
    if dropped:
        entries = (
            {"reason": d.reason, "detail": d.detail, "row": d.row.model_dump(mode="json")} for d in validated.dropped
        )
        write_lines(dropped, (json.dumps(entry, ensure_ascii=False) for entry in entries))
    for problem in broken:
        console.print(f"[yellow]not a row:[/yellow] {_plain(problem)}", soft_wrap=True)
    console.print(f"{len(validated.kept)} rows stay -> {_plain(output)}", soft_wrap=True)
    for reason, times in validated.drops.items():
        console.print(f"{times:>6} dropped: {reason}")
    agreed = validated.agreement
    if agreed.share is not None:
        console.print(
            f"agreement {agreed.share:.1%} of {agreed.compared} read"
            f" (kappa: count {_number(agreed.count_kappa)}, tools {_number(agreed.tools_kappa)})"
        )


@app.command()
def dataset(
    rows: RowsFile,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the saved dataset.")] = Path("dataset"),
) -> None:
    """Split rows by scenario and save them as a `datasets.DatasetDict`."""
    from llmi_data.dataset import save
    from llmi_data.jsonl import read_rows
    from llmi_data.splits import split

    sides = split(read_rows(rows))
    save(sides, output)
    _console().print(f"{len(sides.train)} train and {len(sides.test)} test rows -> {_plain(output)}", soft_wrap=True)


@app.command()
def stats(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="Rows as JSON Lines, or a saved dataset's folder.")],
    plot: Annotated[Path | None, typer.Option(help="Draw rows per cell into this file (.png, .svg, .pdf).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Count rows by pictures wanted, tools, and scenario."""
    from llmi_data.summary import plot_cells, summarize

    summary = summarize(_load(path))
    if plot:
        plot_cells(summary, plot)
    if as_json:
        typer.echo(summary.model_dump_json(indent=2))
        return
    _show(summary)


def _show(summary: Summary) -> None:
    from rich.console import Console
    from rich.table import Table

    short = {-1: "none", 0: "any", 99: "1+"}
    headers = [short.get(code, str(code)) for code in summary.counts]
    table = Table("required tools", *headers, "all", caption="rows by pictures wanted")
    for tools, cell in summary.cells.items():
        table.add_row(tools, *(str(cell.get(code, "")) for code in summary.counts), str(sum(cell.values())))
    table.add_section()
    table.add_row("all", *map(str, summary.counts.values()), str(summary.rows))
    console = Console()
    console.print(table)
    words = "none"
    if summary.words:
        fewest, middle, most = summary.words
        words = f"{fewest} to {most} words (median {middle:g})"
    console.print(
        f"{len(summary.families)} families, {summary.scenarios} scenarios, {summary.wordings} wordings;"
        f" {summary.with_pictures} rows with pictures; prompts: {words}"
    )


def _load(path: Path) -> list[Row]:
    if path.is_dir():
        from llmi_data.dataset import load

        sides = load(path)
        return [*sides.train, *sides.test]
    from llmi_data.jsonl import read_rows

    return list(read_rows(path))


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"


def _plain(value: object) -> str:
    """Text from files and messages, with nothing in it taken for markup."""
    from rich.markup import escape

    return escape(str(value))


def _console() -> Console:
    from rich.console import Console

    return Console(stderr=True, highlight=False)
