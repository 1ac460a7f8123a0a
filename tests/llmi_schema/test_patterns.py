"""The parser's patterns do without what `re` gets wrong in the oldest Python that is supported."""

from __future__ import annotations

from collections.abc import Iterator
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as regular  # type: ignore[attr-defined]
from typing import Any

import pytest

from llmi_schema import DEFAULT_LANGUAGE, reading
from llmi_schema.scanner import scanner

PATTERNS = [
    *(scanner(DEFAULT_LANGUAGE, dialect, fences).pattern for dialect in ("json", "python") for fences in (True, False)),
    reading._JSON_TAG,
    reading._WHOLE_CHARACTERS,
]
SINGLE = {codes.IN, codes.LITERAL, codes.NOT_LITERAL, codes.ANY}


def repeated_groups(parsed: Any) -> Iterator[Any]:
    """What is repeated possessively without being one character or an atomic group."""
    for code, value in parsed:
        if code is codes.POSSESSIVE_REPEAT:
            body = value[2]
            if len(body) != 1 or body[0][0] not in {codes.ATOMIC_GROUP, *SINGLE}:
                yield body
        for inner in value if isinstance(value, tuple) else [value]:
            for part in inner if isinstance(inner, list) else [inner]:
                if isinstance(part, regular.SubPattern):
                    yield from repeated_groups(part)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_only_atomic_groups_are_repeated_possessively(pattern: Any) -> None:
    """Before 3.11.5 a possessive repeat stays where its group failed: `parse` found no tag on Debian 12's Python."""
    assert list(repeated_groups(regular.parse(pattern.pattern, pattern.flags))) == []


def test_the_fault_is_found() -> None:
    assert len(list(repeated_groups(regular.parse(r"(?P<a>x|(?:ab?c)*+)[^<]*+")))) == 1
