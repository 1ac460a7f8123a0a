"""A grammar's rules written for each engine: Lark for llguidance, EBNF for xgrammar, a pattern for Python's `re`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from llmi_schema.calls import CLOSE_THOUGHT, OPEN_TAG
from llmi_schema.elimination import plain_regex
from llmi_schema.expressions import (
    Choice,
    Digit,
    Expression,
    FreeText,
    JsonString,
    Literal,
    Reference,
    Rules,
    Sequence,
    TextUntil,
    ThoughtUntilEnd,
)
from llmi_schema.lexis import (
    DEAD,
    STRING,
    STRING_REGEX,
    TEXT,
    TEXT_REGEX,
    THOUGHT,
    THOUGHT_REGEX,
    Lexeme,
)


def to_lark(rules: Rules) -> str:
    """llguidance's Lark. Text and the marker that ends it are one terminal: alone, a text would swallow its `<`."""
    markers: dict[str, str] = {}

    def write(expression: Expression) -> str:
        match expression:
            case Literal(text):
                return _quoted(text)
            case Digit(low, high):
                return f"/[{low}-{high}]/"
            case JsonString():
                return "STRING"
            case FreeText():
                return "TEXT"
            case TextUntil(marker):
                return markers.setdefault(marker, f"UNTIL_{len(markers)}")
            case ThoughtUntilEnd():
                return "THOUGHT"
            case other:
                return _compound(other, write)

    bodies = [f"{name}: {write(rule)}" for name, rule in rules.named.items()]
    terminals = {
        "TEXT": plain_regex(TEXT),
        "STRING": plain_regex(STRING),
        "THOUGHT": plain_regex(THOUGHT, CLOSE_THOUGHT),
    }
    terminals |= {name: plain_regex(TEXT, marker) for marker, name in markers.items()}
    return (
        "\n".join([f"start: {rules.start}", *bodies, *(f"{name}: /{regex}/" for name, regex in terminals.items())])
        + "\n"
    )


def to_ebnf(rules: Rules) -> str:
    """xgrammar's EBNF (`::=`), which vLLM and SGLang pass on to it.

    Text and strings are right-linear rules: there is no complement. xgrammar needs microseconds for a mask where a rule
    cannot end yet, and hundreds where it can, because it then tries each token that goes on behind the rule's end. So
    text before a marker is an automaton of its own that ends with the marker only; and the rules of the last text say
    what may follow them, `(="...")`: a word that no text holds, which rules every such token out beforehand.
    """
    markers: dict[str, str] = {}

    def write(expression: Expression) -> str:
        match expression:
            case Literal(text):
                return _quoted(text)
            case Digit(low, high):
                return f"[{low}-{high}]"
            case JsonString():
                return f"{STRING.name}0"
            case FreeText():
                return f"{TEXT.name}0"
            case TextUntil(marker):
                return f"{markers.setdefault(marker, f'until{len(markers)}_')}0"
            case ThoughtUntilEnd():
                return f"{THOUGHT.name}0"
            case other:
                return _compound(other, write)

    bodies = [f"{name} ::= {write(rule)}" for name, rule in rules.named.items()]
    lines = [f"root ::= {rules.start}", *bodies, *_right_linear(TEXT, TEXT.name, then=OPEN_TAG)]
    lines += _right_linear(STRING, STRING.name)
    for marker, name in markers.items():
        lines += _right_linear(TEXT, name, until=marker)
    if any(f"{THOUGHT.name}0" in body for body in bodies):
        lines += _right_linear(THOUGHT, THOUGHT.name, until=CLOSE_THOUGHT)
    return "\n".join(lines) + "\n"


def to_regex(rules: Rules) -> str:
    """One pattern for `re.fullmatch`. Rules are written out where they are used: for tests, not for speed."""

    def write(expression: Expression) -> str:
        match expression:
            case Literal(text):
                return re.escape(text)
            case Digit(low, high):
                return f"[{low}-{high}]"
            case JsonString():
                return f"(?:{STRING_REGEX})"
            case FreeText():
                return TEXT_REGEX
            case TextUntil(marker):
                return TEXT_REGEX + re.escape(marker)
            case ThoughtUntilEnd():
                return THOUGHT_REGEX + CLOSE_THOUGHT
            case Reference(name):
                return f"(?:{write(rules.named[name])})"
            case Sequence(items):
                return "".join(map(write, items))
            case Choice(options):
                return f"(?:{'|'.join(map(write, options))})"

    return write(Reference(rules.start))


def _compound(expression: Sequence | Choice | Reference, write: Callable[[Expression], str]) -> str:
    match expression:
        case Sequence(items):
            return " ".join(map(write, items))
        case Choice(options):
            return f"({' | '.join(map(write, options))})"
        case Reference(rule):
            return rule


def _quoted(text: str) -> str:
    """A double-quoted literal as both Lark and EBNF read it."""
    escapes = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return '"' + "".join(escapes.get(c, c) for c in text) + '"'


def _right_linear(lexeme: Lexeme, name: str, *, until: str = "", then: str = "") -> Iterable[str]:
    """One rule per state. With `until`, a word that the lexeme cannot hold, the rules end with it and only with it.

    With `then` they assert that nothing but this word follows them.
    """
    assertion = f" (={_quoted(then)})" if then else ""
    before_last = 0
    for character in until[:-1]:
        before_last = lexeme.states[before_last].edges[character]
    for i, state in enumerate(lexeme.states):
        options = ['""'] if state.accepting and not until else []
        targets: dict[int, list[str]] = {}
        for character, target in state.edges.items():
            targets.setdefault(target, []).append(character)
        if state.other != DEAD:
            options.append(f"[{_all_but(state.edges)}] {name}{state.other}")
        options += [f"[{_members(cs)}] {name}{target}" for target, cs in targets.items() if target != DEAD]
        if until and i == before_last:
            options.append(_quoted(until[-1]))
        yield f"{name}{i} ::= {' | '.join(options)}{assertion}"


def _members(characters: Iterable[str]) -> str:
    return "".join(map(_escaped, sorted(map(ord, characters))))


def _all_but(characters: Iterable[str]) -> str:
    """Every other character, as ranges without the surrogates: xgrammar's `[^...]` lets those through."""
    ranges = []
    low = 0
    for code in [*sorted(map(ord, characters)), 0xD800]:
        if low < code:
            ranges.append(f"{_escaped(low)}-{_escaped(code - 1)}")
        low = code + 1
    return "".join(ranges) + r"\uE000-\U0010FFFF"


def _escaped(code: int) -> str:
    """Four digits always: xgrammar reads `\\x5cb` as one character."""
    return f"\\u{code:04x}"
