"""`llmi-train report` and `llmi-train push`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from llmi_train.cli.shared import console, one_sentence

Run = Annotated[Path, typer.Argument(help="The run's folder, `output_dir` of its recipe.", show_default=False)]


def report(
    run: Run,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="The page; report.html in the run.")] = None,
) -> None:
    """Render the report of a run, while it goes on or after, and say what its curves warn of."""
    with one_sentence():
        from llmi_train.watching import advise, read_curves, write_report

        out = console()
        for advice in advise(read_curves(run)):
            out.print(f"[yellow]{escape(advice.title)}[/]: {escape(advice.evidence)}.")
            out.print(f"  {escape(advice.what_to_do)}")
        out.print(f"report: {write_report(run, output)}")


def push(
    run: Run,
    repo: Annotated[str, typer.Option(help="Where to, as on the Hub: me/name.", show_default=False)],
    merged: Annotated[bool, typer.Option("--merged", help="The whole model, the adapter merged into it.")] = False,
    public: Annotated[bool, typer.Option("--public", help="For everybody to see; private otherwise.")] = False,
    evaluation: Annotated[
        list[Path] | None,
        typer.Option(help="A folder of llmi-train evaluate, or JSON with held-out figures, for the card; repeatable."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the card and the files.")] = False,
) -> None:
    """Upload a run's adapter, or the merged model, with a model card: one commit."""
    with one_sentence():
        from llmi_train.publishing import prepare, upload
        from llmi_train.watching import add_evaluation

        if evaluation:
            add_evaluation(run, evaluation)
        with prepare(run, repo, merged=merged) as folder:
            out = console()
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    out.print(f"  {path.relative_to(folder)}  {path.stat().st_size:,} bytes")
            if dry_run:
                out.print(escape((folder / "README.md").read_text(encoding="utf-8")))
                return
            out.print(upload(folder, repo, public=public))
