"""A Hub on loopback that the real `huggingface_hub` and `datasets` talk to: repositories, commits, large files.

```python
with Hub().running() as hub:
    HfApi(endpoint=hub.url, token=hub.token).create_repo("me/prompts", repo_type="dataset")
    hub.repositories["datasets/me/prompts"].private
```

Models are under their own name, `me/fox`. Large files arrive by the LFS protocol and are answered by a redirect, as on
the Hub; a commit may only name those that have arrived.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from hub_repository import KINDS, Account, RefusalError, Repository, listing, upload_mode

LICENSES = ("apache-2.0", "mit", "cc-by-4.0", "cc-by-sa-4.0", "cc0-1.0", "other")
"""Those that its check of a card's head knows."""


@dataclass
class Hub:
    """`token` is the owner's; `accounts` may hold further ones."""

    token: str = "hf_loopback"
    accounts: dict[str, Account] = field(default_factory=dict)
    repositories: dict[str, Repository] = field(default_factory=dict)
    store: dict[str, bytes] = field(default_factory=dict)
    """Large files by their SHA-256."""
    requests: list[str] = field(default_factory=list)
    before: Callable[[str], None] | None = None
    """Called with every request, `PUT /lfs/...`: may raise `RefusalError`, or `ConnectionError` to hang up."""
    url: str = ""

    def __post_init__(self) -> None:
        self.accounts.setdefault(self.token, Account())

    @contextmanager
    def running(self) -> Iterator[Hub]:
        hub = self

        class Handler(_Handler):
            pass

        Handler.hub = hub
        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            server.daemon_threads = True
            hub.url = f"http://127.0.0.1:{server.server_port}"
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
            thread.start()
            try:
                yield hub
            finally:
                server.shutdown()
                thread.join()

    def environment(self, home: Path) -> dict[str, str]:
        """What a process must have set to talk to this Hub and no other."""
        return {
            "HF_ENDPOINT": self.url,
            "HF_TOKEN": self.token,
            "HF_HOME": str(home),
            "HF_HUB_OFFLINE": "0",
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
        }


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self._body()
        address = urlsplit(self.path)
        request = f"{self.command} {unquote(address.path)}"
        self.hub.requests.append(request)
        self.query = {name: values[-1] for name, values in parse_qs(address.query).items()}
        # Quoted slashes belong to a revision, so the path is taken apart before it is unquoted.
        parts = [unquote(part) for part in address.path.strip("/").split("/")]
        try:
            if self.hub.before:
                self.hub.before(request)
            self._route(parts, body)
        except RefusalError as refusal:
            headers = {"x-error-message": refusal.words} | ({"x-error-code": refusal.code} if refusal.code else {})
            self._json({"error": refusal.words}, refusal.status, headers)
        except ConnectionError:
            self.close_connection = True

    def _route(self, parts: list[str], body: bytes) -> None:
        match (self.command, *parts):
            case "GET", "api", "whoami-v2":
                account = self._account()
                orgs = [{"name": name} for name in account.organisations]
                self._json({"type": "user", "name": account.name, "orgs": orgs, "auth": {}})
            case "GET", "api", "users" | "organizations" as what, name, "overview":
                known = {
                    n for a in self.hub.accounts.values() for n in ([a.name] if what == "users" else a.organisations)
                }
                if name not in known:
                    raise RefusalError(404, f"{name} does not exist")
                self._json({"user": name, "name": name, "fullname": name, "avatarUrl": ""})
            case "POST", "api", "validate-yaml":
                errors = _wrong(json.loads(body)["content"])
                self._json({"errors": errors, "warnings": []}, 400 if errors else 200)
            case "POST", "api", "repos", "create":
                self._create(json.loads(body))
            case (_, "api", kind, owner, name, *what) if kind in KINDS:
                self._api(_key(kind, owner, name), what, body)
            case ("POST", *prefix, owner, name, "info", "lfs", "objects", "batch"):
                key = _key(prefix[0] if prefix else "models", owner, name.removesuffix(".git"))
                self._readable(key)  # who proposes a change sends its files, too
                self._json({"transfer": "basic", "objects": [self._wanted(one) for one in json.loads(body)["objects"]]})
            case "PUT", "lfs", oid:
                self.hub.store[oid] = body
                self._send(b"", 200)
            case "GET" | "HEAD", "lfs", oid if oid in self.hub.store:
                self._content(self.hub.store[oid], {"etag": f'"{oid}"'})
            case (_, ("datasets" | "spaces") as kind, owner, name, "resolve", revision, *path):
                self._resolve(_key(kind, owner, name), revision, "/".join(path))
            case (_, owner, name, "resolve", revision, *path):
                self._resolve(_key("models", owner, name), revision, "/".join(path))
            case _:
                raise RefusalError(404, f"nothing at {self.path}", "EntryNotFound")

    def _api(self, key: str, what: list[str], body: bytes) -> None:
        match (self.command, *what):
            case ("GET",) | ("GET", "revision", _):
                repository = self._readable(key)
                commit = repository.at(what[1] if what else "main")
                siblings = [{"rfilename": path} for path in commit.files]
                self._json(
                    {"id": key.removeprefix("datasets/"), "sha": commit.oid, "siblings": siblings, "tags": []}
                    | {"private": repository.private, "gated": repository.gated}
                )
            case "GET", "tree", revision, *folder:
                files = self._readable(key).at(revision).files
                self._json(listing(files, "/".join(folder), recursive="recursive" in self.query))
            case "POST", "paths-info", revision:
                files = self._readable(key).at(revision).files
                asked = parse_qs(body.decode())["paths"]
                found = [files[path].listed(path) for path in asked if path in files]
                folders = [
                    {"type": "directory", "path": path, "oid": "0" * 40, "size": 0}
                    for path in asked
                    if path not in files and any(name.startswith(f"{path}/") for name in files)
                ]
                self._json(found + folders)
            case "GET", "refs":
                repository = self._readable(key)
                branches = {n: oid for n, oid in repository.refs.items() if not n.startswith("refs/")}
                self._json(
                    {
                        "branches": [_ref(name, f"refs/heads/{name}", oid) for name, oid in branches.items()],
                        "tags": [_ref(name, f"refs/tags/{name}", oid) for name, oid in repository.tags.items()],
                        "converts": [],
                    }
                )
            case "POST", "branch", branch:
                repository = self._writable(key)
                if branch in repository.refs:
                    raise RefusalError(409, "Reference already exists")
                start = json.loads(body or b"{}").get("startingPoint", "main")
                repository.refs[branch] = repository.at(start).oid
                self._json({})
            case "POST", "tag", revision:
                repository = self._writable(key)
                tag = json.loads(body)["tag"]
                if tag in repository.tags:
                    raise RefusalError(409, "Tag reference exists already")
                repository.tags[tag] = repository.at(revision).oid
                self._json({})
            case "PUT", "settings":
                repository, asked = self._writable(key), json.loads(body)
                repository.settings.append({**asked, "commits": len(repository.commits)})
                repository.private = asked.get("visibility", "private" if repository.private else "") == "private"
                repository.gated = asked.get("gated", repository.gated)
                self._json({})
            case "POST", "preupload", revision:
                repository = self._readable(key) if "create_pr" in self.query else self._writable(key)
                files = repository.at(revision).files
                self._json({"files": [_mode(file, files) for file in json.loads(body)["files"]]})
            case "POST", "commit", revision:
                self._commit(key, revision, body)
            case _:
                raise RefusalError(404, f"nothing at {self.path}", "EntryNotFound")

    def _create(self, asked: dict[str, Any]) -> None:
        account = self._account()
        owner = asked.get("organization") or account.name
        if not account.may_write:
            raise RefusalError(403, "You must use a write token to create a repository")
        if not account.owns(owner):
            raise RefusalError(403, f'You don\'t have the rights to create a repository under the namespace "{owner}"')
        key = _key(f"{asked.get('type') or 'model'}s", owner, asked["name"])
        url = f"{self.hub.url}/{key}"
        if key in self.hub.repositories:
            self._json({"error": "You already created this repository", "url": url}, 409)
            return
        private = asked.get("visibility") == "private" or bool(asked.get("private"))
        self.hub.repositories[key] = Repository(private)
        self._json({"url": url, "name": key})

    def _commit(self, key: str, revision: str, body: bytes) -> None:
        propose = "create_pr" in self.query
        repository = self._readable(key) if propose else self._writable(key)
        lines = [json.loads(line) for line in body.splitlines()]
        commit, ref = repository.commit(revision, lines, self.hub.store, propose=propose)
        answer = {"success": True, "commitOid": commit.oid, "commitUrl": f"{self.hub.url}/{key}/commit/{commit.oid}"}
        if propose:
            answer["pullRequestUrl"] = f"{self.hub.url}/{key}/discussions/{ref.rpartition('/')[2]}"
        self._json({**answer, "hookOutput": ""})

    def _wanted(self, asked: dict[str, Any]) -> dict[str, Any]:
        """What is to be done about a large file: nothing where it is there."""
        oid = asked["oid"]
        if oid in self.hub.store:
            return {"oid": oid, "size": asked["size"]}
        return {"oid": oid, "size": asked["size"], "actions": {"upload": {"href": f"{self.hub.url}/lfs/{oid}"}}}

    def _resolve(self, key: str, revision: str, path: str) -> None:
        repository = self._readable(key)
        if repository.gated and not self._is_owner(key):
            raise RefusalError(403, "Access to this repository is restricted", "GatedRepo")
        commit = repository.at(revision)
        file = commit.files.get(path)
        if file is None:
            raise RefusalError(404, f"{path} does not exist", "EntryNotFound")
        headers = {"x-repo-commit": commit.oid, "etag": f'"{file.oid}"'}
        if not file.large:
            self._content(file.content, headers)
            return
        linked = {"x-linked-etag": f'"{file.sha256}"', "x-linked-size": str(len(file.content))}
        # Another host, as on the Hub: the client follows a redirect within one, and then misses its headers.
        elsewhere = self.hub.url.replace("127.0.0.1", "localhost")
        self._send(b"", 302, headers | linked | {"location": f"{elsewhere}/lfs/{file.sha256}"})

    # -- who asks ----------------------------------------------------------------------------------------------------

    def _account(self) -> Account:
        token = self.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.hub.accounts:
            raise RefusalError(401, "Invalid username or password.")
        return self.hub.accounts[token]

    def _is_owner(self, key: str) -> bool:
        try:
            return self._account().owns(key.split("/")[-2])
        except RefusalError:
            return False

    def _readable(self, key: str) -> Repository:
        repository = self.hub.repositories.get(key)
        if repository is None or (repository.private and not self._is_owner(key)):
            raise RefusalError(404 if self._knows() else 401, "Repository not found", "RepoNotFound")
        return repository

    def _knows(self) -> bool:
        return self.headers.get("authorization", "").removeprefix("Bearer ") in self.hub.accounts

    def _writable(self, key: str) -> Repository:
        repository = self._readable(key)
        if not (self._is_owner(key) and self._account().may_write):
            raise RefusalError(403, "you must use a write token, of somebody with the right to write here")
        return repository

    # -- answers -----------------------------------------------------------------------------------------------------

    def _body(self) -> bytes:
        if self.headers.get("transfer-encoding") == "chunked":
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def _json(self, value: object, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self._send(json.dumps(value).encode(), status, {"content-type": "application/json", **(headers or {})})

    def _content(self, content: bytes, headers: dict[str, str]) -> None:
        if not (asked := self.headers.get("range")):
            self._send(content, 200, headers)
            return
        first, _, last = asked.removeprefix("bytes=").partition("-")
        start, stop = int(first or 0), min(int(last or len(content) - 1) + 1, len(content))
        place = f"bytes {start}-{stop - 1}/{len(content)}"
        self._send(content[start:stop], 206, headers | {"content-range": place})

    def _send(self, content: bytes, status: int, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        pass


def _key(kind: str, owner: str, name: str) -> str:
    return f"{owner}/{name}" if kind == "models" else f"{kind}/{owner}/{name}"


def _ref(name: str, ref: str, oid: str) -> dict[str, str]:
    return {"name": name, "ref": ref, "targetCommit": oid}


def _mode(asked: dict[str, Any], files: Any) -> dict[str, Any]:
    path = asked["path"]
    known = files.get(path)
    oid = None if known is None else known.sha256 if known.large else known.oid
    return {"path": path, "uploadMode": upload_mode(path, asked["size"]), "shouldIgnore": False, "oid": oid}


def _wrong(card: str) -> list[dict[str, str]]:
    """What the Hub would not take in the head of a card."""
    import yaml

    try:
        head = yaml.safe_load(card.split("---")[1]) if card.startswith("---") else {}
    except yaml.YAMLError as error:
        return [{"message": f"not valid YAML: {error}"}]
    if (given := head.get("license")) and given not in LICENSES:
        return [{"message": f'"license" must be one of {", ".join(LICENSES)}'}]
    return []
