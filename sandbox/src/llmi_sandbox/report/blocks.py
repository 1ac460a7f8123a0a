"""The blocks a report is set from. Each is a function that returns a finished HTML fragment (`Markup`).

Fragments nest: a card goes into `side_by_side`, that into `page`. A plain `str` given where a block is expected
is escaped, never trusted. `prose`, `callout` and a page's lede read Markdown, with the same care as a document.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from markupsafe import Markup

from llmi_sandbox.report.document import document_view
from llmi_sandbox.report.figures import svg_uri
from llmi_sandbox.report.macros import macro
from llmi_sandbox.report.markdown import to_html
from llmi_sandbox.report.text import showable
from llmi_schema import Constraint, RenderedDocument

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Cell = str | int | float | None | Markup


@dataclass(frozen=True, slots=True)
class KeyFigure:
    """One number that matters: `KeyFigure("0.93", "held-out reward", "0.31 before training")`."""

    value: str
    label: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Marks:
    """What a document scored. None is *not scored* and is shown so, never as 0; `note` says why.

    Components between 0 and 1 are drawn as bars; others are cut off at the ends and keep their number.
    """

    value: float | None
    components: Mapping[str, float | None] = field(default_factory=dict)
    note: str = ""


def heading(text: str, *, level: Literal[2, 3, 4] = 2, kicker: str = "") -> Markup:
    """A section heading, with an optional small line above it."""
    return macro("blocks", "heading", text=text, level=level, kicker=kicker)


def prose(markdown: str) -> Markup:
    """Running text, written in Markdown. Pictures and HTML in it are text."""
    return macro("blocks", "prose", body=to_html(showable(markdown), level=3))


def key_figures(*figures: KeyFigure) -> Markup:
    """A row of large numbers."""
    return macro("blocks", "key_figures", figures=figures)


def table(columns: Sequence[str], rows: Sequence[Sequence[Cell]], *, caption: str = "") -> Markup:
    """A table. Columns that hold numbers only are set right-aligned; None is shown as a dash.

    Raises ValueError for a row whose length is not that of `columns`.
    """
    for number, row in enumerate(rows, 1):
        if len(row) != len(columns):
            raise ValueError(f"row {number} has {len(row)} cells, but there are {len(columns)} columns")
    heads = [
        {"name": name, "numeric": all(_is_number(row[i]) or row[i] is None for row in rows)}
        for i, name in enumerate(columns)
    ]
    body = [[(_cell(cell), head) for cell, head in zip(row, heads, strict=True)] for row in rows]
    return macro("blocks", "table", columns=heads, rows=body, caption=caption)


def chart(figure: Figure, *, alt: str, caption: str = "") -> Markup:
    """A matplotlib figure as SVG, in light and in dark. `alt` says what it shows to someone who cannot see it."""
    from llmi_sandbox.report.plots import to_svg

    width, height = (round(96 * inches) for inches in figure.get_size_inches())
    return macro(
        "blocks",
        "chart",
        light=svg_uri(to_svg(figure)),
        dark=svg_uri(to_svg(figure, dark=True)),
        width=width,
        height=height,
        alt=alt,
        caption=caption,
    )


def side_by_side(left: Markup, right: Markup, *, labels: tuple[str, str] = ("Before", "After")) -> Markup:
    """Two blocks beside each other, above each other where the page is narrow."""
    return macro("blocks", "side_by_side", sides=list(zip(labels, (left, right), strict=True)))


def request(prompt: str, constraint: Constraint | None = None) -> Markup:
    """What a document was asked for: the prompt in quotes, the constraint in small chips."""
    return macro("blocks", "request", prompt=prompt, chips=_chips(constraint) if constraint else ())


def document_card(
    rendered: RenderedDocument,
    *,
    title: str = "",
    prompt: str = "",
    constraint: Constraint | None = None,
    marks: Marks | None = None,
) -> Markup:
    """A document on a card: what was asked, what was wanted, what came, and how it was scored."""
    return macro(
        "blocks",
        "card",
        title=title,
        asked=request(prompt, constraint) if prompt or constraint else "",
        document=document_view(rendered, level=4),
        marks=_marks(marks) if marks else "",
    )


def code(text: str, *, label: str = "") -> Markup:
    """A block of code or output."""
    return macro("blocks", "code", text=text, label=label, prompt=False)


def command(text: str, *, label: str = "") -> Markup:
    """Something to type: one click selects all of it."""
    return macro("blocks", "code", text=text, label=label, prompt=True)


def callout(markdown: str, *, title: str = "", kind: Literal["note", "warning"] = "note") -> Markup:
    """A remark set apart from the text."""
    return macro("blocks", "callout", title=title, body=to_html(showable(markdown), level=4), kind=kind)


def fold(summary: str, *blocks: Markup, opened: bool = False) -> Markup:
    """Blocks behind a line that opens them; for what few readers need."""
    return macro("blocks", "fold", summary=summary, blocks=blocks, opened=opened)


def _is_number(cell: Cell) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool)


def _cell(cell: Cell) -> str | Markup:
    match cell:
        case None:
            return "–"
        case float():
            return f"{cell:.3g}" if abs(cell) < 1000 else f"{cell:,.0f}"
        case int() if not isinstance(cell, bool):
            return f"{cell:,}"
        case str():
            return cell
        case _:
            return str(cell)


def _chips(constraint: Constraint) -> list[str]:
    count = constraint.count
    pictures = "picture" if count.maximum == 1 or (count.minimum == 1 and count.maximum is None) else "pictures"
    numbers = {"none": "no pictures", "any": "any number of pictures"}
    return [
        numbers.get(str(count), f"{count} {pictures}"),
        *(f"uses {tool}" for tool in sorted(constraint.required_tools)),
    ]


def _marks(marks: Marks) -> Markup:
    rows = [{"name": name, "width": _percent(value), "text": _mark(value)} for name, value in marks.components.items()]
    return macro("blocks", "marks", value=_mark(marks.value), rows=rows, note=marks.note)


def _mark(value: float | None) -> str:
    return "not scored" if value is None else f"{value:.2f}"


def _percent(value: float | None) -> str:
    """The length of a bar; nothing at all, rather than a bar at zero, for what was not scored."""
    return "" if value is None else f"{100 * min(1.0, max(0.0, value)):.1f}"
