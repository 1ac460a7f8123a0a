"""`llmi-train`: the command line. Everything heavy is imported inside the command that needs it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from llmi_schema import LLMIError

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_enable=False)
_errors = Console(stderr=True, highlight=False, soft_wrap=True)

Unsafe = Annotated[bool, typer.Option("--unsafe", help="Run the pictures' code without isolation.")]


@contextmanager
def _one_sentence() -> Iterator[None]:
    """Problems a user can mend end the program with one sentence, not a traceback."""
    try:
        yield
    except LLMIError as error:
        _errors.print(f"[red]Error:[/] {escape(str(error))}")
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        _errors.print("\nStopped. The same command goes on from here.")
        raise typer.Exit(130) from None


@app.command()
def demo(
    output: Annotated[Path, typer.Option(help="Where everything is put.")] = Path("runs/demo"),
    small: Annotated[bool, typer.Option("--small", help="Every stage at a size that only shows it works.")] = False,
    unsafe: Unsafe = False,
) -> None:
    """Data, rewards, training and an illustrated document, offline. Goes on where a stopped run ended."""
    with _one_sentence():
        from llmi_train.demo.run import run_demo
        from llmi_train.demo.settings import Settings

        run_demo(output, Settings.small() if small else Settings(), unsafe=unsafe)


@app.command()
def doctor(unsafe: Unsafe = False) -> None:
    """Check that this machine has what training needs; say what to type where it has not."""
    from llmi_train.doctor import examine

    with _one_sentence():
        findings = examine(unsafe=unsafe)
        console = Console(highlight=False, soft_wrap=True)
        for finding in findings:
            mark = "[green]ok[/]  " if finding.ok else "[yellow]warn[/]" if finding.warning else "[red]FAIL[/]"
            console.print(f"{mark}  {finding.name}: {escape(finding.detail)}")
            if not finding.ok:
                console.print(f"      {escape(finding.remedy)}")
        if any(not finding.ok and not finding.warning for finding in findings):
            raise typer.Exit(1)


@app.command()
def grpo(
    config: Annotated[Path, typer.Option(help="A recipe, see `llmi_train/recipes`.")],
    unsafe: Unsafe = False,
) -> None:
    """Train a LoRA adapter with GRPO. The same command after a stop goes on from the newest checkpoint."""
    with _one_sentence():
        from llmi_train.recipe import Recipe

        recipe = Recipe.from_yaml(config)
        from llmi_sandbox import Toolkit
        from llmi_train.grpo import train

        with Toolkit.offline(unsafe=unsafe) as toolkit:
            adapter = train(recipe, toolkit=toolkit)
        Console(highlight=False, soft_wrap=True).print(f"adapter: {adapter}")


@app.command()
def write(
    prompt: Annotated[str, typer.Argument(help="What the document should be about.")],
    model: Annotated[Path, typer.Option(help="Folder of the model's weights.")] = Path("runs/demo/base"),
    adapter: Annotated[Path | None, typer.Option(help="Folder of a LoRA adapter.")] = None,
    image: Annotated[list[Path] | None, typer.Option(help="A picture to hand over; may be repeated.")] = None,
    output: Annotated[Path, typer.Option("-o", "--output", help="The HTML file to write.")] = Path("document.html"),
    max_new_tokens: Annotated[int, typer.Option(min=1)] = 1024,
    temperature: Annotated[float, typer.Option(min=0.0)] = 0.0,
    constrain: Annotated[bool, typer.Option(help="Force valid tags while writing.")] = True,
    unsafe: Unsafe = False,
) -> None:
    """Write one illustrated document."""
    with _one_sentence():
        from llmi_sandbox import Toolkit, report
        from llmi_train.inputs import load_pictures
        from llmi_train.writer import Writer

        pictures = load_pictures(image or [])
        writer = Writer.load(model, adapter, max_new_tokens=max_new_tokens)
        with Toolkit.offline(unsafe=unsafe) as toolkit:
            document = asyncio.run(
                writer.write(prompt, toolkit, pictures, constrain=constrain, temperature=temperature)
            )
        output.write_text(report.document_page(document, prompt=prompt), encoding="utf-8")
        console = Console(highlight=False, soft_wrap=True)
        for result in document.results:
            if not result.ok:
                console.print(f"[yellow]{result.reason}[/]: {escape(result.message)}")
        console.print(f"{len(document.delivered)} pictures; {output}")
