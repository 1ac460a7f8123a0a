"""`publish`: a dataset on the Hub."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from llmi_data.cli.shared import console, plain, progress
from llmi_data.errors import RunError

if TYPE_CHECKING:
    from rich.console import Console

    from llmi_data.publishing import Preview


def publish(
    source: Annotated[
        Path, typer.Argument(metavar="SOURCE", help="A run's folder or file, a saved dataset's folder, or rows.")
    ],
    repo: Annotated[str | None, typer.Option(help="Where to, as on the Hub: me/prompts.")] = None,
    reports: Annotated[
        list[Path] | None, typer.Option("--report", help="What single steps wrote with --report; repeatable.")
    ] = None,
    hits: Annotated[Path | None, typer.Option(help="What curate wrote with --hits.")] = None,
    clusters: Annotated[Path | None, typer.Option(help="What curate wrote with --clusters.")] = None,
    title: Annotated[str | None, typer.Option(help="Of the card; the repository's name unless given.")] = None,
    license_: Annotated[
        str | None, typer.Option("--license", help="Of the data, as the Hub names it: cc-by-4.0.")
    ] = None,
    about: Annotated[Path | None, typer.Option(help="Markdown of your own, for the card.")] = None,
    public: Annotated[bool, typer.Option("--public", help="For everybody to see; private otherwise.")] = False,
    gated: Annotated[
        Literal["auto", "manual", "no"] | None,
        typer.Option(help="Users ask first, and are let in at once or by you; `no` takes the gate away."),
    ] = None,
    revision: Annotated[str | None, typer.Option(help="A branch, made if it is not there; else main.")] = None,
    tag: Annotated[str | None, typer.Option(help="A name for this commit, such as v1.0.")] = None,
    pull_request: Annotated[bool, typer.Option("--pull-request", help="Propose it to the owner instead.")] = False,
    message: Annotated[str | None, typer.Option(help="Of the commit.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Keep what is uploaded in this folder.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write the folder (published/ unless -o says) and send nothing.")
    ] = False,
) -> None:
    """Put a dataset on the Hub: data, a card computed from the run, figures; one commit."""
    from llmi_data.operation.config import RunConfig
    from llmi_data.publishing import PublishConfig, preview
    from llmi_data.publishing import publish as publish_rows

    given = {
        "repo": repo,
        "reports": reports,
        "hits": hits,
        "clusters": clusters,
        "title": title,
        "license": license_,
        "about": about,
        "public": public or None,
        "gated": gated,
        "revision": revision,
        "tag": tag,
        "pull_request": pull_request or None,
        "message": message,
    }
    stated: dict[str, Any] = {}
    if source.suffix in (".yaml", ".yml"):
        run = RunConfig.from_yaml(source)
        source, stated = run.folder, run.publish.model_dump() if run.publish else {}
    stated |= {name: value for name, value in given.items() if value is not None}
    if "repo" not in stated:
        raise RunError("where to? Say --repo me/prompts, or repo: in the stanza publish of the run's file")
    settings = PublishConfig.read(stated)
    if dry_run:
        _show(preview(source, settings, output or Path("published")), settings.repo, console())
        return
    with progress() as out, _bars(shown=out.is_terminal):
        done = publish_rows(source, settings, folder=output)
    if done.unchanged:
        out.print(f"nothing is different: {plain(done.url)}", soft_wrap=True)
        return
    gone = f", {len(done.deleted)} deleted" if done.deleted else ""
    out.print(f"{done.rows} rows in {len(done.added)} files{gone} -> {plain(done.url)}", soft_wrap=True)


@contextmanager
def _bars(*, shown: bool) -> Iterator[None]:
    """The client's own bars while files are sent, on a terminal alone."""
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    if shown or are_progress_bars_disabled():
        yield
        return
    disable_progress_bars()
    try:
        yield
    finally:
        enable_progress_bars()


def _show(seen: Preview, repo: str, out: Console) -> None:
    folder = seen.prepared.folder
    for name in seen.added:
        out.print(f"  write  {plain(name)}  {(folder / name).stat().st_size:,} bytes", soft_wrap=True)
    for name in seen.deleted:
        out.print(f"  delete {plain(name)}", soft_wrap=True)
    if seen.unseen:
        out.print(f"[yellow]not compared with the Hub:[/yellow] {plain(seen.unseen)}", soft_wrap=True)
    elif seen.new:
        out.print(f"{plain(repo)} would be new, and private unless --public is given")
    out.print(f"{seen.prepared.rows} rows; nothing was sent. The card: {plain(folder / 'README.md')}", soft_wrap=True)
