"""The grammar's one intermediate representation: rules over nine kinds of expression."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from llmi_schema.calls import CLOSE_THOUGHT


@dataclass(frozen=True)
class Literal:
    """Exactly this text (ASCII or not)."""

    text: str


@dataclass(frozen=True)
class Digit:
    """One digit from `low` to `high`."""

    low: str
    high: str


@dataclass(frozen=True)
class JsonString:
    """`llmi_schema.lexis.STRING`, with its quotes."""


@dataclass(frozen=True)
class FreeText:
    """`llmi_schema.lexis.TEXT`, possibly empty."""


@dataclass(frozen=True)
class TextUntil:
    """Free text, then the marker, which free text cannot hold. One element, because lexers need it as one."""

    marker: str


@dataclass(frozen=True)
class ThoughtUntilEnd:
    """`llmi_schema.lexis.THOUGHT` and the `</think>` that ends it."""


@dataclass(frozen=True)
class Sequence:
    items: tuple[Expression, ...]


@dataclass(frozen=True)
class Choice:
    options: tuple[Expression, ...]


@dataclass(frozen=True)
class Reference:
    name: str


Expression = Literal | Digit | JsonString | FreeText | TextUntil | ThoughtUntilEnd | Sequence | Choice | Reference


@dataclass(frozen=True)
class Rules:
    """Named expressions without recursion; `start` names the whole document."""

    start: str
    named: Mapping[str, Expression]


def sequence(items: Iterable[Expression]) -> Expression:
    """Flattened, with neighbouring literals joined."""
    flat: list[Expression] = []
    for item in items:
        for part in item.items if isinstance(item, Sequence) else (item,):
            if isinstance(part, Literal) and flat and isinstance(flat[-1], Literal):
                flat[-1] = Literal(flat[-1].text + part.text)
            elif part != Literal(""):
                flat.append(part)
    return flat[0] if len(flat) == 1 else Sequence(tuple(flat))


def choice(options: Iterable[Expression]) -> Expression:
    """Without repetitions."""
    distinct = tuple(dict.fromkeys(options))
    return distinct[0] if len(distinct) == 1 else Choice(distinct)


def longest_skeleton(expression: Expression) -> int:
    """Bytes of the longest text with empty strings in it, up to the next rule."""
    match expression:
        case Literal(text):
            return len(text.encode())
        case Digit():
            return 1
        case JsonString():
            return len('""')
        case TextUntil(marker):
            return len(marker.encode())
        case ThoughtUntilEnd():
            return len(CLOSE_THOUGHT)
        case Sequence(items):
            return sum(map(longest_skeleton, items))
        case Choice(options):
            return max(map(longest_skeleton, options))
        case FreeText() | Reference():
            return 0
