"""A Hub on loopback: what `huggingface_hub` needs to make a model repository, commit to it and read it again."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit


@dataclass
class Repository:
    private: bool
    files: dict[str, bytes] = field(default_factory=dict)
    commits: list[str] = field(default_factory=list)

    @property
    def head(self) -> str:
        return hashlib.sha1("\n".join(self.commits).encode(), usedforsecurity=False).hexdigest()


@dataclass
class ModelHub:
    """`token` is who may write; `repositories` what is there."""

    token: str = "hf_loopback"
    repositories: dict[str, Repository] = field(default_factory=dict)
    url: str = ""

    @contextmanager
    def running(self) -> Iterator[ModelHub]:
        hub = self

        class Handler(_Handler):
            pass

        Handler.hub = hub
        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            hub.url = f"http://127.0.0.1:{server.server_port}"
            thread = threading.Thread(target=server.serve_forever)
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
    hub: ModelHub
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.headers.get("authorization") != f"Bearer {self.hub.token}":
            self._json({"error": "Invalid username or password."}, 401)
            return
        match [unquote(part) for part in urlsplit(self.path).path.strip("/").split("/")]:
            case ["api", "repos", "create"]:
                asked = json.loads(body)
                name = f"{asked.get('organization') or 'me'}/{asked['name']}"
                known = name in self.hub.repositories
                self.hub.repositories.setdefault(
                    name, Repository(asked.get("visibility") == "private" or bool(asked.get("private")))
                )
                self._json({"url": f"{self.hub.url}/{name}", "name": name}, 409 if known else 200)
            case ["api", "validate-yaml"]:
                self._json({"errors": [], "warnings": []})
            case ["api", "models", owner, name, "preupload", _] if self._repository(owner, name):
                paths = [file["path"] for file in json.loads(body)["files"]]
                files = [{"path": path, "uploadMode": "regular", "shouldIgnore": False} for path in paths]
                self._json({"files": files})
            case ["api", "models", owner, name, "commit", _] if self._repository(owner, name):
                self._commit(self.hub.repositories[f"{owner}/{name}"], f"{owner}/{name}", body)
            case _:
                self._json({"error": f"nothing at {self.path}"}, 404)

    def _commit(self, repository: Repository, name: str, body: bytes) -> None:
        for line in body.decode().splitlines():
            value = json.loads(line)
            match value:
                case {"key": "header", "value": {"summary": summary}}:
                    repository.commits.append(summary)
                case {"key": "file", "value": {"path": path, "content": content, "encoding": "base64"}}:
                    repository.files[path] = base64.b64decode(content)
        address = f"{self.hub.url}/{name}/commit/{repository.head}"
        self._json({"success": True, "commitOid": repository.head, "commitUrl": address, "hookOutput": ""})

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        match [unquote(part) for part in urlsplit(self.path).path.strip("/").split("/")]:
            case ["api", "models", owner, name] | ["api", "models", owner, name, "revision", _] if (
                repository := self._repository(owner, name)
            ):
                files = [{"rfilename": path} for path in repository.files]
                self._json({"id": f"{owner}/{name}", "sha": repository.head, "siblings": files, "tags": []})
            case [owner, name, "resolve", _, *path] if (repository := self._repository(owner, name)) and (
                content := repository.files.get("/".join(path))
            ) is not None:
                self.send_response(200)
                self.send_header("x-repo-commit", repository.head)
                self.send_header("etag", f'"{hashlib.sha256(content).hexdigest()}"')
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                if with_body:
                    self.wfile.write(content)
            case _:
                self.send_response(404)
                self.send_header("x-error-code", "EntryNotFound")
                self.send_header("content-length", "0")
                self.end_headers()

    def _repository(self, owner: str, name: str) -> Repository | None:
        repository = self.hub.repositories.get(f"{owner}/{name}")
        allowed = self.headers.get("authorization") == f"Bearer {self.hub.token}"
        return repository if repository and (allowed or not repository.private) else None

    def _json(self, value: object, status: int = 200) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        pass
