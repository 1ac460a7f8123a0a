"""`publish`: rows and their record become one commit of a dataset repository."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from llmi_data.errors import PublishingError
from llmi_data.publishing import hub
from llmi_data.publishing.folder import OURS, Prepared, write_folder
from llmi_data.publishing.hub import Changes, Gate
from llmi_data.publishing.source import read_source
from llmi_data.splits import Split


@dataclass(frozen=True)
class Published:
    """What was done.

    Attributes:
        url: of the commit, or of the pull request.
        oid: the commit; where nothing was different the one that was there.
    """

    url: str
    oid: str
    rows: int
    added: tuple[str, ...]
    deleted: tuple[str, ...]
    unchanged: bool = False


def publish(
    source: str | Path | Split,
    repo: str,
    *,
    reports: Iterable[str | Path] = (),
    hits: str | Path | None = None,
    clusters: str | Path | None = None,
    title: str | None = None,
    license: str | None = None,
    about: str | None = None,
    public: bool = False,
    gated: Gate | None = None,
    revision: str | None = None,
    tag: str | None = None,
    pull_request: bool = False,
    message: str | None = None,
    folder: str | Path | None = None,
    endpoint: str | None = None,
    token: str | None = None,
) -> Published:
    """Put rows on the Hub: Parquet with the pictures in it, a card, figures and the record, in one commit.

    The repository stays as it was until that commit, whenever this is stopped; one that is new is private until then.
    Files of an earlier publication that this one does not have are deleted with the same commit; what is in other
    folders stays, and so do configurations and keys of the card's head that are not ours.

    Args:
        source: a run's folder, a saved dataset's, a file of rows in any format `convert` reads, or a `Split`.
        repo: `me/prompts`.
        reports: JSON that single steps wrote with `--report`; a run's folder has its own.
        hits, clusters: what `curate` wrote with `--hits` and `--clusters`.
        title, license, about: for the card: its title, the Hub's name of a licence, Markdown of the author's own.
        public: for everybody to see; a new repository is private otherwise, one that exists stays as it is.
        gated: whether users must ask first, and whether somebody lets them in; as it is unless given.
        revision: the branch to commit to, made from `main` where it is not there.
        tag: a name for the commit.
        pull_request: propose the commit instead of making it.
        folder: where the files are written and kept; nowhere unless given.
        endpoint, token: of another Hub, or another user, than the environment says.

    Raises `RowError` and `SplitError` before anything is sent where rows are not in order, `ConfigurationError` for a
    name that is none and options that do not go together, `PublishingError` where the reports are of other rows, or
    the Hub refuses or cannot be reached.
    """
    hub.check_name(repo)
    if pull_request and (public or tag or gated is not None):
        raise PublishingError(
            "a pull request is a proposal: visibility, gate and tag are set by who merges it; leave them out"
        )
    rows = read_source(source, reports, hits, clusters)
    api = hub.client(endpoint, token)
    present = hub.look(api, repo, revision)
    if pull_request and present.head is None:
        raise PublishingError(f"{repo}: there is no such dataset to propose rows to; publish without --pull-request")
    if tag and tag in present.tags:
        raise PublishingError(f"{repo}: there is a tag {tag} already; choose another, or delete it on the Hub")
    with tempfile.TemporaryDirectory(prefix="llmi-publish-") as temporary:
        where = Path(folder) if folder else Path(temporary) / "repository"
        prepared = write_folder(rows, repo, where, title=title, license=license, about=about, kept=present.card)
        if present.head is None:
            hub.create(api, repo)
            present = hub.look(api, repo, revision)
        if not present.branch and not pull_request:
            hub.branch(api, repo, str(revision))
        if gated is not None:
            hub.set_gate(api, repo, gated)  # before the data are there to be loaded
        planned = hub.changes(present, prepared.files, OURS)
        done = hub.commit(
            api,
            repo,
            prepared.folder,
            planned,
            message=message or f"Publish {prepared.rows:,} rows with llmi-data",
            revision=revision,
            parent=present.head,
            propose=pull_request,
        )
    hub.finish(api, repo, done.oid, tag=tag, public=public)
    return Published(
        url=str(done.pr_url or done.commit_url),
        oid=done.oid,
        rows=prepared.rows,
        added=planned.added,
        deleted=planned.deleted,
        unchanged=done.oid == present.head,
    )


@dataclass(frozen=True)
class Preview:
    """What `publish` would commit. `unseen` says why the repository could not be looked at, where it could not."""

    prepared: Prepared
    changes: Changes
    new: bool
    unseen: str | None = None


def preview(
    source: str | Path | Split,
    repo: str,
    folder: str | Path,
    *,
    reports: Iterable[str | Path] = (),
    hits: str | Path | None = None,
    clusters: str | Path | None = None,
    title: str | None = None,
    license: str | None = None,
    about: str | None = None,
    revision: str | None = None,
    endpoint: str | None = None,
    token: str | None = None,
) -> Preview:
    """Write what would be published into a folder and say what would change; nothing is sent. See `publish`."""
    hub.check_name(repo)
    rows = read_source(source, reports, hits, clusters)
    present, unseen = hub.Present(), None
    try:
        present = hub.look(hub.client(endpoint, token), repo, revision)
    except PublishingError as error:
        unseen = str(error)
    prepared = write_folder(rows, repo, Path(folder), title=title, license=license, about=about, kept=present.card)
    planned = hub.changes(present, prepared.files, OURS)
    return Preview(prepared, planned, present.head is None, unseen)
