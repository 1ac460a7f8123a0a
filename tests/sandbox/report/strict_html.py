"""Reads a page the way a suspicious reader would: only what is on these lists may be there."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser


def words(text: str) -> set[str]:
    return set(text.split())


VOID = {"meta", "img", "br", "hr", "source", "rect"}
TAGS = VOID | words(
    "html head title style body main header footer section article aside figure figcaption picture div p span a b bdi "
    "h1 h2 h3 h4 h5 h6 ul ol li dl dt dd blockquote pre code em strong s table caption thead tbody tr th td "
    "details summary svg"
)
ATTRIBUTES = words(
    "lang charset http-equiv content name class aria-label aria-hidden role alt width height rel href src srcset media "
    "tabindex scope start open viewbox preserveaspectratio focusable"
)
PICTURE = re.compile(r"data:image/(png|webp|svg\+xml);base64,[A-Za-z0-9+/]+=*")
LINK = re.compile(r"(https?://|mailto:)[^\s\x00-\x1f]+")


@dataclass
class Page(HTMLParser):
    """What a page holds, and everything about it that should not be (`problems`)."""

    html: str
    problems: list[str] = field(default_factory=list)
    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    text: str = ""
    styles: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.feed(str(self.html))
        self.close()
        if self.open:
            self.problems.append(f"never closed: {self.open}")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.elements.append((tag, given))
        if tag not in TAGS:
            self.problems.append(f"element <{tag}>")
        self.problems += [f"attribute {name} of <{tag}>" for name in given if name not in ATTRIBUTES]
        for name in ("src", "srcset"):
            if name in given and not PICTURE.fullmatch(given[name]):
                self.problems.append(f"{name}={given[name][:60]}")
        if "href" in given and (tag != "a" or not LINK.fullmatch(given["href"]) or "noopener" not in given["rel"]):
            self.problems.append(f"link {given}")
        if tag == "meta" and given.get("http-equiv", "Content-Security-Policy") != "Content-Security-Policy":
            self.problems.append(f"meta {given}")
        if tag in {"figure", "aside", "details", "p"} and any(t in {"p", "h1", "h2", "h3", "h4"} for t in self.open):
            self.problems.append(f"<{tag}> inside {self.open}")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> does not close {self.open[-2:]}")

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["style"]:
            self.styles.append(data)
        else:
            self.text += data

    def handle_comment(self, data: str) -> None:
        self.problems.append(f"comment {data[:40]}")

    def count(self, tag: str, cls: str | None = None) -> int:
        return sum(t == tag and (cls is None or cls in a.get("class", "").split()) for t, a in self.elements)
