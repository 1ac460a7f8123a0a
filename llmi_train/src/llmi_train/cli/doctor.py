"""`llmi-train doctor`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from llmi_train.cli.shared import Unsafe, console, one_sentence

if TYPE_CHECKING:
    from llmi_train.doctor import Finding


def doctor(
    config: Annotated[Path | None, typer.Option(help="Also check what this recipe needs.")] = None,
    free: Annotated[bool, typer.Option("--free", help="Ask no judge and call no tool.")] = False,
    endpoint: Annotated[str | None, typer.Option(help="Also check a policy's server, up to and with /v1.")] = None,
    model: Annotated[str, typer.Option(help="The policy's name on that server.")] = "",
    engine: Annotated[str, typer.Option(help="What serves it: vllm, sglang or openai.")] = "vllm",
    unsafe: Unsafe = False,
) -> None:
    """Check that this machine, and a recipe, have what training needs; say what to do where they have not."""
    from llmi_train.doctor import examine, examine_machine, examine_policy, examine_recipe

    with one_sentence():
        stopped = _tell(examine(unsafe=unsafe))
        stopped |= _tell(examine_machine())
        if config is not None:
            from llmi_train.recipe import Recipe, shipped

            stopped |= _tell(examine_recipe(Recipe.from_yaml(shipped(config)), unsafe=unsafe, pay=not free))
        if endpoint is not None:
            stopped |= _tell(examine_policy(endpoint, model, engine))
        if stopped:
            raise typer.Exit(1)


def _tell(findings: Iterable[Finding]) -> bool:
    """Print each finding as it comes; whether one of them stops a run."""
    out, stopped = console(), False
    for finding in findings:
        mark = "[green]ok[/]  " if finding.ok else "[yellow]warn[/]" if finding.warning else "[red]FAIL[/]"
        out.print(f"{mark}  {finding.name}: {escape(finding.detail)}")
        if not finding.ok:
            out.print(f"      {escape(finding.remedy)}")
        stopped |= finding.stops
    return stopped
