"""Visible prose, measured so that nothing invisible adds to it."""

from __future__ import annotations

import re

# Literal placeholders, HTML tags and Markdown pictures are marks, not text. Every part is bounded: linear time.
_NO_PROSE = re.compile(r"</?[A-Za-z][^<>\n]{0,500}+>|!\[[^\[\]\n]{0,500}+\]\([^()\n]{0,2000}+\)")


def prose_length(text: str) -> int:
    """How many characters of a text a reader sees as prose.

    White space runs count as one character, none at the ends. Picture marks (`<image>`, Markdown, HTML) and
    characters without a glyph (zero-width, control) do not count.
    """
    if "<" in text or "![" in text:
        text = _NO_PROSE.sub(" ", text)
    text = " ".join(text.split())
    if text.isascii() and text.isprintable():
        return len(text)
    return sum(character.isprintable() for character in text)
