"""`llmi-sandbox`: run a snippet, render a document, see what this machine can do.

Exit status: 0 done; 1 the snippet or a check failed; 2 the command line is wrong or a file cannot be used;
3 this machine lacks something, such as a way to isolate code.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llmi_command import tells_version
from llmi_sandbox.cli_common import FAILED, MISSING, console_for_messages, named, read_picture, read_text, reported
from llmi_sandbox.cli_images import images, serve
from llmi_schema.files import write_whole

if TYPE_CHECKING:
    from rich.console import Console

    from llmi_sandbox.toolkit import Toolkit
    from llmi_schema import RenderedDocument

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.command()(serve)
app.add_typer(images, name="images")

Unsafe = Annotated[bool, typer.Option("--unsafe", help="Run code even where this machine cannot isolate it.")]


@app.command()
def run(
    file: Annotated[Path, typer.Argument(help="Python that draws one figure; - reads standard input.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the picture goes.")] = Path("plot.png"),
    dpi: Annotated[float | None, typer.Option(min=1, help="Dots per inch; the figure's own unless set.")] = None,
    unsafe: Unsafe = False,
) -> None:
    """Run a plotting snippet in the sandbox and save its figure."""
    from llmi_sandbox.code import CodeSandbox, Limits

    console = console_for_messages()
    with reported(console):
        named(output, ".png")
        code = read_text(file)
        with CodeSandbox(workers=1, spares=0, limits=Limits(dpi=dpi), unsafe=unsafe) as sandbox:
            result = sandbox.run(code)
        if result.stdout:
            typer.echo(result.stdout, nl=False)
        if result.picture is None:
            console.print(f"[red]{result.kind}[/]: ", end="")
            console.print(result.message, markup=False)
            if result.stderr.strip():
                console.print(result.stderr.rstrip(), markup=False, style="dim")
            raise typer.Exit(FAILED)
        write_whole(output, result.picture.png)
        size = f"{result.picture.width} x {result.picture.height}"
        console.print(f"{output}: {size} pixels, {result.seconds:.2f} s", markup=False)


@app.command()
def render(
    document: Annotated[Path, typer.Argument(help="A text with <imgen> tags; - reads standard input.")],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="Where the page goes; with .md, Markdown with its pictures beside it."),
    ] = Path("document.html"),
    tools: Annotated[
        str, typer.Option(help="offline, env, or a file that describes a toolkit (.toml, .json, .yaml).")
    ] = "offline",
    image: Annotated[list[Path] | None, typer.Option(help="A picture the user gave; once for each.")] = None,
    search: Annotated[Path | None, typer.Option(help="A folder of captioned pictures to search offline.")] = None,
    prompt: Annotated[str | None, typer.Option(help="What was asked; shown above the document.")] = None,
    unsafe: Unsafe = False,
) -> None:
    """Render a document into one HTML file, or Markdown. Tags that fail are shown as such."""
    import asyncio

    from llmi_sandbox.report import document_page, write_markdown

    console = console_for_messages()
    with reported(console):
        named(output, ".html", ".md")
        text = read_text(document)
        inputs = [read_picture(path) for path in image or ()]
        with _toolkit(tools, search, unsafe) as toolkit:
            rendered = asyncio.run(toolkit.render(text, inputs))
        if output.suffix == ".md":
            write_markdown(rendered, output.parent, name=output.stem)
        else:
            write_whole(output, document_page(rendered, prompt=prompt))
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

    console = console_for_messages()
    with reported(console):
        isolation = probe()
        console.print(f"code sandbox: {isolation.sentence}", markup=False)
        for layer in (*isolation.layers, *isolation.missing):
            console.print(f"  {layer}: {isolation.layers.get(layer) or isolation.missing[layer]}", markup=False)
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


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option("--version", callback=tells_version("llmi-sandbox"), is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Run the tool calls of illustrated documents."""


def _toolkit(tools: str, search: Path | None, unsafe: bool) -> Toolkit:
    from llmi_sandbox.toolkit import Toolkit
    from llmi_schema import ConfigurationError

    if tools == "offline":
        return Toolkit.offline(search=search, unsafe=unsafe)
    if search is not None or unsafe:
        raise ConfigurationError("--search and --unsafe go with the offline tools; a file has settings for both")
    if tools == "env":
        return Toolkit.from_env()
    if not (Path(tools).suffix or Path(tools).exists()):
        raise ConfigurationError(f"--tools {tools}: neither offline nor env nor a file")
    return Toolkit.from_file(tools)


def _summarise(console: Console, rendered: RenderedDocument, output: Path) -> None:
    made = sum(result.ok for result in rendered.results)
    console.print(f"{output}: {made} of {len(rendered.results)} pictures", markup=False)
    for tag, result in zip(rendered.document.tags, rendered.results, strict=True):
        if not result.ok:
            console.print(f"  picture {tag.index}: {result.reason}: {result.message}", markup=False)
