"""`llmi-sandbox serve` and `llmi-sandbox images`: the image server, and asking any image server by hand."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llmi_sandbox.cli_common import FAILED, console_for_messages, named, read_picture, reported
from llmi_schema.files import write_whole

if TYPE_CHECKING:
    from llmi_sandbox.tools.base import Tool
    from llmi_schema import Picture, ToolCall

KEY = "LLMI_IMAGE_API_KEY"

images = typer.Typer(help="Ask an image server: its health, what it serves, a picture, an edit.", no_args_is_help=True)

Server = Annotated[str, typer.Option("--server", "-s", help="Address of the image server.")]
Output = Annotated[Path, typer.Option("--output", "-o", help="Where the picture goes.")]
Size = Annotated[str | None, typer.Option(help="WIDTHxHEIGHT in pixels.")]
Steps = Annotated[int | None, typer.Option(help="Denoising steps; the server's own unless given.")]
Seed = Annotated[int | None, typer.Option(help="Equal seeds give equal pictures; from the prompt unless given.")]
Guidance = Annotated[float | None, typer.Option(help="Guidance scale; the server's own unless given.")]
Negative = Annotated[str, typer.Option(help="What to keep away from.")]
Model = Annotated[str | None, typer.Option(help="Which of its models; the first that can unless given.")]
Seconds = Annotated[float, typer.Option(help="Seconds to wait for the answer.")]

DEFAULT_SERVER = "http://127.0.0.1:8000"


def serve(
    models: Annotated[list[str], typer.Argument(help="Hub names or folders of diffusers pipelines.")],
    devices: Annotated[str, typer.Option(help="GPU numbers such as 0,1,2; or cpu; or auto for every GPU.")] = "auto",
    workers_per_device: Annotated[int, typer.Option(min=1, help="Processes on each device.")] = 1,
    host: Annotated[str, typer.Option(help="Address to listen at; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen at, one for all devices.")] = 8000,
    queue: Annotated[int, typer.Option(min=1, help="Requests that may wait; the next gets 429.")] = 64,
    seconds: Annotated[float, typer.Option(help="Seconds that one request may take in a worker.")] = 600.0,
    dtype: Annotated[str, typer.Option(help="auto, bfloat16, float16 or float32.")] = "auto",
    log_level: Annotated[str, typer.Option(help="critical, error, warning, info or debug.")] = "info",
) -> None:
    """Serve image models over HTTP: one process per GPU behind one port. LLMI_IMAGE_API_KEY sets a key."""
    from llmi_sandbox.server.run import ServeSettings
    from llmi_sandbox.server.run import serve as run

    with reported(console_for_messages()):
        run(
            ServeSettings(
                models=models,
                devices=[name.strip() for name in devices.split(",") if name.strip()],
                per_device=workers_per_device,
                host=host,
                port=port,
                queue=queue,
                seconds=seconds,
                dtype=dtype,
                key=os.environ.get(KEY) or None,
                log_level=log_level,
            )
        )


@images.command()
def health(server: Server = DEFAULT_SERVER) -> None:
    """Whether the server can take a request; status 1 when it cannot."""
    _show(server, "/health")


@images.command()
def info(server: Server = DEFAULT_SERVER) -> None:
    """The models it serves."""
    _show(server, "/v1/models", "/info")


@images.command()
def generate(
    prompt: str,
    server: Server = DEFAULT_SERVER,
    output: Output = Path("picture.png"),
    size: Size = "1024x1024",
    steps: Steps = None,
    seed: Seed = None,
    guidance: Guidance = None,
    negative_prompt: Negative = " ",
    model: Model = None,
    seconds: Seconds = 300.0,
) -> None:
    """Have a picture made and save it."""
    from llmi_sandbox.tools.dialects import Drawing
    from llmi_sandbox.tools.served import ServedGenerator
    from llmi_sandbox.tools.servers import ImageServer
    from llmi_schema import DiffusionCall, DiffusionParams

    with reported(console_for_messages()):
        named(output, ".png")
        drawing = Drawing(size=_sides(size), steps=steps, guidance=guidance, seed=seed, negative_prompt=negative_prompt)
        address = ImageServer(server, model=model, key=os.environ.get(KEY) or None)
        call = DiffusionCall(description="", params=DiffusionParams(prompt=prompt))
        _save(ServedGenerator([address], drawing=drawing, seconds=seconds), call, (), output, seconds)


@images.command()
def edit(
    prompt: str,
    image: Annotated[Path, typer.Argument(help="The picture to change.")],
    server: Server = DEFAULT_SERVER,
    output: Output = Path("edited.png"),
    size: Size = None,
    steps: Steps = None,
    seed: Seed = None,
    guidance: Guidance = None,
    negative_prompt: Negative = " ",
    model: Model = None,
    seconds: Seconds = 300.0,
) -> None:
    """Have a picture changed and save the result."""
    from llmi_sandbox.tools.dialects import Drawing
    from llmi_sandbox.tools.served import ServedEditor
    from llmi_sandbox.tools.servers import ImageServer
    from llmi_schema import EditCall, EditParams

    with reported(console_for_messages()):
        named(output, ".png")
        drawing = Drawing(size=_sides(size), steps=steps, guidance=guidance, seed=seed, negative_prompt=negative_prompt)
        address = ImageServer(server, model=model, key=os.environ.get(KEY) or None)
        call = EditCall(description="", params=EditParams(img_index=0, prompt=prompt))
        given = (read_picture(image),)
        _save(ServedEditor([address], drawing=drawing, seconds=seconds), call, given, output, seconds)


def _save(tool: Tool, call: ToolCall, pictures: tuple[Picture, ...], output: Path, seconds: float) -> None:
    import asyncio

    from llmi_sandbox.toolkit import Toolkit

    console = console_for_messages()
    with Toolkit({call.source: tool}, deadline_seconds=seconds) as toolkit:
        result = asyncio.run(toolkit.call(call, pictures))
    if result.picture is None:
        console.print(f"{result.reason}: {result.message}", markup=False)
        raise typer.Exit(FAILED)
    write_whole(output, result.picture.png)
    size = f"{result.picture.width} x {result.picture.height} pixels"
    console.print(f"{output}: {size}, {result.seconds:.1f} s, {result.picture.provenance.provider}", markup=False)


def _sides(size: str | None) -> tuple[int, int] | None:
    if size is None:
        return None
    width, by, height = size.partition("x")
    if not (by and width.isdigit() and height.isdigit()):
        raise typer.BadParameter("a size is WIDTHxHEIGHT, such as 1024x1024")
    return int(width), int(height)


def _show(server: str, *paths: str) -> None:
    """Print a server's answer to the first of these paths it knows."""
    import asyncio
    import json

    from llmi_sandbox.errors import ProviderError
    from llmi_sandbox.tools.servers import ImageServer
    from llmi_sandbox.web import Answer, Web

    console = console_for_messages()
    web = Web()
    key = os.environ.get(KEY)

    async def ask() -> Answer:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        for path in paths[:-1]:
            try:
                return await web.request("GET", ImageServer(server).base + path, headers=headers, seconds=10)
            except ProviderError as error:
                if error.transient:
                    raise
        return await web.request("GET", ImageServer(server).base + paths[-1], headers=headers, seconds=10)

    with reported(console):
        try:
            typer.echo(json.dumps(asyncio.run(ask()).json(), indent=1, ensure_ascii=False))
        except ProviderError as error:
            console.print(str(error), markup=False)
            raise typer.Exit(FAILED) from None
        finally:
            web.close()
