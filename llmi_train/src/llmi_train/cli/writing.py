"""`llmi-train write`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.markup import escape

from llmi_schema import ConfigurationError, Constraint, ImageCount
from llmi_train.cli.policies import (
    Budget,
    Journal,
    Model,
    Option,
    Prices,
    Tools,
    enforces,
    open_policy,
    open_toolkit,
)
from llmi_train.cli.shared import Unsafe, console, one_sentence, say

if TYPE_CHECKING:
    from llmi_sandbox import Toolkit
    from llmi_train.policies import LocalPolicy, Request, ServedPolicy
    from llmi_train.writing import BatchSummary, Task, Written


def write(
    prompt: Annotated[str | None, typer.Argument(help="What the document should be about.")] = None,
    model: Model = "runs/demo/base",
    adapter: Annotated[Path | None, typer.Option(help="Folder of a LoRA adapter.")] = None,
    image: Annotated[list[Path] | None, typer.Option(help="A picture to hand over; may be repeated.")] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="A file ending in .html, .md or .json; with --data, a folder."),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Many prompts: a folder of llmi-data, or JSON Lines with `prompt`.")
    ] = None,
    split: Annotated[Literal["train", "test"], typer.Option(help="Which half of a folder.")] = "test",
    limit: Annotated[int | None, typer.Option(min=1, help="No more than so many of them.")] = None,
    form: Annotated[Literal["html", "md", "json"], typer.Option("--format", help="With --data.")] = "html",
    at_once: Annotated[int, typer.Option(min=1, help="Documents in work at a time, with --data.")] = 16,
    tools: Tools = "offline",
    pictures: Annotated[str | None, typer.Option(help='How many: none, any, a number, or "at least one".')] = None,
    require: Annotated[list[str] | None, typer.Option(help="A tool that must be used; may be repeated.")] = None,
    constrain: Annotated[
        bool | None,
        typer.Option(help="Hold the text to valid tags and to --pictures; by default where the model can be held."),
    ] = None,
    instruct: Annotated[
        bool | None, typer.Option(help="Teach the tags in a system message; by default for servers only.")
    ] = None,
    temperature: Annotated[float, typer.Option(min=0.0)] = 0.0,
    seed: int = 0,
    max_tokens: Annotated[
        int | None, typer.Option("--max-tokens", "--max-new-tokens", min=1, help="The longest document.")
    ] = None,
    prices: Prices = None,
    budget: Budget = None,
    journal: Journal = None,
    option: Option = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Save what is there when Ctrl-C or a failure ends the writing early.")
    ] = False,
    unsafe: Unsafe = False,
) -> None:
    """Write an illustrated document, or one per row of a dataset.

    Text appears as it is written; each picture is made while the text goes on. With --data, a run that was stopped
    goes on where it ended.
    """
    with one_sentence():
        if (prompt is None) == (data is None):
            raise ConfigurationError("give a prompt, or --data with many of them")
        from llmi_train.inputs import load_pictures
        from llmi_train.policies import Request
        from llmi_train.writing import check_output, load_tasks, row_constraint

        wanted = wanted_constraint(pictures, require)
        given = load_pictures(image or [])
        tasks: list[Task] = []
        if data is None:
            output = output or Path("document.html")
            check_output(output)
        else:
            if given or wanted is not None:
                raise ConfigurationError("--image, --pictures and --require go with one prompt; rows have their own")
            tasks = list(load_tasks(data, split=split, bad=say))[:limit]
            if not tasks:
                raise ConfigurationError(f"{data}: there are no prompts in it")
            output = output or Path("documents")
        policy = open_policy(
            model,
            adapter=adapter,
            max_tokens=max_tokens,
            instruct=instruct,
            prices=prices,
            budget=budget,
            journal=journal,
            option=option,
        )
        held = enforces(policy) or wanted is not None if constrain is None else constrain
        settings = Request([], temperature=temperature, seed=seed)
        with open_toolkit(tools, unsafe=unsafe) as toolkit:
            if prompt is not None:
                request = Request(
                    [{"role": "user", "content": prompt}],
                    given,
                    temperature=temperature,
                    seed=seed,
                    constraint=row_constraint(wanted, len(given)) if held else None,
                )
                _write_one(policy, request, toolkit, output, keep)
            else:
                _write_many(policy, tasks, settings, toolkit, output, f".{form}", held, at_once)


def _write_one(
    policy: ServedPolicy | LocalPolicy, request: Request, toolkit: Toolkit, output: Path, keep: bool
) -> None:
    from llmi_train.cli.writing_display import show
    from llmi_train.writing import Writing, save

    async def run() -> Written | None:
        async with policy:
            return await show(Writing(policy, request, toolkit), console())

    written = _run(run())
    if written is None:
        raise KeyboardInterrupt
    whole = written.problem is None
    if whole or keep:
        save(written, output)
        _summarise(written, output)
    if not whole:
        saved = "" if keep else " Nothing was saved; --keep saves what is there."
        if written.problem != "stopped":
            raise ConfigurationError(f"{written.problem}.{saved}")
        say(f"Stopped.{saved}")
        raise typer.Exit(130)


def _write_many(
    policy: ServedPolicy | LocalPolicy,
    tasks: list[Task],
    settings: Request,
    toolkit: Toolkit,
    folder: Path,
    suffix: str,
    constrain: bool,
    at_once: int,
) -> None:
    from llmi_train.cli.writing_display import progress
    from llmi_train.writing import write_all

    async def run() -> BatchSummary:
        with progress(len(tasks), console()) as step:
            async with policy:
                return await write_all(
                    policy,
                    tasks,
                    toolkit,
                    folder,
                    suffix=suffix,
                    settings=settings,
                    constrain=constrain,
                    at_once=at_once,
                    progress=step,
                )

    summary = _run(run())
    out = console()
    cost = "" if summary.cost is None else f", {summary.cost:.4g} spent"
    missing = f" ({summary.missing_pictures} more could not be made)" if summary.missing_pictures else ""
    out.print(
        f"{folder}: {summary.written} written, {summary.found} were there; "
        f"{summary.pictures} pictures{missing}, {summary.tokens:,} tokens{cost}"
    )
    for name, why in list(summary.failed.items())[:10]:
        out.print(f"[yellow]{escape(name)}[/]: {escape(why)}")
    if summary.failed or summary.not_tried:
        left = len(summary.failed) + summary.not_tried
        raise ConfigurationError(f"{left} documents are missing; the same command tries them again")


def _run(work: Any) -> Any:
    import asyncio

    return asyncio.run(work)


def wanted_constraint(pictures: str | None, require: list[str] | None) -> Constraint | None:
    """What --pictures and --require say; None where neither is given."""
    if pictures is None and not require:
        return None
    names = {None: ImageCount.any(), "any": ImageCount.any(), "none": ImageCount.none()}
    text = pictures.strip().lower() if pictures is not None else None
    if text in names:
        count = names[text]
    elif text in ("at least one", "at-least-one"):
        count = ImageCount.at_least_one()
    elif text is not None and text.isdecimal() and int(text) > 0:
        count = ImageCount.exactly(int(text))
    else:
        raise ConfigurationError(f'--pictures {pictures}: write none, any, a number, or "at least one"')
    return Constraint(count=count, required_tools=frozenset(require or ()))


def _summarise(written: Written, output: Path) -> None:
    out = console()
    parts = [f"{len(written.rendered.delivered)} pictures", f"{written.seconds:.1f} s"]
    if written.completion is not None:
        parts += [f"{written.completion.tokens:,} tokens"] if written.completion.tokens else []
        parts += [f"cost {written.completion.cost:.4g}"] if written.completion.cost is not None else []
        if not written.completion.finished:
            out.print("[yellow]The token limit ended the text[/]: --max-tokens allows more.")
    out.print(f"{escape(str(output))}: {', '.join(parts)}")
