"""Markdown from a stranger -> HTML that does nothing, with fragments of ours standing where they were put.

HTML in the source is text, pictures are not fetched, links go to http, https and mailto only. A *place* is a
mark that stands for a fragment (a figure, a notice) anywhere in the source; the paragraph, list item or cell
around it is split there, so that the structure of the Markdown survives the figures in it.

```python
to_html(f"Some *prose* {place(0)} and more.", fragments=[Markup("<figure>...</figure>")])
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator, MutableMapping, Sequence
from copy import copy
from functools import cache
from itertools import pairwise
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup

from llmi_sandbox.report.text import followable, showable

# The outer brackets are punctuation, so that `**bold:**<imgen>` closes its emphasis as a writer expects; the
# inner two are no characters, and `showable` lets none in.
_PLACE = re.compile("\u2e28\ufdd0([0-9]+)\ufdd1\u2e29")
_CLOSING_MARKS = re.compile(r"""\s*[.,;:!?)\]}"'’”»…]+(?=\s|$)""")


def place(index: int) -> str:
    """The mark for fragment `index`; it may stand anywhere in a Markdown source given to `to_html`."""
    return f"\u2e28\ufdd0{index}\ufdd1\u2e29"


def to_html(source: str, *, level: int = 2, fragments: Sequence[Markup] = ()) -> Markup:
    """Render Markdown.

    Args:
        source: Markdown that has passed `showable`, with `place` marks for the fragments.
        level: what a first-level heading becomes, so that a text fits under its page's headings.
        fragments: finished HTML, each of which comes out exactly once: at its mark, or at the end when Markdown
            swallowed the mark (in a link definition, for one).
    """
    tokens = _parser().parse(source)
    for token in tokens:
        token.children = list(_without_dead_links(token.children or ()))
    for token in _every(tokens):
        _tame(token, level)
    placed = list(_put_in_place(tokens))
    seen = {token.meta["fragment"] for token in placed if token.type == "fragment"}
    placed += [_fragment(index) for index in range(len(fragments)) if index not in seen]
    md = _parser()
    return Markup(md.renderer.render(placed, md.options, {"fragments": fragments}))  # noqa: S704 - built from escaped parts


class _Safe(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802 - the library's name
        return followable(url)


@cache
def _parser() -> MarkdownIt:
    md = _Safe("commonmark", {"html": False, "maxNesting": 40})
    md.enable(["table", "strikethrough"]).disable(["image", "html_block", "html_inline"])
    md.add_render_rule("fragment", _render_fragment)
    return md


def _render_fragment(
    _: RendererHTML, tokens: Sequence[Token], index: int, __: Any, env: MutableMapping[str, Any]
) -> str:
    fragment: Markup = env["fragments"][tokens[index].meta["fragment"]]
    return f"{fragment}\n"


def _without_dead_links(children: Sequence[Token]) -> Iterator[Token]:
    """`[words]()` is a link for Markdown, and its empty address is not even shown to `validateLink`."""
    dead = False  # links do not nest
    for token in children:
        if token.type == "link_open":
            dead = not followable(str(token.attrs["href"]))
        if not (dead and token.type in {"link_open", "link_close"}):
            yield token


def _every(tokens: Sequence[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from token.children or ()


def _tame(token: Token, level: int) -> None:
    """Leave no attribute that could style, explain or escape."""
    match token.type:
        case "heading_open" | "heading_close":
            depth = int(token.tag[1])
            token.tag = f"h{min(6, depth + level - 1)}"
            token.attrs = {"class": f"h{depth}"} if token.nesting == 1 else {}
        case "th_open" | "td_open":
            align = str(token.attrs.get("style", "")).removeprefix("text-align:")
            token.attrs = {"class": f"align-{align}"} if align in {"left", "center", "right"} else {}
        case "link_open":
            token.attrs = {"href": token.attrs["href"], "rel": "noopener noreferrer nofollow"}
        case "fence":
            token.info = ""
        case "text" | "code_inline":
            # entities (&#x202e;) become characters only here
            token.content = "".join(
                part if _PLACE.fullmatch(part) else showable(part)
                for part in re.split(f"({_PLACE.pattern.replace('(', '(?:')})", token.content)
            )


def _put_in_place(tokens: Sequence[Token]) -> Iterator[Token]:
    """Split what stands around each mark; no token leaves here with a mark in its content."""
    queue = list(tokens)
    position = 0
    while position < len(queue):
        token = queue[position]
        after = queue[position + 1] if position + 1 < len(queue) else None
        if token.type in {"paragraph_open", "heading_open"} and after and _PLACE.search(after.content):
            split = _split_paragraph if token.type == "paragraph_open" else _split_heading
            yield from split(token, after, queue[position + 2])
            position += 3
            continue
        if token.type == "inline" and _PLACE.search(token.content):
            yield from (_inline(token, run) if isinstance(run, list) else run for run in _split(token.children or []))
        elif token.type in {"fence", "code_block"} and _PLACE.search(token.content):
            marks = _PLACE.findall(token.content)
            token.content = _PLACE.sub("", token.content)
            yield from (token, *map(_fragment, map(int, marks)))
        else:
            yield token
        position += 1


def _split_paragraph(opening: Token, inline: Token, closing: Token) -> Iterator[Token]:
    for run in _split(inline.children or []):
        if isinstance(run, list):
            yield from (copy(opening), _inline(inline, run), copy(closing))
        else:
            yield run


def _split_heading(opening: Token, inline: Token, closing: Token) -> Iterator[Token]:
    """A figure does not fit into a heading: it follows."""
    runs = _split(inline.children or [])
    words = [token for run in runs if isinstance(run, list) for token in (*run, Token("softbreak", "br", 0))]
    if words:
        yield from (opening, _inline(inline, words[:-1]), closing)
    yield from (run for run in runs if isinstance(run, Token))


def _split(children: Sequence[Token]) -> list[list[Token] | Token]:
    """Runs of inline tokens and the fragments between them; emphasis and links around a mark are closed
    before it and opened again after it."""
    runs: list[list[Token] | Token] = []
    run: list[Token] = []
    around: list[Token] = []
    for child in children:
        if child.nesting == 1:
            around.append(child)
        elif child.nesting == -1:
            around.pop()
        if child.type not in {"text", "code_inline"} or not _PLACE.search(child.content):
            run.append(child)
            continue
        for index, part in enumerate(_PLACE.split(child.content)):
            if index % 2:
                run += [Token(t.type.replace("_open", "_close"), t.tag, -1) for t in reversed(around)]
                runs += [run, _fragment(int(part))]
                run = [copy(t) for t in around]
            elif part:
                piece = copy(child)
                piece.content = part
                run.append(piece)
    runs.append(run)
    return _tidy(runs)


def _tidy(runs: list[list[Token] | Token]) -> list[list[Token] | Token]:
    """Drop runs without words, trim the others, and give a full stop back to the words before the figure."""
    tidy: list[list[Token] | Token] = []
    words: list[Token] | None = None
    for run in runs:
        if isinstance(run, Token):
            tidy.append(run)
            continue
        if words is not None and run[:1] and run[0].type == "text" and (marks := _CLOSING_MARKS.match(run[0].content)):
            stop = copy(run[0])
            stop.content = marks[0].strip()
            words.append(stop)
            run[0].content = run[0].content[marks.end() :]
        if "".join(token.content for token in run).strip():
            _trim(run)
            tidy.append(run)
            words = run
    return tidy


def _trim(run: list[Token]) -> None:
    for end, strip in ((0, str.lstrip), (-1, str.rstrip)):
        while run and run[end].type in {"softbreak", "hardbreak"}:
            run.pop(end)
        if run and run[end].type == "text":
            run[end].content = strip(run[end].content)


def _inline(like: Token, children: list[Token]) -> Token:
    token = copy(like)
    token.children = children
    return token


def _fragment(index: int) -> Token:
    return Token("fragment", "", 0, meta={"fragment": index})


def first_heading(source: str) -> str | None:
    """The words of a first-level heading that opens the text, or None."""
    tokens = _parser().parse(source)
    for before, token in pairwise(tokens):
        if before.type == "heading_open":
            return "".join(t.content for t in token.children or () if t.content) if before.tag == "h1" else None
        if before.type == "inline" and _PLACE.sub("", before.content).strip():
            return None
    return None
