"""`publish`: rows and their record become one commit of a dataset repository."""

from __future__ import annotations

import logging
import tempfile
from dataclasses import dataclass
from pathlib import Path

from llmi_data.errors import PublishingError
from llmi_data.publishing import hub
from llmi_data.publishing.folder import OURS, Prepared, write_folder
from llmi_data.publishing.settings import PublishConfig
from llmi_data.publishing.source import read_source
from llmi_data.splits import Split

_log = logging.getLogger("llmi_data")


@dataclass(frozen=True)
class Published:
    """What was done.

    Attributes:
        url: of the commit, or of the pull request.
        oid: the commit; where nothing was different the one that was there.
        added, deleted: paths that the commit writes and deletes.
    """

    url: str
    oid: str
    rows: int
    added: tuple[str, ...]
    deleted: tuple[str, ...]
    unchanged: bool = False


@dataclass(frozen=True)
class Preview:
    """What `publish` would commit.

    Attributes:
        new: there is no such repository yet.
        unseen: why the repository could not be looked at, where it could not.
    """

    prepared: Prepared
    added: tuple[str, ...]
    deleted: tuple[str, ...]
    new: bool
    unseen: str | None = None


def publish(
    source: str | Path | Split,
    settings: PublishConfig,
    *,
    folder: str | Path | None = None,
    endpoint: str | None = None,
    token: str | None = None,
) -> Published:
    """Put rows on the Hub: Parquet with the pictures in it, a card, figures and the record, in one commit.

    The repository stays as it was until that commit, whenever this is stopped; one that is new is private and empty.
    Files of an earlier publication that this one does not have are deleted with the same commit. What is in other
    folders stays, and so do configurations and keys of the card's head that are not ours.

    Args:
        source: a run's folder, a saved dataset's, a file of rows in any format `convert` reads, or a `Split`.
        folder: where the files are written and kept; nowhere unless given.
        endpoint, token: of another Hub, or another user, than the environment says.

    Raises `RowError` and `SplitError` before anything is sent where rows are not in order, `ConfigurationError` for a
    name that is none, `PublishingError` where the reports are of other rows, or the Hub refuses or cannot be reached.
    """
    repo, revision, propose = settings.repo, settings.revision, settings.pull_request
    hub.check_name(repo)
    rows = read_source(source, settings)
    _log.info("%s: %s rows are in order", repo, f"{len(rows.rows):,}")
    api = hub.client(endpoint, token)
    hub.require_token(api)
    present = hub.look(api, repo, revision)
    if present.head is None:
        others = "".join(f"; there is a {kind} of that name" for kind in hub.namesakes(api, repo))
        if propose:
            raise PublishingError(f"{repo}: there is no such dataset to propose rows to{others}; correct --repo")
        _log.info("%s: a new dataset%s", repo, others)
    if settings.tag and settings.tag in present.tags:
        raise PublishingError(f"{repo}: there is a tag {settings.tag} already; choose another, or delete it there")
    with tempfile.TemporaryDirectory(prefix="llmi-publish-") as temporary:
        prepared = write_folder(rows, settings, Path(folder or Path(temporary, "repository")), kept=present.card)
        if present.head is None:
            hub.create(api, repo)
            present = hub.look(api, repo, revision)
        if not present.branch and not propose:
            hub.branch(api, repo, str(revision))
        if settings.gated is not None:
            hub.set_gate(api, repo, settings.gated)  # before the data are there to be loaded
        files = prepared.files
        deleted = hub.stale(present, files, OURS)
        _log.info("%s: sending %s files", repo, len(files))
        done = hub.commit(
            api,
            repo,
            prepared.folder,
            files,
            deleted,
            message=settings.message or f"Publish {prepared.rows:,} rows with llmi-data",
            revision=revision,
            parent=present.head,
            propose=propose,
        )
    hub.finish(api, repo, done.oid, tag=settings.tag, public=settings.public)
    unchanged = done.oid == present.head
    return Published(
        url=str(done.pr_url or done.commit_url),
        oid=done.oid,
        rows=prepared.rows,
        added=() if unchanged else files,
        deleted=deleted,
        unchanged=unchanged,
    )


def preview(
    source: str | Path | Split,
    settings: PublishConfig,
    folder: str | Path,
    *,
    endpoint: str | None = None,
    token: str | None = None,
) -> Preview:
    """Write what would be published into a folder, and say what would change; nothing is sent. See `publish`."""
    hub.check_name(settings.repo)
    rows = read_source(source, settings)
    present, unseen = hub.Present(), None
    try:
        present = hub.look(hub.client(endpoint, token), settings.repo, settings.revision)
    except PublishingError as error:
        unseen = str(error)
    prepared = write_folder(rows, settings, Path(folder), kept=present.card)
    files = prepared.files
    return Preview(prepared, files, hub.stale(present, files, OURS), present.head is None, unseen)
