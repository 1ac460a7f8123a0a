"""What any text must pass before it reaches a page: characters that can be shown, links that can be followed."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

# U+FDD0..FDEF are no characters at all; `markdown` marks places with two of them, so none may come from outside
_UNSHOWABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")


def showable(text: str) -> str:
    """The text with what a page cannot hold or a reader cannot see made visible.

    Control characters and half surrogate pairs become U+FFFD. Characters that reorder their neighbours are
    spelled out, so that code never reads differently from what ran (https://trojansource.codes).
    """
    return _BIDI.sub(lambda found: f"[U+{ord(found[0]):04X}]", _UNSHOWABLE.sub("\ufffd", text))


def followable(url: str | None) -> bool:
    """Whether a page may link there: an absolute http or https address, or mailto."""
    if not url or showable(url) != url or any(c in url for c in " \t\r\n\\"):
        return False
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) if parts.scheme in {"http", "https"} else parts.scheme == "mailto"
    except ValueError:
        return False
