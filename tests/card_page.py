"""A repository's card as a page, much as the Hub shows it."""

from __future__ import annotations

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1f2328; max-width: 860px; margin: 32px auto; padding: 0 24px }
h1, h2 { border-bottom: 1px solid #d8dee4; padding-bottom: .25em } h2 { margin-top: 1.6em }
table { border-collapse: collapse; margin: 12px 0; font-size: 14px; display: block; overflow-x: auto }
td, th { border: 1px solid #d8dee4; padding: 5px 11px } tr:nth-child(even) td { background: #f6f8fa }
code { background: #eff1f3; padding: .15em .35em; border-radius: 5px; font-size: 85% }
pre { background: #f6f8fa; padding: 14px; border-radius: 6px; overflow-x: auto } pre code { background: none }
blockquote { border-left: 4px solid #d8dee4; color: #59636e; margin: 0; padding: 0 1em } img { max-width: 100% }
"""


def as_page(card: str, base: str = "") -> str:
    """The card without its head. `base` is where its pictures are, as seen from the page."""
    from markdown_it import MarkdownIt

    body = MarkdownIt("commonmark", {"html": True}).enable("table").render(card.split("---\n", 2)[2])
    return f'<!doctype html><meta charset="utf-8"><base href="{base}"><style>{STYLE}</style>{body}'
