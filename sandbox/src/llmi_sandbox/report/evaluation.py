"""Blocks for evaluations: jump links, a heat map of marks, verdicts, tool traces; and a page with their style sheet.

The page has no scripts. It is read with the keyboard by its links: jump links first, each task's neighbours, and the
heat map's rows, which lead to the tasks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from llmi_sandbox.report.blocks import table
from llmi_sandbox.report.live import _request, _text
from llmi_sandbox.report.macros import environment, macro
from llmi_sandbox.report.markdown import to_html
from llmi_sandbox.report.pages import _policy, _stylesheet
from llmi_sandbox.report.text import showable
from llmi_schema import RenderedDocument, Tag


@dataclass(frozen=True, slots=True)
class HeatCell:
    """One mark. `value` from 0 to 1 gives the colour; None is missing and hatched, whatever is shown.

    Attributes:
        neutral: it has no colour.
    """

    value: float | None
    shown: str
    why: str = ""
    neutral: bool = False

    @property
    def kind(self) -> str:
        """The class of its colour."""
        if self.neutral:
            return ""
        return "mx" if self.value is None else f"m{min(4, max(0, int(self.value * 4 + 0.5)))}"


@dataclass(frozen=True, slots=True)
class HeatRow:
    """Attributes:
    anchor: what the row links to; "" for a task that is not on the page.
    cells: by column; what a task has no mark for is left empty.
    """

    anchor: str
    title: str
    cells: Mapping[str, HeatCell]
    score: str


def jump_links(links: Sequence[tuple[str, str]]) -> Markup:
    """Links to the parts of the page, as anchors and labels."""
    return macro("evaluation", "jump", links=links)


def anchored(
    anchor: str, title: str, *blocks: Markup, note: str = "", before: str | None = None, after: str | None = None
) -> Markup:
    """A section that links lead to, with links to its neighbours."""
    return macro(
        "evaluation", "anchored", anchor=anchor, title=title, note=note, before=before, after=after, blocks=blocks
    )


def link(anchor: str, label: str) -> Markup:
    """To a section of the page."""
    return Markup('<a href="#{}">{}</a>').format(anchor, label)


def heat_map(columns: Sequence[str], rows: Sequence[HeatRow], *, caption: str) -> Markup:
    """Marks by task and criterion; its anchor is `overview`."""
    shown = [
        {"anchor": r.anchor, "title": r.title, "score": r.score, "cells": [r.cells.get(name) for name in columns]}
        for r in rows
    ]
    scored = any(row.score for row in rows)
    return macro("evaluation", "heat_map", columns=columns, rows=shown, caption=caption, scored=scored)


def verdicts(items: Sequence[tuple[str, HeatCell]]) -> Markup:
    """Criteria with their marks and the reasons for them."""
    return macro("evaluation", "verdicts", items=[{"text": text, "cell": cell} for text, cell in items])


def tool_trace(rendered: RenderedDocument) -> Markup:
    """Every tag of a document: what was asked of which tool, what came, from whom, under which licence, how long."""
    rows = []
    for tag, result in zip(rendered.document.tags, rendered.results, strict=True):
        source = result.picture.provenance if result.picture else None
        outcome = "delivered" if source else f"{result.reason}: {result.message}"
        rows.append(
            (
                str(tag.index + 1),
                tag.tool or "unreadable tag",
                _request(tag) if isinstance(tag, Tag) else "",
                outcome,
                " · ".join(filter(None, (source.provider, source.attribution))) if source else "",
                (source.licence or "none stated") if source else "",
                f"{result.seconds:.2f}",
                str(result.attempts),
            )
        )
    return table(("figure", "tool", "request", "outcome", "from", "licence", "seconds", "attempts"), rows)


def evaluation_page(title: str, blocks: Iterable[Markup], *, kicker: str, lede: str, footer: str) -> str:
    """A whole HTML document; see `page`."""
    css = Markup("{}{}").format(_stylesheet(), _text("evaluation.css"))
    html = (
        environment()
        .get_template("page.html")
        .render(
            title=title,
            blocks=blocks,
            kicker=kicker,
            lede=to_html(showable(lede)),
            footer=to_html(showable(footer)),
            language="en",
            show_title=True,
            css=css,
            policy=_policy(str(css)),
        )
    )
    return f"{html}\n"
