"""Who is asked for pictures on the network: Openverse and Wikimedia Commons without a key, SerpAPI with one.

Each turns a query into `Candidate`s. What they answer is somebody else's text: fields of another type than promised
are passed over, and credits lose their HTML.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from llmi_sandbox.errors import ProviderError
from llmi_sandbox.tools.web_search import Candidate
from llmi_sandbox.web import Web

SECONDS = 15.0
"""For one question to a provider."""


@dataclass(frozen=True, slots=True)
class Openverse:
    """Openly licensed pictures from many collections (https://openverse.org). No key; about 200 questions a day."""

    base: str = "https://api.openverse.org"
    name: str = "Openverse"

    @property
    def identity(self) -> str:
        return f"openverse/{self.base}"

    async def find(self, web: Web, query: str) -> list[Candidate]:
        answer = await web.request(
            "GET", f"{self.base}/v1/images/", params={"q": query, "page_size": 20}, seconds=SECONDS
        )
        return [
            Candidate(
                links=_links(row, "url", "thumbnail"),
                licence=_licence(_text(row, "license"), _text(row, "license_version")),
                attribution=_text(row, "attribution"),
                source_url=_text(row, "foreign_landing_url"),
                width=_number(row, "width"),
                height=_number(row, "height"),
            )
            for row in _rows(answer.json(), "results", self.name)
        ]


@dataclass(frozen=True, slots=True)
class WikimediaCommons:
    """The files of Wikimedia Commons (https://commons.wikimedia.org). No key."""

    base: str = "https://commons.wikimedia.org"
    name: str = "Wikimedia Commons"

    @property
    def identity(self) -> str:
        return f"commons/{self.base}"

    async def find(self, web: Web, query: str) -> list[Candidate]:
        params = {
            "action": "query",
            "format": "json",
            "formatversion": 2,
            "generator": "search",
            "gsrnamespace": 6,
            "gsrsearch": query,
            "gsrlimit": 20,
            "prop": "imageinfo",
            "iiprop": "url|size|mime|extmetadata",
            "iiurlwidth": 1024,
        }
        answer = await web.request("GET", f"{self.base}/w/api.php", params=params, seconds=SECONDS)
        found = answer.json()
        if not isinstance(found, dict) or "error" in found:
            raise ProviderError(f"{self.name} answered without pictures: {str(found)[:200]}", transient=True)
        # without any hit there is no "query" at all
        pages = _rows(found.get("query") or {"pages": []}, "pages", self.name)
        pages.sort(key=lambda page: _number(page, "index") or 0)
        return [candidate for page in pages for candidate in self._files(page)]

    def _files(self, page: dict[str, Any]) -> Iterator[Candidate]:
        files = page.get("imageinfo")
        for info in files if isinstance(files, list) else ():
            if not isinstance(info, dict) or not (_text(info, "mime") or "").startswith("image/"):
                continue
            details = info.get("extmetadata")
            credit = _metadata(details, "Attribution") or _metadata(details, "Artist")
            yield Candidate(
                # a drawing (SVG) can be had as pixels only
                links=_links(info, "thumburl", "url"),
                licence=_metadata(details, "LicenseShortName"),
                attribution=credit,
                source_url=_text(info, "descriptionurl"),
                width=_number(info, "width"),
                height=_number(info, "height"),
            )


@dataclass(frozen=True, slots=True)
class SerpApi:
    """Google's picture search through https://serpapi.com. The pictures' licences are not known: see their source."""

    key: str = field(repr=False)
    base: str = "https://serpapi.com"
    name: str = "Google Images by SerpAPI"

    @property
    def identity(self) -> str:
        return f"serpapi/{self.base}"

    async def find(self, web: Web, query: str) -> list[Candidate]:
        params = {"engine": "google_images", "q": query, "ijn": 0, "api_key": self.key}
        answer = await web.request("GET", f"{self.base}/search.json", params=params, seconds=SECONDS)
        found = answer.json()
        if isinstance(found, dict) and "images_results" not in found:
            said = str(found.get("error", ""))
            if "hasn't returned any results" in said:
                return []
            if said:
                raise ProviderError(f"{self.name} answered: {said[:200]}")
        return [
            Candidate(
                links=_links(row, "original", "thumbnail"),
                attribution=_text(row, "source"),
                source_url=_text(row, "link"),
                width=_number(row, "original_width"),
                height=_number(row, "original_height"),
            )
            for row in _rows(found, "images_results", self.name)
        ]


def _rows(answer: Any, key: str, name: str) -> list[dict[str, Any]]:
    rows = answer.get(key) if isinstance(answer, dict) else None
    if not isinstance(rows, list):
        raise ProviderError(f"{name} answered without {key!r}", transient=True)
    return [row for row in rows if isinstance(row, dict)]


def _text(row: dict[str, Any], key: str) -> str | None:
    value = row.get(key)
    return plain(value) or None if isinstance(value, str) else None


def _links(row: dict[str, Any], *keys: str) -> tuple[str, ...]:
    """Addresses as they were given: `web.address` judges them."""
    return tuple(dict.fromkeys(value for key in keys if isinstance(value := row.get(key), str) and value))


def _number(row: dict[str, Any], key: str) -> int | None:
    value = row.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _metadata(details: Any, key: str) -> str | None:
    entry = details.get(key) if isinstance(details, dict) else None
    return _text(entry, "value") if isinstance(entry, dict) else None


def _licence(code: str | None, version: str | None) -> str | None:
    """Openverse's codes as they are usually written: `by-sa` and `2.0` are `CC BY-SA 2.0`."""
    if code is None:
        return None
    named = {"cc0": "CC0", "pdm": "Public Domain Mark"}.get(code.lower()) or f"CC {code.upper()}"
    return f"{named} {version}" if version else named


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("script", "style") and self._silent > 0

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.words.append(data)


def plain(text: str) -> str:
    """The words of a text that may hold HTML, on one line."""
    if "<" in text or "&" in text:
        reader = _Words()
        reader.feed(text[:20_000])
        reader.close()
        text = "".join(reader.words)
    return " ".join(text.split())
