"""Run a grammar over bytes: derivatives, made when they are first needed and kept.

A state is a number that stands for the expression which the rest of the input must match. Taking a byte off an
expression (its derivative, Brzozowski 1964) gives the next. Bytes rather than characters, because tokens may end
inside a character. Equal expressions share a number, so a long text goes round in few states.
"""

from __future__ import annotations

from itertools import count
from typing import Final

from llmi_schema.calls import CLOSE_THOUGHT
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
from llmi_schema.lexis import DEAD as NO_TARGET
from llmi_schema.lexis import STRING, TEXT, THOUGHT, Lexeme

Node = tuple[object, ...]
"""("bytes", text) | ("range", low, high) | ("lexeme", name, state) | ("then", a, b) | ("or", (a, b, ...))
| ("rule", name); the letters are states. State 0 matches nothing, state 1 the empty text alone."""

_NOTHING: Final = 0
_EMPTY: Final = 1
_LEXEMES: Final = {lexeme.name: lexeme for lexeme in (TEXT, STRING, THOUGHT)}


class Automaton:
    """A deterministic automaton, built as it is used, by several threads if need be.

    `start` is its first state; states are plain ints.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._nodes: dict[int, Node] = {_NOTHING: ("nothing",), _EMPTY: ("empty",)}
        self._numbers: dict[Node, int] = {node: i for i, node in self._nodes.items()}
        self._unused = count(len(self._nodes))
        self._steps: dict[tuple[int, int], int] = {}
        self._accepting: dict[int, bool] = {_NOTHING: False, _EMPTY: True}
        self._shortest: dict[int, bytes | None] = {_NOTHING: None, _EMPTY: b""}
        self._bodies: dict[str, int] = {}
        self.start = self._from(Reference(rules.start))

    def run(self, state: int, data: bytes) -> int:
        """The state after `data`; see `is_dead`."""
        steps = self._steps
        for byte in data:
            following = steps.get((state, byte))
            if following is None:
                following = steps[state, byte] = self._step(state, byte)
            state = following
        return state

    def is_dead(self, state: int) -> bool:
        """Whether no continuation leads to a document."""
        return self._shortest_of(state) is None

    def accepts(self, state: int) -> bool:
        """Whether the document may end here."""
        known = self._accepting.get(state)
        if known is None:
            known = self._accepting[state] = self._is_accepting(state)
        return known

    def shortest(self, state: int) -> bytes:
        """The shortest text that ends the document, the first in byte order among equals. The state must not be dead.

        With that order, taking the first byte of it leads to a state whose shortest text is the rest of it.
        """
        text = self._shortest_of(state)
        if text is None:
            raise ValueError("no text ends a document from a dead state")
        return text

    # -- building -------------------------------------------------------------------------------------------

    def _number(self, node: Node) -> int:
        known = self._numbers.get(node)
        if known is not None:
            return known
        # Grammars are shared by threads. Two may number the same node: the first number holds, the other stays unused.
        number = next(self._unused)
        self._nodes[number] = node
        return self._numbers.setdefault(node, number)

    def _bytes(self, text: bytes) -> int:
        return self._number(("bytes", text)) if text else _EMPTY

    def _then(self, first: int, second: int) -> int:
        if first == _NOTHING or second == _NOTHING:
            return _NOTHING
        if first == _EMPTY:
            return second
        match self._nodes[first]:
            case ("then", int(a), int(b)):  # to the right, so that equal expressions look equal
                return self._then(a, self._then(b, second))
            case _:
                return self._number(("then", first, second))

    def _or(self, options: list[int]) -> int:
        distinct: set[int] = set()
        for option in options:
            match self._nodes[option]:
                case ("or", tuple(inner)):
                    distinct.update(inner)
                case _:
                    distinct.add(option)
        distinct.discard(_NOTHING)
        if len(distinct) <= 1:
            return distinct.pop() if distinct else _NOTHING
        return self._number(("or", tuple(sorted(distinct))))

    def _from(self, expression: Expression) -> int:
        match expression:
            case Literal(text):
                return self._bytes(text.encode())
            case Digit(low, high):
                return self._number(("range", ord(low), ord(high)))
            case JsonString():
                return self._number(("lexeme", STRING.name, 0))
            case FreeText():
                return self._number(("lexeme", TEXT.name, 0))
            case Sequence(items):
                state = _EMPTY
                for item in reversed(items):
                    state = self._then(self._from(item), state)
                return state
            case Choice(options):
                return self._or([self._from(option) for option in options])
            case Reference(name):
                return self._number(("rule", name))
            case TextUntil(marker):
                return self._then(self._from(FreeText()), self._bytes(marker.encode()))
            case ThoughtUntilEnd():
                return self._then(self._number(("lexeme", THOUGHT.name, 0)), self._bytes(CLOSE_THOUGHT.encode()))

    def _body(self, rule: str) -> int:
        if rule not in self._bodies:
            self._bodies[rule] = self._from(self._rules.named[rule])
        return self._bodies[rule]

    # -- reading --------------------------------------------------------------------------------------------

    def _step(self, state: int, byte: int) -> int:
        match self._nodes[state]:
            case ("bytes", bytes(text)):
                return self._bytes(text[1:]) if text[0] == byte else _NOTHING
            case ("range", int(low), int(high)):
                return _EMPTY if low <= byte <= high else _NOTHING
            case ("lexeme", str(name), int(place)):
                return self._step_lexeme(_LEXEMES[name], place, byte)
            case ("then", int(first), int(second)):
                taken = self._then(self.run(first, bytes([byte])), second)
                return self._or([taken, self.run(second, bytes([byte]))]) if self.accepts(first) else taken
            case ("or", tuple(options)):
                return self._or([self.run(option, bytes([byte])) for option in options])
            case ("rule", str(name)):
                return self.run(self._body(name), bytes([byte]))
            case _:
                return _NOTHING

    def _step_lexeme(self, lexeme: Lexeme, place: int, byte: int) -> int:
        state = lexeme.states[place]
        target = state.edges.get(chr(byte), state.other) if byte < 0x80 else state.other
        if target == NO_TARGET:
            return _NOTHING
        following = self._number(("lexeme", lexeme.name, target))
        if byte < 0x80:
            return following
        for low, high in reversed(_continuations(byte)):
            following = self._then(self._number(("range", low, high)), following)
        return following if _continuations(byte) else _NOTHING

    def _is_accepting(self, state: int) -> bool:
        match self._nodes[state]:
            case ("lexeme", str(name), int(place)):
                return _LEXEMES[name].states[place].accepting
            case ("then", int(first), int(second)):
                return self.accepts(first) and self.accepts(second)
            case ("or", tuple(options)):
                return any(self.accepts(option) for option in options)
            case ("rule", str(name)):
                return self.accepts(self._body(name))
            case _:
                return False

    # -- finishing ------------------------------------------------------------------------------------------

    def _shortest_of(self, state: int) -> bytes | None:
        if state not in self._shortest:
            self._shortest[state] = self._find_shortest(state)
        return self._shortest[state]

    def _find_shortest(self, state: int) -> bytes | None:
        match self._nodes[state]:
            case ("bytes", bytes(text)):
                return text
            case ("range", int(low), int()):
                return bytes([low])
            case ("lexeme", str(name), int(place)):
                return _EXITS[name][place]
            case ("then", int(first), int(second)):
                head, tail = self._shortest_of(first), self._shortest_of(second)
                return None if head is None or tail is None else head + tail
            case ("or", tuple(options)):
                texts = [t for option in options if (t := self._shortest_of(option)) is not None]
                return min(texts, key=lambda t: (len(t), t), default=None)
            case ("rule", str(name)):
                return self._shortest_of(self._body(name))
            case _:
                return None


def _continuations(lead: int) -> list[tuple[int, int]]:
    """The ranges of the bytes that must follow a first byte in UTF-8 (RFC 3629); [] when it starts no character."""
    tail = (0x80, 0xBF)
    if 0xC2 <= lead <= 0xDF:
        return [tail]
    if 0xE0 <= lead <= 0xEF:
        return [{0xE0: (0xA0, 0xBF), 0xED: (0x80, 0x9F)}.get(lead, tail), tail]
    if 0xF0 <= lead <= 0xF4:
        return [{0xF0: (0x90, 0xBF), 0xF4: (0x80, 0x8F)}.get(lead, tail), tail, tail]
    return []


def _exits(lexeme: Lexeme) -> tuple[bytes | None, ...]:
    """The shortest, then first, text that leads from each state to an accepting one."""
    best: list[bytes | None] = [b"" if state.accepting else None for state in lexeme.states]
    for _ in lexeme.states:
        for i, state in enumerate(lexeme.states):
            candidates = [] if best[i] is None else [best[i]]
            steps = [(chr(b), state.edges.get(chr(b), state.other)) for b in range(0x80)]
            for character, target in steps:
                if target != NO_TARGET and (rest := best[target]) is not None:
                    candidates.append(character.encode() + rest)
            best[i] = min((c for c in candidates if c is not None), key=lambda t: (len(t), t), default=None)
    return tuple(best)


_EXITS: Final = {name: _exits(lexeme) for name, lexeme in _LEXEMES.items()}
