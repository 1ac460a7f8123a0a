"""Whether a prompt stays implicit: it may say what the reader should see, never which tool makes it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache

from llmi_data.validation.tool_words import ENGLISH, EVERYWHERE, OTHERS


@dataclass(frozen=True)
class Naming:
    """A place where a prompt names a tool, and why that gives the answer away."""

    words: str
    tool: str
    why: str


@cache
def _rules() -> tuple[tuple[str, re.Pattern[str], str], ...]:
    """Compiled when first needed: there are many."""
    # A Latin name ends where other letters begin: 用Python绘制.
    groups = ((EVERYWHERE, re.IGNORECASE | re.ASCII), (ENGLISH, re.IGNORECASE), (OTHERS, re.IGNORECASE))
    return tuple((tool, re.compile(pattern, flags), why) for rules, flags in groups for tool, pattern, why in rules)


@lru_cache(maxsize=2048)  # a draft is looked at when it is written, and again when its row is checked
def tool_namings(text: str) -> tuple[Naming, ...]:
    """Every place where `text` names a tool; empty for an implicit prompt.

    The rules know some twenty languages. What they do not know is for a judge to find.
    """
    return tuple(Naming(match[0], tool, why) for tool, rule, why in _rules() for match in rule.finditer(text))
