"""The lexical elements of a document that are not plain words: free text, JSON strings and thoughts.

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

FORBIDDEN_IN_STRINGS = ("</", "<imgen>")
"""What a string inside a tag never holds as it stands: `to_tag` escapes both."""

FORBIDDEN_IN_THOUGHTS = ("</think>",)
"""What a thought never holds: it would end there. Anything else, tags and fences too, is the writer's own business."""

_HEX = "0123456789abcdefABCDEF"
_CONTROLS = "".join(map(chr, range(0x20)))


@dataclass(frozen=True)
class State:
    """`edges` for the characters that matter, `other` for every other character, non-ASCII ones included."""

    accepting: bool
    edges: MappingProxyType[str, int]
    other: int


@dataclass(frozen=True, eq=False)
class Lexeme:
    """A deterministic automaton over characters; state 0 is the start. Only ASCII characters have edges."""

    name: str
    states: tuple[State, ...]


def _avoiding(words: tuple[str, ...]) -> tuple[dict[str, int], ...]:
    """Edges of Aho and Corasick's automaton for the words, with what completes a word dead; the rest leads to 0."""
    prefixes = sorted({word[:n] for word in words for n in range(len(word))}, key=lambda p: (len(p), p))
    number = {prefix: i for i, prefix in enumerate(prefixes)}

    def follow(prefix: str, character: str) -> int:
        seen = prefix + character
        if any(seen.endswith(word) for word in words):
            return DEAD
        return next(number[seen[i:]] for i in range(len(seen) + 1) if seen[i:] in number)

    return tuple({c: follow(p, c) for c in sorted(set("".join(words)))} for p in prefixes)


def _anything_but(name: str, words: tuple[str, ...]) -> Lexeme:
    return Lexeme(name, tuple(_state(True, edges, 0) for edges in _avoiding(words)))


def _string() -> Lexeme:
    r"""A strict JSON string with its quotes, without the words forbidden there, and surrogate escapes in pairs only.

    Python's `json` accepts half a pair and makes text of it that cannot be encoded, so the grammar may not.
    """
    begin, end, escape, u = 0, 1, 2, 3
    any3, any2, any1, after_d = 4, 5, 6, 7  # hex digits still to come
    high2, high1, pair, pair_u, pair_d, low = 8, 9, 10, 11, 12, 13
    body = 14  # and the states after it: beginnings of forbidden words

    def hexes(target: int, digits: str = _HEX) -> dict[str, int]:
        return dict.fromkeys(digits, target)

    states = {
        begin: _state(False, {'"': body}),
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
    for i, edges in enumerate(_avoiding(FORBIDDEN_IN_STRINGS)):
        plain = {c: t if t == DEAD else body + t for c, t in edges.items()}
        states[body + i] = _state(False, plain | {'"': end, "\\": escape} | dict.fromkeys(_CONTROLS, DEAD), body)
    return Lexeme("string", tuple(states[i] for i in range(len(states))))


def _state(accepting: bool, edges: dict[str, int], other: int = DEAD) -> State:
    return State(accepting, MappingProxyType({c: t for c, t in edges.items() if t != other}), other)


TEXT = _anything_but("text", FORBIDDEN)
THOUGHT = _anything_but("thought", FORBIDDEN_IN_THOUGHTS)
STRING = _string()

TEXT_REGEX = r"(?:(?!{})[^\ud800-\udfff])*".format("|".join(FORBIDDEN))
"""Free text for Python's `re`; written by hand, so that tests can hold the automaton against it."""

THOUGHT_REGEX = r"(?:(?!</think>)[^\ud800-\udfff])*"

STRING_REGEX = (
    r'"(?:[^"\\<\x00-\x1f\ud800-\udfff]|<(?!/|imgen>)'
    r'|\\(?:["\\/bfnrt]|u(?:[0-9a-cA-CefEF][0-9a-fA-F]{3}|[dD][0-7][0-9a-fA-F]{2}'
    r'|[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})))*"'
)
"""A JSON string for Python's `re`."""
