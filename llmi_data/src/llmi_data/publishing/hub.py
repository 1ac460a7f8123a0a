"""The Hub: how the repository is now, and one commit that makes it what it should be."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmi_data.errors import PublishingError
from llmi_data.publishing.settings import Gate
from llmi_schema import ConfigurationError

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

_KIND = "dataset"


@dataclass(frozen=True)
class Present:
    """A repository as it is now.

    Attributes:
        head: the commit that the revision is at, or would begin at; None where there is no repository.
        branch: whether the revision is there.
        files: all paths.
        card: the head of its card.
    """

    head: str | None = None
    branch: bool = True
    files: tuple[str, ...] = ()
    card: Mapping[str, Any] = field(default_factory=dict)
    tags: frozenset[str] = frozenset()


def client(endpoint: str | None = None, token: str | None = None) -> HfApi:
    """The Hub's client: `HF_ENDPOINT` and `HF_TOKEN`, or `hf auth login`, say where and who unless given."""
    from huggingface_hub import HfApi

    return HfApi(endpoint=endpoint, token=token, library_name="llmi-data")


def require_token(api: HfApi) -> None:
    """Raises `PublishingError` where nobody is logged in: without a token a Hub answers as if nothing were there."""
    from huggingface_hub import get_token

    if not (api.token or get_token()):
        raise PublishingError(_LOG_IN)


def namesakes(api: HfApi, repo: str) -> list[str]:
    """Other kinds of repository that have this name. A Hub keeps them apart; people may not."""
    with told(api, repo):
        return [kind for kind in ("model", "space") if api.repo_exists(repo, repo_type=kind)]


def check_name(repo: str) -> None:
    """Raises `ConfigurationError` where no repository can have this name."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils._validators import validate_repo_id

    try:
        validate_repo_id(repo)
    except HFValidationError as error:
        raise ConfigurationError(f"--repo: {error}") from None
    if repo.count("/") != 1:
        raise ConfigurationError(f"--repo: {repo!r} does not say whose it is; write me/{repo}")


def look(api: HfApi, repo: str, revision: str | None = None) -> Present:
    """The repository as it is now. Raises `PublishingError` where the Hub refuses or cannot be reached."""
    from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

    with told(api, repo):
        try:
            info = api.dataset_info(repo, revision=revision)
            branch = True
        except RevisionNotFoundError:
            info = api.dataset_info(repo)
            branch = False
        except RepositoryNotFoundError:
            return Present()
        files = tuple(file.rfilename for file in info.siblings or ())
        tags = frozenset(tag.name for tag in api.list_repo_refs(repo, repo_type=_KIND).tags)
        card = _card(api, repo, str(info.sha)) if "README.md" in files else {}
        return Present(info.sha, branch, files, card, tags)


def _card(api: HfApi, repo: str, revision: str) -> dict[str, Any]:
    import tempfile

    import yaml
    from huggingface_hub import DatasetCard

    with tempfile.TemporaryDirectory(prefix="llmi-publish-") as folder:
        path = api.hf_hub_download(repo, "README.md", repo_type=_KIND, revision=revision, local_dir=folder)
        try:
            values: dict[str, Any] = DatasetCard.load(path, ignore_metadata_errors=True).data.to_dict()
        except (ValueError, yaml.YAMLError) as error:
            raise PublishingError(
                f"{repo}: the head of the card that is there now is not in order ({str(error).splitlines()[0]}); mend "
                "it on the Hub, or delete the card there"
            ) from None
    return values


def stale(present: Present, files: Sequence[str], owned: Sequence[str]) -> tuple[str, ...]:
    """What is there in the folders that are ours, and is not any more."""
    return tuple(sorted(p for p in present.files if p.partition("/")[0] in owned and p not in files))


def create(api: HfApi, repo: str) -> None:
    """Make a private repository; it is opened, if it is to be, when everything is in it."""
    with told(api, repo):
        api.create_repo(repo, repo_type=_KIND, private=True, exist_ok=True)


def branch(api: HfApi, repo: str, name: str) -> None:
    """Make a branch where `main` is."""
    with told(api, repo):
        api.create_branch(repo, branch=name, repo_type=_KIND, exist_ok=True)


def set_gate(api: HfApi, repo: str, gate: Gate) -> None:
    with told(api, repo):
        api.update_repo_settings(repo, gated=gate, repo_type=_KIND)


def commit(
    api: HfApi,
    repo: str,
    folder: Path,
    added: Sequence[str],
    deleted: Sequence[str],
    *,
    message: str,
    revision: str | None,
    parent: str | None,
    propose: bool,
) -> Any:
    """All of it in one commit, or nothing of it: large files are stored first and are nowhere until it names them."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError

    operations: list[CommitOperationDelete | CommitOperationAdd] = [
        *(CommitOperationDelete(path, is_folder=False) for path in deleted),
        *(CommitOperationAdd(path, folder / path) for path in added),
    ]
    with told(api, repo, "whether the commit was made is not known; run it again, nothing is committed twice"):
        try:
            return api.create_commit(
                repo,
                operations,
                commit_message=message,
                repo_type=_KIND,
                revision=revision,
                parent_commit=parent,
                create_pr=propose,
            )
        except (HfHubHTTPError, EntryNotFoundError, OSError):
            raise
        except (RuntimeError, ValueError) as error:
            # What the client raises for a head the Hub does not take, and for a large file it could not store.
            cause = error.__cause__
            if isinstance(cause, HfHubHTTPError):
                raise cause from error
            raise PublishingError(f"{repo}: nothing was changed there: {_line(cause or error)}") from error


def finish(api: HfApi, repo: str, oid: str, *, tag: str | None, public: bool) -> None:
    """What comes after the commit. Raises `PublishingError` saying what is done and what is left to do."""
    left = [*([f"the tag {tag}"] if tag else []), *(["making it public"] if public else [])]
    try:
        with told(api, repo):
            if tag:
                api.create_tag(repo, tag=tag, revision=oid, repo_type=_KIND)
                left.pop(0)
            if public:
                api.update_repo_settings(repo, private=False, repo_type=_KIND)
    except PublishingError as error:
        raise PublishingError(
            f"{error}. The rows are there, in commit {oid}; what is not done is {' and '.join(left)}"
        ) from error


@contextmanager
def told(api: HfApi, repo: str, doubt: str = "run it again") -> Iterator[None]:
    """What the Hub's client raises, as a `PublishingError` that says what to do.

    Args:
        doubt: what follows where the Hub, or the way to it, broke down before it answered.
    """
    from huggingface_hub.errors import HfHubHTTPError

    try:
        yield
    except HfHubHTTPError as error:
        raise PublishingError(_refusal(api, repo, error, doubt)) from error
    except unreachable() as error:
        raise PublishingError(
            f"{repo}: the Hub at {api.endpoint} cannot be reached ({_line(error)}); {doubt}"
        ) from error


_LOG_IN = "nobody is logged in: run `hf auth login`, or set HF_TOKEN to a token that may write"


def _refusal(api: HfApi, repo: str, error: HfHubHTTPError, doubt: str) -> str:
    status = error.response.status_code
    said = error.server_message or _line(error)
    owner = repo.partition("/")[0]
    match status:
        case 401:
            return f"{repo}: the Hub does not know this token ({said}); run `hf auth login`, or set HF_TOKEN to another"
        case 403 if "write" in said and "token" in said:
            return f"{repo}: this token may not write ({said}); make one that may, at {api.endpoint}/settings/tokens"
        case 403 if _is_nobody(api, owner):
            return f"{repo}: there is no user or organization {owner!r} at {api.endpoint}; correct --repo"
        case 403:
            return (
                f"{repo}: the Hub refuses this ({said}); where it is a matter of rights, ask whoever owns {owner}, "
                "publish under your own name, or propose it with --pull-request"
            )
        case 404:
            return f"{repo}: {said}; check the name and the revision"
        case 412:
            return f"{repo}: somebody committed to it meanwhile; nothing was changed; run it again"
        case 429:
            return f"{repo}: too many requests to the Hub; wait a minute and run it again"
        case _ if status >= 500:
            return f"{repo}: the Hub broke down with {status} ({said}); {doubt}"
    return f"{repo}: the Hub does not take it, with {status} ({said})"


def _is_nobody(api: HfApi, owner: str) -> bool:
    """Whether there is no such user or organization; not told where the Hub does not say."""
    from huggingface_hub.errors import HfHubHTTPError

    for overview in (api.get_user_overview, api.get_organization_overview):
        try:
            overview(owner)
        except HfHubHTTPError as error:
            if error.response.status_code != 404:
                return False
        except unreachable():
            return False
        else:
            return False
    return True


def unreachable() -> tuple[type[Exception], ...]:
    """What the Hub's client raises where there is no connection, or where HF_HUB_OFFLINE forbids one."""
    from huggingface_hub.errors import HfHubHTTPError

    # It has changed its HTTP library before; its own error says which one it uses.
    tops = (parent.__module__.partition(".")[0] for parent in HfHubHTTPError.__mro__)
    library = importlib.import_module(next(top for top in tops if top.startswith(("httpx", "requests"))))
    return (getattr(library, "TransportError", OSError), OSError)


def _line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
