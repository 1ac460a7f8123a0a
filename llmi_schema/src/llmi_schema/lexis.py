"""The two lexical elements of a document that are not plain words: free text and JSON strings.

Each is a small automaton over characters, stated once. Recogniser, Lark, EBNF and `re` forms are read off it.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

DEAD = -1
"""The target of a character that no continuation can make right again."""

FORBIDDEN = ("<imgen>", "</imgen>", "<image>", "<think>", "</think>", "```", "~~~")
"""What free text never holds: every mark at which `parse` stops reading prose, or which a lenient reader takes
for a picture. A run of three backticks or tildes opens a code fence, in which tags are text, so it is left out
wherever it stands."""

_HEX = "0123456789abcdefABCDEF"
_CONTROLS = "".join(map(chr, range(0x20)))


@dataclass(frozen=True)
class State:
    """`edges` for the characters that matter, `other` for every other character, non-ASCII ones included."""

    accepting: bool
    edges: MappingProxyType[str, int]
    other: int


@dataclass(frozen=True)
class Lexeme:
    """A deterministic automaton over characters; state 0 is the start. Only ASCII characters have edges."""

    name: str
    states: tuple[State, ...]


def _text() -> Lexeme:
    """Any text without the forbidden words (the complement of Aho and Corasick's automaton)."""
    prefixes = sorted({word[:n] for word in FORBIDDEN for n in range(len(word))}, key=lambda p: (len(p), p))
    number = {prefix: i for i, prefix in enumerate(prefixes)}

    def follow(prefix: str, character: str) -> int:
        seen = prefix + character
        if any(seen.endswith(word) for word in FORBIDDEN):
            return DEAD
        return next(number[seen[i:]] for i in range(len(seen) + 1) if seen[i:] in number)

    alphabet = sorted(set("".join(FORBIDDEN)))
    return Lexeme("text", tuple(_state(True, {c: follow(p, c) for c in alphabet}, 0) for p in prefixes))


def _string() -> Lexeme:
    r"""A strict JSON string with its quotes: no raw `</`, and surrogate escapes in pairs only.

    Python's `json` accepts half a pair and makes text of it that cannot be encoded, so the grammar may not.
    """
    begin, body, less, end, escape, u = 0, 1, 2, 3, 4, 5
    any3, any2, any1, after_d = 6, 7, 8, 9  # hex digits still to come
    high2, high1, pair, pair_u, pair_d, low = 10, 11, 12, 13, 14, 15

    def hexes(target: int, digits: str = _HEX) -> dict[str, int]:
        return dict.fromkeys(digits, target)

    inside = {'"': end, "\\": escape, "<": less} | dict.fromkeys(_CONTROLS, DEAD)
    states = {
        begin: _state(False, {'"': body}),
        body: _state(False, inside, body),
        less: _state(False, inside | {"/": DEAD}, body),
        end: _state(True, {}),
        escape: _state(False, dict.fromkeys('"\\/bfnrt', body) | {"u": u}),
        u: _state(False, hexes(any3) | hexes(after_d, "dD")),
        any3: _state(False, hexes(any2)),
        any2: _state(False, hexes(any1)),
        any1: _state(False, hexes(body)),
        after_d: _state(False, hexes(any2, "01234567") | hexes(high2, "89abAB")),
        high2: _state(False, hexes(high1)),
        high1: _state(False, hexes(pair)),
        pair: _state(False, {"\\": pair_u}),
        pair_u: _state(False, {"u": pair_d}),
        pair_d: _state(False, dict.fromkeys("dD", low)),
        low: _state(False, hexes(any2, "cdefCDEF")),
    }
    return Lexeme("string", tuple(states[i] for i in range(len(states))))


def _state(accepting: bool, edges: dict[str, int], other: int = DEAD) -> State:
    return State(accepting, MappingProxyType({c: t for c, t in edges.items() if t != other}), other)


TEXT = _text()
STRING = _string()

TEXT_REGEX = "(?s:(?!{})(?:.))*".format("|".join(FORBIDDEN))
"""Free text for Python's `re`; written by hand, so that tests can hold the automaton against it."""

STRING_REGEX = (
    r'"(?:[^"\\<\x00-\x1f]|<(?!/)'
    r'|\\(?:["\\/bfnrt]|u(?:[0-9a-cA-CefEF][0-9a-fA-F]{3}|[dD][0-7][0-9a-fA-F]{2}'
    r'|[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})))*"'
)
"""A JSON string for Python's `re`."""
