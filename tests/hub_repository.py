"""What a Hub on loopback keeps: repositories with commits, branches, pull requests and tags, and who may do what."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

KINDS = ("models", "datasets", "spaces")
_LARGE = (".parquet", ".png", ".safetensors", ".bin", ".arrow")


class RefusalError(Exception):
    """An answer that is no success: its status, its words, and the code the client tells such answers apart by."""

    def __init__(self, status: int, words: str, code: str = "") -> None:
        super().__init__(words)
        self.status, self.words, self.code = status, words, code


@dataclass(frozen=True)
class Account:
    """Who holds a token."""

    name: str = "me"
    organisations: tuple[str, ...] = ()
    may_write: bool = True

    def owns(self, namespace: str) -> bool:
        return namespace in (self.name, *self.organisations)


@dataclass(frozen=True)
class File:
    content: bytes
    large: bool = False

    @property
    def oid(self) -> str:
        """As git has it; of a large file that of its pointer."""
        body = self.pointer if self.large else self.content
        return hashlib.sha1(b"blob %d\0" % len(body) + body, usedforsecurity=False).hexdigest()

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def pointer(self) -> bytes:
        return (
            b"version https://git-lfs.github.com/spec/v1\n"
            + f"oid sha256:{self.sha256}\nsize {len(self.content)}\n".encode()
        )

    def listed(self, path: str) -> dict[str, Any]:
        entry: dict[str, Any] = {"type": "file", "path": path, "oid": self.oid, "size": len(self.content)}
        if self.large:
            entry["lfs"] = {"oid": self.sha256, "size": len(self.content), "pointerSize": len(self.pointer)}
        return entry


@dataclass(frozen=True)
class Commit:
    summary: str
    files: Mapping[str, File]
    parent: str = ""
    author: str = ""

    @property
    def oid(self) -> str:
        told = json.dumps([self.summary, self.parent, {path: file.oid for path, file in self.files.items()}])
        return hashlib.sha1(told.encode(), usedforsecurity=False).hexdigest()


@dataclass
class Repository:
    """`refs` are branches, pull requests (`refs/pr/1`) and tags, each a commit's oid."""

    private: bool = True
    gated: str | bool = False
    known: dict[str, Commit] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    settings: list[dict[str, Any]] = field(default_factory=list)
    """What was asked to be set, in order, and how many commits there were then."""

    def __post_init__(self) -> None:
        self.add("main", Commit("initial commit", {".gitattributes": File(b"*.parquet filter=lfs\n")}))

    def add(self, ref: str, commit: Commit) -> Commit:
        self.known[commit.oid] = commit
        self.refs[ref] = commit.oid
        return commit

    def at(self, revision: str) -> Commit:
        oid = self.refs.get(revision) or self.tags.get(revision) or revision
        if oid not in self.known:
            raise RefusalError(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return self.known[oid]

    @property
    def commits(self) -> list[str]:
        """Summaries on `main`, the first first, without the one every repository begins with."""
        return self.history("main")

    def history(self, revision: str) -> list[str]:
        commit, summaries = self.at(revision), []
        while commit.parent:
            summaries.append(commit.summary)
            commit = self.known[commit.parent]
        return summaries[::-1]

    @property
    def files(self) -> dict[str, bytes]:
        return self.files_at("main")

    def files_at(self, revision: str) -> dict[str, bytes]:
        """What is there, but for the file that every repository begins with."""
        return {path: file.content for path, file in self.at(revision).files.items() if path != ".gitattributes"}

    def commit(
        self, revision: str, lines: Iterable[Mapping[str, Any]], store: Mapping[str, bytes], *, propose: bool
    ) -> tuple[Commit, str]:
        """All of it or nothing. Returns the commit and the ref it is at."""
        parent = self.at(revision)
        files, summary = dict(parent.files), ""
        for line in lines:
            match line:
                case {"key": "header", "value": {"summary": summary, **more}}:
                    if more.get("parentCommit", parent.oid) != parent.oid and not propose:
                        raise RefusalError(412, "A commit has happened since. Please refresh and try again.")
                case {"key": "file", "value": {"path": path, "content": content, "encoding": "base64"}}:
                    import base64

                    files[path] = File(base64.b64decode(content))
                case {"key": "lfsFile", "value": {"path": path, "oid": oid}}:
                    if oid not in store:
                        raise RefusalError(400, f"{path}: its content was never uploaded")
                    files[path] = File(store[oid], large=True)
                case {"key": "deletedFile", "value": {"path": path}}:
                    if files.pop(path, None) is None:
                        raise RefusalError(404, "A file with this name doesn't exist", "EntryNotFound")
                case _:
                    raise RefusalError(400, f"cannot do {line}")
        ref = f"refs/pr/{1 + sum(name.startswith('refs/pr/') for name in self.refs)}" if propose else revision
        return self.add(ref, Commit(summary, files, parent.oid)), ref


def upload_mode(path: str, size: int) -> str:
    return "lfs" if path.endswith(_LARGE) or size > 10_000_000 else "regular"


def listing(files: Mapping[str, File], folder: str, *, recursive: bool) -> list[dict[str, Any]]:
    """What is in a folder; the whole repository is in ''."""
    prefix = f"{folder}/" if folder else ""
    entries: dict[str, dict[str, Any]] = {}
    for path, file in sorted(files.items()):
        if not path.startswith(prefix):
            continue
        parts = path.removeprefix(prefix).split("/")
        for depth in range(1, len(parts) if recursive else min(2, len(parts))):
            inner = prefix + "/".join(parts[:depth])
            entries.setdefault(inner, {"type": "directory", "path": inner, "oid": "0" * 40, "size": 0})
        if recursive or len(parts) == 1:
            entries[path] = file.listed(path)
    if folder and not entries:
        raise RefusalError(404, f"{folder} does not exist", "EntryNotFound")
    return list(entries.values())
