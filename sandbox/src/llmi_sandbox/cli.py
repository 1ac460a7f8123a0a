"""`llmi-sandbox`: run a snippet, render a document, see what this machine can do.

Exit status: 0 done; 1 the snippet or a check failed; 2 the command line is wrong or a file cannot be used;
3 this machine lacks something, such as a way to isolate code.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from llmi_schema import Picture, RenderedDocument

FAILED, USAGE, MISSING = 1, 2, 3

app = typer.Typer(
    help="Runs the tool calls of illustrated documents.", no_args_is_help=True, pretty_exceptions_enable=False
)

Unsafe = Annotated[bool, typer.Option("--unsafe", help="Run code even where this machine cannot isolate it.")]


@app.command()
def run(
    file: Annotated[Path, typer.Argument(help="Python that draws one figure; - reads standard input.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the picture goes.")] = Path("plot.png"),
    unsafe: Unsafe = False,
) -> None:
    """Run a plotting snippet in the sandbox and save its figure."""
    from llmi_sandbox.code import CodeSandbox

    console = _console()
    with _reported(console):
        code = _read_text(file)
        with CodeSandbox(workers=1, unsafe=unsafe) as sandbox:
            result = sandbox.run(code)
        if result.picture is None:
            console.print(f"[red]{result.kind}[/]: ", end="")
            console.print(result.message, markup=False)
            if result.stderr.strip():
                console.print(result.stderr.rstrip(), markup=False, style="dim")
            raise typer.Exit(FAILED)
        output.write_bytes(result.picture.png)
        size = f"{result.picture.width} x {result.picture.height}"
        console.print(f"{output}: {size} pixels, {result.seconds:.2f} s", markup=False)


@app.command()
def render(
    document: Annotated[Path, typer.Argument(help="A text with <imgen> tags; - reads standard input.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the page goes.")] = Path("document.html"),
    image: Annotated[list[Path] | None, typer.Option(help="A picture the user gave; once for each.")] = None,
    search: Annotated[Path | None, typer.Option(help="A folder of captioned pictures to search.")] = None,
    prompt: Annotated[str | None, typer.Option(help="What was asked; shown above the document.")] = None,
    unsafe: Unsafe = False,
) -> None:
    """Render a document with the offline tools into one HTML file. Tags that fail are shown as such."""
    import asyncio

    from llmi_sandbox.report import document_page
    from llmi_sandbox.toolkit import Toolkit

    console = _console()
    with _reported(console):
        text = _read_text(document)
        inputs = [_read_picture(path) for path in image or ()]
        with Toolkit.offline(search=search, unsafe=unsafe) as toolkit:
            rendered = asyncio.run(toolkit.render(text, inputs))
        output.write_text(document_page(rendered, prompt=prompt), encoding="utf-8")
        _summarise(console, rendered, output)


@app.command()
def doctor(unsafe: Unsafe = False) -> None:
    """Say how code is isolated here, and try every offline tool once."""
    import asyncio

    from rich.table import Table

    from llmi_sandbox.code import probe
    from llmi_sandbox.toolkit import Toolkit
    from llmi_schema import (
        CodeCall,
        CodeParams,
        DiffusionCall,
        DiffusionParams,
        EditCall,
        EditParams,
        SearchCall,
        SearchParams,
        ToolCall,
        ToolResult,
    )

    console = _console()
    with _reported(console):
        isolation = probe()
        console.print(f"code sandbox: {isolation.sentence}", markup=False)
        calls: list[ToolCall] = [
            SearchCall(description="", params=SearchParams(query="a red fox")),
            DiffusionCall(description="", params=DiffusionParams(prompt="a lighthouse at sunset")),
            CodeCall(description="", params=CodeParams(code="plt.bar(['a', 'b'], [3, 5])")),
            EditCall(description="", params=EditParams(img_index=0, prompt="make it black and white")),
        ]

        async def try_all() -> list[ToolResult]:
            results: list[ToolResult] = []
            with Toolkit.offline(unsafe=unsafe) as toolkit:
                for call in calls:
                    found = [results[0].picture] if call.picture_index == 0 and results[0].picture else []
                    results.append(await toolkit.call(call, found))
            return results

        results = asyncio.run(try_all())
        table = Table("tool", "result", "made by")
        for call, result in zip(calls, results, strict=True):
            made_by = result.picture.provenance.provider if result.picture else ""
            outcome = f"[green]ok[/] in {result.seconds:.2f} s" if result.ok else f"[red]{result.reason}[/]"
            table.add_row(call.source, outcome, made_by)
        console.print(table)
        for call, result in zip(calls, results, strict=True):
            if not result.ok:
                console.print(f"{call.source}: {result.message}", markup=False)
        if not all(result.ok for result in results):
            raise typer.Exit(MISSING if isolation.tier == "none" else FAILED)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"llmi-sandbox {version('llmi-sandbox')}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Runs the tool calls of illustrated documents."""


def _summarise(console: Console, rendered: RenderedDocument, output: Path) -> None:
    made = sum(result.ok for result in rendered.results)
    console.print(f"{output}: {made} of {len(rendered.results)} pictures", markup=False)
    for tag, result in zip(rendered.document.tags, rendered.results, strict=True):
        if not result.ok:
            console.print(f"  picture {tag.index}: {result.reason}: {result.message}", markup=False)


def _read_text(path: Path) -> str:
    data = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    return data.decode("utf-8")


def _read_picture(path: Path) -> Picture:
    from llmi_sandbox.pictures import from_bytes
    from llmi_schema import Provenance

    return from_bytes(path.read_bytes(), Provenance(tool="input", provider="user", request=path.name))


def _console() -> Console:
    from rich.console import Console

    return Console(stderr=True, soft_wrap=True)


@contextmanager
def _reported(console: Console) -> Iterator[None]:
    """Turn errors that a user can act on into one line and an exit status."""
    from llmi_schema import LLMIError, SystemRequirementError

    try:
        yield
    except SystemRequirementError as error:
        _fail(console, str(error).replace("unsafe=True", "--unsafe"), MISSING)
    except LLMIError as error:
        _fail(console, str(error), USAGE)
    except UnicodeDecodeError as error:
        _fail(console, f"the file is not UTF-8 text: {error}", USAGE)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _fail(console, f"{where}{error.strerror or error}", USAGE)


def _fail(console: Console, message: str, status: int) -> None:
    console.print("[red]error:[/] ", end="")
    console.print(message, markup=False)
    raise typer.Exit(status)
