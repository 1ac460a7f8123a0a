"""The document language as a grammar: which texts satisfy a count, a set of tools and a number of input pictures.

Counts are finite, so tags are unrolled and the language is regular: an edit's `img_index` can be held to the
pictures that come before it, required tools can be followed through, and the shortest way to finish any prefix is
known. One small representation (`Expression`) is written out for each engine (`llmi_schema.dialects`) and run
by our own recogniser (`llmi_schema.automaton`), which also knows how to end a document.

```python
grammar = document_grammar(RowConstraint(ImageCount.exactly(1)))
grammar.accepts("A fox.")                       # False: one picture is missing
text = 'A fox. <imgen>{"source": "sea'
text + grammar.close(text)                      # the shortest document that begins so
```
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

from llmi_schema.automaton import Automaton
from llmi_schema.calls import CLOSE_TAG, OPEN_TAG, OPEN_THOUGHT
from llmi_schema.constraint import MAX_IMAGES, ImageCount
from llmi_schema.dialects import to_ebnf, to_lark, to_regex
from llmi_schema.errors import ConstraintError
from llmi_schema.expressions import (
    Choice,
    Expression,
    FreeText,
    Literal,
    Rules,
    TextUntil,
    ThoughtUntilEnd,
    choice,
    longest_skeleton,
    sequence,
)
from llmi_schema.expressions import Reference as Ref
from llmi_schema.language import DEFAULT_LANGUAGE, Language
from llmi_schema.tag_grammar import tag_body


@dataclass(frozen=True)
class Grammar:
    """A compiled description of which documents are allowed; text forms are written when asked for."""

    rules: Rules

    @cached_property
    def lark(self) -> str:
        """For llguidance."""
        return to_lark(self.rules)

    @cached_property
    def ebnf(self) -> str:
        """For xgrammar and what embeds it: vLLM, SGLang."""
        return to_ebnf(self.rules)

    @cached_property
    def regex(self) -> str:
        """For Python's `re` (it holds lookaheads): the independent oracle of the tests."""
        return to_regex(self.rules)

    @cached_property
    def longest_detour(self) -> int:
        """Bytes by which one token can lengthen the shortest ending: a tag that it opens, or an escape."""
        longest_escape = len("\\ud83d\\ude00")
        return max(map(longest_skeleton, self.rules.named.values())) + longest_escape

    @cached_property
    def automaton(self) -> Automaton:
        return Automaton(self.rules)

    def accepts(self, text: str) -> bool:
        """Whether the text is a document of this language."""
        automaton = self.automaton
        return automaton.accepts(automaton.run(automaton.start, _encode(text)))

    def close(self, prefix: str) -> str:
        """The shortest text that makes `prefix` a document: open strings and tags are ended, missing pictures added.

        Raises `ConstraintError` when no document begins with `prefix`.
        """
        automaton = self.automaton
        state = automaton.run(automaton.start, _encode(prefix))
        if automaton.is_dead(state):
            raise ConstraintError(f"no document begins so: {_faulty(automaton, prefix)}")
        return automaton.shortest(state).decode()

    def valid_prefix(self, text: str) -> str:
        """The longest beginning of `text` with which a document may begin."""
        return text[: _valid_length(self.automaton, text)]


@dataclass(frozen=True)
class RowConstraint:
    """What one document must be.

    Attributes:
        count: how many pictures; where it sets no upper bound, `max_images` does.
        input_images: how many pictures the user gave: an edit may point to them from the first tag on.
        language: the tools that may be called.
        required_tools: tools that must each be called at least once.
        max_images: see `count`.
        may_think: whether the document may begin with a `<think>` block, in which anything goes.
    """

    count: ImageCount = ImageCount()  # noqa: RUF009 (frozen)
    input_images: int = 0
    language: Language = DEFAULT_LANGUAGE
    required_tools: frozenset[str] = frozenset()
    max_images: int = MAX_IMAGES
    may_think: bool = False


ANY_DOCUMENT = RowConstraint()
"""Any number of pictures from the four tools, none given by the user."""


@lru_cache(maxsize=256)
def document_grammar(row: RowConstraint = ANY_DOCUMENT) -> Grammar:
    """The language of the documents that satisfy a constraint.

    Raises `ConstraintError` when no document can satisfy it, `LanguageError` when a tool's parameters cannot be
    written as a grammar.
    """
    count, language, input_images = row.count, row.language, row.input_images
    most = count.maximum if count.maximum is not None else row.max_images
    if count.minimum > most:
        raise ConstraintError(f"{count.minimum} pictures are wanted, but a document holds at most {most} (max_images)")
    if input_images < 0:
        raise ConstraintError(f"a prompt cannot come with {input_images} pictures")
    if missing := row.required_tools - set(language.tools):
        raise ConstraintError(
            f"required but not allowed: {', '.join(sorted(missing))}; this language has {', '.join(language.tools)}"
        )
    if len(row.required_tools) > most:
        raise ConstraintError(f"{len(row.required_tools)} tools are required, but at most {most} pictures are allowed")

    rules: dict[str, Expression] = {}

    def rest(tags: int, missing: frozenset[str]) -> Ref | None:
        """What may follow `tags` tags while `missing` tools are still to be called; None when nothing may."""
        if len(missing) > most - tags:
            return None
        name = "_".join(["after", str(tags), *(str(language.tools.index(tool)) for tool in sorted(missing))])
        if name not in rules:
            rules[name] = Choice(())  # holds the rule's place in the order of writing
            options: list[Expression] = []
            if tags >= count.minimum and not missing:
                options.append(FreeText())
            if tags < most:
                options.extend(tagged(tags, missing))
            if not options:
                del rules[name]
                return None
            rules[name] = choice(options)
        return Ref(name)

    def tagged(tags: int, missing: frozenset[str]) -> list[Expression]:
        continuations: dict[Ref, list[Expression]] = {}
        for call, tool in zip(language.calls, language.tools, strict=True):
            body = tag_body(call, pictures=input_images + tags)
            following = rest(tags + 1, missing - {tool})
            if body is not None and following is not None:
                continuations.setdefault(following, []).append(body)
        return [
            sequence([TextUntil(OPEN_TAG), choice(bodies), Literal(CLOSE_TAG), following])
            for following, bodies in continuations.items()
        ]

    start = rest(0, row.required_tools)
    if start is None:
        raise ConstraintError(
            f"no document with {input_images} input pictures satisfies the count ({count}) with the tools "
            f"{', '.join(language.tools)}: an edit needs an earlier picture to work on"
        )
    if row.may_think:
        rules["document"] = choice([sequence([Literal(OPEN_THOUGHT), ThoughtUntilEnd(), start]), start])
        start = Ref("document")
    return Grammar(Rules(start.name, rules))


def close(prefix: str, row: RowConstraint = ANY_DOCUMENT) -> str:
    """The shortest completion of a text that was cut off: `prefix + close(prefix)` is a document.

    Raises `ConstraintError` when `prefix` already breaks the rules (`repair` mends such text).
    """
    return document_grammar(row).close(prefix)


def _encode(text: str) -> bytes:
    """UTF-8; a lone surrogate becomes bytes that no document holds."""
    return text.encode("utf-8", "surrogatepass")


def _valid_length(automaton: Automaton, text: str) -> int:
    state = automaton.start
    for i, character in enumerate(text):
        state = automaton.run(state, _encode(character))
        if automaton.is_dead(state):
            return i
    return len(text)


def _faulty(automaton: Automaton, prefix: str) -> str:
    at = _valid_length(automaton, prefix)
    return f"character {at} cannot stand after {prefix[max(0, at - 30) : at]!r}: {prefix[at : at + 20]!r}"
