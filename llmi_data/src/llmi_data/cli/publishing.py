"""`publish`: a dataset on the Hub."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from llmi_data.cli.shared import console, plain

if TYPE_CHECKING:
    from rich.console import Console

    from llmi_data.publishing import Preview


def publish(
    source: Annotated[
        Path, typer.Argument(metavar="SOURCE", help="A run's folder, a saved dataset's, or a file of rows.")
    ],
    repo: Annotated[str, typer.Option(help="Where to, as on the Hub: me/prompts.", show_default=False)],
    reports: Annotated[
        list[Path] | None, typer.Option("--report", help="What single steps wrote with --report; repeatable.")
    ] = None,
    hits: Annotated[Path | None, typer.Option(help="What curate wrote with --hits.")] = None,
    clusters: Annotated[Path | None, typer.Option(help="What curate wrote with --clusters.")] = None,
    title: Annotated[str | None, typer.Option(help="Of the card; the repository's name unless given.")] = None,
    license_: Annotated[str | None, typer.Option("--license", help="Of the data, as the Hub names it: cc-by-4.0.")] = None,
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
    from llmi_data.publishing import preview
    from llmi_data.publishing import publish as publish_rows

    words = _read(about) if about else None
    shared = {"reports": reports or (), "hits": hits, "clusters": clusters, "title": title, "license": license_}
    out = console()
    if dry_run:
        folder = output or Path("published")
        _show(preview(source, repo, folder, **shared, about=words, revision=revision), repo, out)
        return
    done = publish_rows(
        source,
        repo,
        **shared,
        about=words,
        public=public,
        gated={"no": False, "auto": "auto", "manual": "manual", None: None}[gated],
        revision=revision,
        tag=tag,
        pull_request=pull_request,
        message=message,
        folder=output,
    )
    if done.unchanged:
        out.print(f"nothing is different: {plain(done.url)}", soft_wrap=True)
        return
    gone = f", {len(done.deleted)} deleted" if done.deleted else ""
    out.print(f"{done.rows} rows in {len(done.added)} files{gone} -> {plain(done.url)}", soft_wrap=True)


def _read(path: Path) -> str:
    from llmi_data.errors import PublishingError

    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PublishingError(f"{path}: cannot read this file ({error})") from error


def _show(seen: Preview, repo: str, out: Console) -> None:
    folder = seen.prepared.folder
    for name in seen.changes.added:
        out.print(f"  write  {plain(name)}  {(folder / name).stat().st_size:,} bytes", soft_wrap=True)
    for name in seen.changes.deleted:
        out.print(f"  delete {plain(name)}", soft_wrap=True)
    if seen.unseen:
        out.print(f"[yellow]not compared with the Hub:[/yellow] {plain(seen.unseen)}", soft_wrap=True)
    elif seen.new:
        out.print(f"{plain(repo)} would be new, and private unless --public is given")
    out.print(f"{seen.prepared.rows} rows; nothing was sent. The card: {plain(folder / 'README.md')}", soft_wrap=True)
