"""The one pattern with which `parse` goes through a text: prose, then a tag, a thought or the end, again and again.

Every part is possessive: whatever the text, no character is looked at more than a few times. Possessive repeats are of
atomic groups, because before 3.11.5 `re` stays where a possessive repeat of any other group failed (gh-106052). Most
tags are judged by the pattern alone (see `llmi_schema.shapes`), the others by `Reader`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from llmi_schema.language import Language
from llmi_schema.reading import JSON_TAG, Dialect, Reader
from llmi_schema.shapes import right_tag, shortest_body

_PROSE = r"[^<]*+(?><(?!imgen>|think>)[^<]*+)*+"

# A fence as in CommonMark: up to three spaces of indentation; what follows backticks on the opening line holds no
# backtick; it ends with a line of at least as many of the same marks, or with the text. `re` in CPython 3.11 loses
# groups inside possessive repeats, so only fences of three marks are part of prose; longer ones are pieces.
_FENCE = (
    r"(?:\n|\A) {{0,3}}{marks}{rest}"
    r"(?>\n(?! {{0,3}}{closing}[ \t\r]*+(?:\n|\Z))[^\n]*+)*+(?>\n[^\n]*+)?+"
)
_AFTER_BACKTICKS = r"[^`\n]*+(?=\n|\Z)"
_FENCES = (
    _FENCE.format(marks="`{3}(?!`)", rest=_AFTER_BACKTICKS, closing="`{3,}+"),
    _FENCE.format(marks="~{3}(?!~)", rest=r"[^\n]*+", closing="~{3,}+"),
)
_LONG_FENCES = (
    _FENCE.format(marks="(?P<backticks>`{4,}+)", rest=_AFTER_BACKTICKS, closing="(?P=backticks)`*+"),
    _FENCE.format(marks="(?P<tildes>~{4,}+)", rest=r"[^\n]*+", closing="(?P=tildes)~*+"),
)
_NO_LONG_FENCE = rf"(?!(?:\n|\A) {{0,3}}(?:`{{4,}}+{_AFTER_BACKTICKS}|~{{4}}))"
_PROSE_WITH_FENCES = rf"(?>{'|'.join(_FENCES)}|{_NO_LONG_FENCE}(?:\n|[^<\n]++)|<(?!imgen>|think>))*+"

_CLOSED_TAG = r"<imgen>[^<]*+(?><(?!/imgen>)[^<]*+)*+</imgen>"
_THOUGHT = r"<think>[^<]*+(?><(?!/think>)[^<]*+)*+</think>"


@dataclass(frozen=True)
class Scanner:
    """A pattern, and what its groups mean: `Match.lastindex` tells which kind of piece a match ends with.

    Attributes:
        reader: reads the tags that are found.
        shortest: no tag of fewer characters is a call.
        tools: for the groups of tags known to be right, their tool.
        targets: for those of them that work on a picture, the group of its index.
        unsure: the group of tags that only `reader` can judge.
        wrong: the groups of closed tags that are no call, whatever the reader would say.
        thought, open_thought: the group of thoughts that end, and of the one that does not.
        open: the group of an `<imgen>` that is never closed, with all that follows it.
        fence: the group of long code fences, which are prose; 0 when fences were not asked for.
    """

    pattern: re.Pattern[str]
    reader: Reader
    shortest: int
    tools: Mapping[int, str]
    targets: Mapping[int, int]
    unsure: int
    wrong: frozenset[int]
    thought: int
    open_thought: int
    open: int
    fence: int


@lru_cache(maxsize=64)
def scanner(language: Language, dialect: Dialect, fences: bool) -> Scanner:
    """The scanner for a language and a dialect; `fences` when the text holds what may open a code fence."""
    tools = {}
    if dialect == "json":
        tools = {f"tool{i}": right for i, call in enumerate(language.calls) if (right := right_tag(call, f"at{i}"))}
    # The first is a shortcut: most bad tags quote nothing, and then they are no call.
    kinds = {"unquoted": """<imgen>[^<"']*+</imgen>""", "thought": _THOUGHT, **tools}
    kinds |= {"unsure": JSON_TAG, "wrong": _CLOSED_TAG} if dialect == "json" else {"unsure": _CLOSED_TAG}
    kinds |= {"open_thought": r"<think>(?s:.*+)", "open": r"<imgen>(?s:.*+)"}
    if fences:
        kinds["fence"] = "|".join(_LONG_FENCES)
    pieces = "|".join(f"(?P<{name}>{pattern})" for name, pattern in kinds.items())
    pattern = re.compile(rf"{_PROSE_WITH_FENCES if fences else _PROSE}(?:{pieces}|\Z)")
    group = pattern.groupindex
    return Scanner(
        pattern=pattern,
        reader=Reader(language, dialect),
        shortest=len("<imgen></imgen>") + min(map(shortest_body, language.calls)),
        tools={group[name]: language.tools[int(name.removeprefix("tool"))] for name in tools},
        targets={group[name]: group[at] for name in tools if (at := name.replace("tool", "at")) in group},
        unsure=group["unsure"],
        wrong=frozenset(group[name] for name in ("unquoted", "wrong") if name in group),
        thought=group["thought"],
        open_thought=group["open_thought"],
        open=group["open"],
        fence=group.get("fence", 0),
    )
