"""`llmi-train write`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from llmi_train.cli.shared import Unsafe, console, one_sentence


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
    with one_sentence():
        from llmi_sandbox import Toolkit, report
        from llmi_train.inputs import load_pictures
        from llmi_train.policies import Writer

        pictures = load_pictures(image or [])
        writer = Writer.load(model, adapter, max_new_tokens=max_new_tokens)
        with Toolkit.offline(unsafe=unsafe) as toolkit:
            document = asyncio.run(
                writer.write(prompt, toolkit, pictures, constrain=constrain, temperature=temperature)
            )
        output.write_text(report.document_page(document, prompt=prompt), encoding="utf-8")
        out = console()
        for result in document.results:
            if not result.ok:
                out.print(f"[yellow]{result.reason}[/]: {escape(result.message)}")
        out.print(f"{len(document.delivered)} pictures; {output}")
