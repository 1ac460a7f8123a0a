"""Markdown that stays what it is whatever is put into it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_SIGNS = re.compile(r"([\\`*_\[\]<>|#~$])")


def inline(text: object) -> str:
    """Text from rows and files, on one line, with nothing in it taken for markup."""
    return _SIGNS.sub(r"\\\1", " ".join(str(text).split()))


def code(text: object) -> str:
    """A name, letter by letter, fit for a cell of a table too."""
    return f"`{' '.join(str(text).split()).replace('`', '´').replace('|', '¦')}`"


def quoted(text: str) -> str:
    """A block quote of text from a row, its lines kept."""
    return "\n".join(f"> {inline(line)}  " if line.strip() else ">" for line in text.strip().splitlines())


def table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: bool = False, right_columns: Sequence[int] = ()
) -> str:
    """A table whose cells are Markdown already; numbers stand right, in all columns but the first or in those named."""
    aligned = set(range(1, len(columns))) if right else set(right_columns)
    rule = ["---:" if place in aligned else "---" for place in range(len(columns))]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (columns, rule, *rows))


def bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def folded(summary: str, block: str) -> str:
    """A block that is shown when its summary is clicked. The blank lines let Markdown go on inside."""
    return f"<details><summary>{summary}</summary>\n\n{block}\n\n</details>"


def percent(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.1%}"


def share(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"


def money(value: float) -> str:
    return f"{value:,.2f}" if value >= 1 else f"{value:.4f}"
