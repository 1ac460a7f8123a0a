"""`llmi-train doctor`."""

from __future__ import annotations

import typer
from rich.markup import escape

from llmi_train.cli.shared import Unsafe, console, one_sentence


def doctor(unsafe: Unsafe = False) -> None:
    """Check that this machine has what training needs; say what to type where it has not."""
    from llmi_train.doctor import examine

    with one_sentence():
        findings = examine(unsafe=unsafe)
        out = console()
        for finding in findings:
            mark = "[green]ok[/]  " if finding.ok else "[yellow]warn[/]" if finding.warning else "[red]FAIL[/]"
            out.print(f"{mark}  {finding.name}: {escape(finding.detail)}")
            if not finding.ok:
                out.print(f"      {escape(finding.remedy)}")
        if any(not finding.ok and not finding.warning for finding in findings):
            raise typer.Exit(1)
