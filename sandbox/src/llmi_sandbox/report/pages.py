"""One self-contained HTML file: no scripts, no requests, and a policy in it that lets a browser enforce both."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from markupsafe import Markup

from llmi_sandbox.report.blocks import request
from llmi_sandbox.report.document import document_view
from llmi_sandbox.report.macros import environment
from llmi_sandbox.report.markdown import first_heading, to_html
from llmi_sandbox.report.text import showable
from llmi_schema import RenderedDocument, Text


def page(
    title: str,
    blocks: Iterable[Markup],
    *,
    kicker: str = "",
    lede: str = "",
    footer: str = "",
    language: str = "en",
    show_title: bool = True,
) -> str:
    """A whole HTML document.

    Args:
        title: of the page and of the browser's tab.
        blocks: fragments in order (`llmi_sandbox.report`'s functions); a plain str is escaped.
        kicker: a small line above the title.
        lede: a sentence or two below it, Markdown.
        footer: last words, Markdown.
        language: of the page, as in the `lang` attribute.
        show_title: False where the blocks bring their own first-level heading.
    """
    css = _stylesheet()
    html = (
        environment()
        .get_template("page.html")
        .render(
            title=title,
            blocks=blocks,
            kicker=kicker,
            lede=to_html(showable(lede)) if lede else "",
            footer=to_html(showable(footer)) if footer else "",
            language=language,
            show_title=show_title,
            css=css,
            policy=_policy(css),
        )
    )
    return f"{html}\n"


def document_page(rendered: RenderedDocument, *, title: str | None = None, prompt: str | None = None) -> str:
    """A page for one document.

    Args:
        rendered: the document and its pictures.
        title: default: the heading the document opens with.
        prompt: what was asked, shown above the document.
    """
    own = first_heading("".join(s.source for s in rendered.document.segments if isinstance(s, Text)))
    opens_itself = title is None and own is not None
    blocks = [request(prompt)] if prompt else []
    blocks.append(document_view(rendered, level=1 if opens_itself else 2))
    return page(title or own or "An illustrated document", blocks, show_title=not opens_itself)


@cache
def _stylesheet() -> Markup:
    css = files("llmi_sandbox.report").joinpath("style.css").read_text(encoding="utf-8")
    if "</" in css:
        raise ValueError("style.css holds `</`, which would end its element")
    return Markup(f"\n{css}")  # noqa: S704 - a file of this package


def _policy(css: str) -> str:
    """Only this stylesheet, by its hash, and pictures inside the file; no scripts, frames, forms or requests."""
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode("ascii")
    return f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
