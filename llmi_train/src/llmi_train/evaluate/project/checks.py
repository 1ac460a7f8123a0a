"""What a rule can tell of a criterion. A careful reader without eyes: words, numbers, tables, and what pictures show by
the data and words they were made from.

Rules know the words they look for and no others. They are exact on the shipped documents and approximate on a model's,
so that scores by rules and by a judge are never mixed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from llmi_schema import RenderedDocument, Tag, Text

_HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*$", re.MULTILINE)
_ITEM = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+\S", re.MULTILINE)
_ROW = re.compile(r"^\s*\|(.+)\|\s*$", re.MULTILINE)
_PICTURE = re.compile(r"\x00(\d+)\x00")


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Shown(_Value):
    """A delivered picture: made by one of the tools, its call matching every pattern of `shows`.

    Attributes:
        edits: the picture it is an edit of, by its number.
        after: a pattern that the text before it matches.
    """

    tool: str = ""
    shows: tuple[str, ...] = ()
    edits: int | None = None
    after: str = ""


class Check(_Value):
    """Conditions that must all hold. Patterns are regular expressions, upper and lower case the same.

    Attributes:
        section: the heading under which everything else is looked for; the whole document without one.
        says, never: patterns in the text.
        order: patterns that appear in this order.
        words, items, pictures: least and most words, list items, delivered pictures.
        columns: patterns of a table's column heads; `rows`: how many rows it has at least.
        picture: what is to be shown.
    """

    section: str = ""
    says: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    words: tuple[int, int] | None = None
    items: tuple[int, int] | None = None
    pictures: tuple[int, int] | None = None
    columns: tuple[str, ...] = ()
    rows: int | None = None
    picture: Shown | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """A rendered document as the rules read it: text in which a number between NULs stands for a delivered picture."""

    text: str
    calls: dict[int, Tag]

    @classmethod
    def of(cls, rendered: RenderedDocument) -> Reading:
        text, calls = "", {}
        unclosed = rendered.document.open_tag
        for segment, result in rendered.parts():
            if isinstance(segment, Text):
                source = segment.source
                if unclosed is not None and unclosed >= segment.start:
                    source = source[: unclosed - segment.start]  # a tag that is never closed says nothing to a reader
                text += source.replace("\0", "")
            elif isinstance(segment, Tag) and result is not None and result.picture is not None:
                calls[segment.index] = segment
                text += f"\0{segment.index}\0"
        return cls(text, calls)

    def section(self, pattern: str) -> str | None:
        """The text under the first heading that matches, down to the next of its rank."""
        heads = list(_HEADING.finditer(self.text))
        for at, head in enumerate(heads):
            if _found(pattern, head[2]):
                ends = (h.start() for h in heads[at + 1 :] if len(h[1]) <= len(head[1]))
                return self.text[head.end() : next(ends, len(self.text))]
        return None


def mark(check: Check, reading: Reading) -> tuple[int, str]:
    """0, 1 or 2 and why: 2 where all conditions hold, 1 where at least half of them do."""
    failed: list[str] = []
    number = 0
    for condition, held in _conditions(check, reading):
        number += 1
        if not held:
            failed.append(condition)
    if not failed:
        return 2, ""
    return int(2 * len(failed) <= number), "; ".join(dict.fromkeys(failed))


def _conditions(check: Check, reading: Reading) -> Iterator[tuple[str, bool]]:
    text, where = reading.text, ""
    if check.section:
        section = reading.section(check.section)
        text, where = section or "", " in its section"
        yield "the section is not there", section is not None
    words = " ".join(_PICTURE.sub(" ", text).split())
    for pattern in check.says:
        yield f"it is not said{where}", _found(pattern, words)
    for pattern in check.never:
        found = re.search(pattern, words, re.IGNORECASE)
        yield f"it says {found[0] if found else ''!r}{where}", found is None
    if check.order:
        yield f"they are not there in this order{where}", _ordered(check.order, words)
    yield from _counts(check, text, words, where)
    if check.columns or check.rows is not None:
        yield f"there is no such table with {check.rows or 1} rows{where}", _table(check, text)
    if check.picture is not None:
        yield f"no such picture was delivered{where}", _shown(check.picture, text, reading)


def _counts(check: Check, text: str, words: str, where: str) -> Iterator[tuple[str, bool]]:
    found = {
        "words": (check.words, len(re.findall(r"\w[\w'’.,-]*", words))),
        "list items": (check.items, len(_ITEM.findall(text))),
        "pictures": (check.pictures, len(_PICTURE.findall(text))),
    }
    for name, (wanted, count) in found.items():
        if wanted is not None:
            yield f"{count} {name}{where}, not {wanted[0]} to {wanted[1]}", wanted[0] <= count <= wanted[1]


def _found(pattern: str, text: str) -> bool:
    return re.search(pattern, text, re.IGNORECASE) is not None


def _ordered(patterns: tuple[str, ...], words: str) -> bool:
    at = 0
    for pattern in patterns:
        match = re.compile(pattern, re.IGNORECASE).search(words, at)
        if match is None:
            return False
        at = match.end()
    return True


def _table(check: Check, text: str) -> bool:
    rows = [[cell.strip() for cell in row.split("|")] for row in _ROW.findall(text)]
    for at, row in enumerate(rows):
        if all(any(_found(column, cell) for cell in row) for column in check.columns):
            body = [one for one in rows[at + 1 :] if not all(set(cell) <= set("-: ") for cell in one)]
            return len(body) >= (check.rows or 1)
    return False


def _shown(wanted: Shown, text: str, reading: Reading) -> bool:
    for match in _PICTURE.finditer(text):
        tag = reading.calls[int(match[1])]
        call = tag.call.model_dump()
        said = "\n".join([call["description"], *map(str, call["params"].values())])
        if (
            (not wanted.tool or tag.tool == wanted.tool)
            and all(_found(pattern, said) for pattern in wanted.shows)
            and (wanted.edits is None or call["params"].get("img_index") == wanted.edits)
            and (not wanted.after or _found(wanted.after, text[: match.start()]))
        ):
            return True
    return False
