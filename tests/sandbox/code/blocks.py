"""Read collections of code kept in Markdown: a heading per piece, the code below it, families written once."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

_ENTRY = re.compile(r"^## (?P<head>.+?)\n```python\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


def read(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Topic, heading and code of every piece, in a fixed order.

    `## bars: WIDTH = 0.3 | 0.8` is a family: one piece per value, with the word replaced in the code. Several words,
    parted by `; `, give every combination.
    """
    for file in sorted(folder.glob("*.md")):
        for entry in _ENTRY.finditer(file.read_text(encoding="utf-8")):
            title, _, families = entry["head"].partition(": ")
            choices = [_choices(family) for family in families.split("; ")] if families else []
            for values in itertools.product(*choices):
                code = entry["code"]
                for word, value in values:
                    code = code.replace(word, value)
                yield file.stem, " ".join([title, *(f"{word}={value}" for word, value in values)]), code


def _choices(family: str) -> list[tuple[str, str]]:
    """`WORD = a | b` as the pairs (WORD, a), (WORD, b); a doubled backslash is one."""
    word, values = family.split(" = ", 1)
    return [(word, value.replace("\\\\", "\\")) for value in values.split(" | ")]
