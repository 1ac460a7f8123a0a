"""Pieces of a document that is still being written, for a page that shows them as they come (`llmi-train studio`).

Whole documents, and what they look like in the end, are `document_view`'s. A piece shown here is set as it is there,
but for Markdown that reaches across a figure.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files

from markupsafe import Markup

from llmi_sandbox.report.blocks import Marks, _marks
from llmi_sandbox.report.document import _params, _pieces, figure
from llmi_sandbox.report.macros import environment, macro
from llmi_sandbox.report.markdown import to_html
from llmi_sandbox.report.pages import _stylesheet
from llmi_sandbox.report.text import showable
from llmi_schema import BadTag, Picture, Tag, Thought, ToolResult


def live_prose(markdown: str) -> Markup:
    """The prose between two figures, however far it has come."""
    return to_html(showable(markdown), level=2)


def live_thought(source: str) -> Markup:
    """A thought that has ended, folded up."""
    return _joined(Thought(0, source, True), None)


def live_waiting(tag: Tag) -> Markup:
    """Where a figure will stand, while its tool runs."""
    return macro("live", "waiting", number=tag.index + 1, tool=tag.tool, description=tag.call.description)


def live_figure(tag: Tag | BadTag, result: ToolResult) -> Markup:
    """A tag's figure, or the reason there is none."""
    return _joined(tag, result)


def live_call(
    tag: Tag | BadTag, result: ToolResult | None, *, price: float | None = None, currency: str = ""
) -> Markup:
    """One call in a list of calls: the tool, its request, what became of it, how long it took and what it cost.

    Args:
        result: None while it runs.
        price: what it cost; None where that is not known.
        currency: before the price.
    """
    return macro(
        "live",
        "call",
        number=tag.index + 1,
        tool=tag.tool or "unreadable tag",
        request="" if isinstance(tag, BadTag) else _request(tag),
        result=result,
        cost=None if price is None else f"{currency}{price:.4g}",
    )


def live_input(picture: Picture, number: int) -> Markup:
    """One of the user's pictures."""
    return figure(picture, alt="A picture given by the user", number=number)


def live_marks(marks: Marks) -> Markup:
    """What a document scored, part by part."""
    return _marks(marks)


def studio_page(*, token: str, model: str, tools: str, reward: str | None) -> tuple[str, str]:
    """The studio's one page, and the Content-Security-Policy to send with it.

    Args:
        token: what the page's requests must carry.
        model, tools, reward: shown in its colophon.
    """
    css = Markup("{}\n{}").format(_stylesheet(), _text("studio.css"))
    html = (
        environment().get_template("studio.html").render(token=token, model=model, tools=tools, reward=reward, css=css)
    )
    digest = base64.b64encode(hashlib.sha256(f"{css}".encode()).digest()).decode("ascii")
    policy = (
        f"default-src 'none'; script-src 'self'; style-src 'sha256-{digest}'; img-src data: blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return f"{html}\n", policy


def studio_script() -> str:
    """The page's script."""
    return files("llmi_sandbox.report").joinpath("studio.js").read_text(encoding="utf-8")


def _request(tag: Tag) -> str:
    """What a call asks for, in a line; of code, what it draws."""
    _, *params = _params(tag)
    words = [value for _, value, is_block in params if not is_block]
    return ": ".join(words) or tag.call.description


@cache
def _text(name: str) -> Markup:
    css = files("llmi_sandbox.report").joinpath(name).read_text(encoding="utf-8")
    if "</" in css:
        raise ValueError(f"{name} holds `</`, which would end its element")
    return Markup(css)  # noqa: S704 - a file of this package


def _joined(segment: Tag | BadTag | Thought, result: ToolResult | None) -> Markup:
    return Markup("").join(piece for piece in _pieces(segment, result, None) if isinstance(piece, Markup))
