"""The grammar's four forms describe one language, and `parse` agrees with it."""

from __future__ import annotations

import random
import re
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from llmi_schema import (
    DEFAULT_LANGUAGE,
    CodeCall,
    CodeParams,
    ConstraintError,
    EditCall,
    EditParams,
    ImageCount,
    Language,
    LanguageError,
    RowConstraint,
    SearchCall,
    SearchParams,
    ToolCall,
    close,
    document_grammar,
    parse,
)

SEARCH = SearchCall(description="d", params=SearchParams(query="q")).to_tag()
THOUGHT = "<think>\n```<think> one <imgen>, or two?</think>"
CODE = CodeCall(description="<b", params=CodeParams(code='"\n\\')).to_tag()


def edit(index: int) -> str:
    return EditCall(description="d", params=EditParams(img_index=index, prompt="p")).to_tag()


def allowed(row: RowConstraint, text: str) -> bool:
    return document_grammar(row).accepts(text)


class TestWhatIsAllowed:
    @pytest.mark.parametrize(
        ("count", "numbers"),
        [
            (ImageCount.none(), {0}),
            (ImageCount.any(), set(range(11))),
            (ImageCount.exactly(2), {2}),
            (ImageCount.exactly(12), {12}),
            (ImageCount.at_least_one(), set(range(1, 11))),
            (ImageCount(minimum=1, maximum=3), {1, 2, 3}),
        ],
    )
    def test_counts(self, count: ImageCount, numbers: set[int]) -> None:
        assert {n for n in range(14) if allowed(RowConstraint(count), f"a {SEARCH} b " * n)} == numbers

    def test_max_images(self) -> None:
        assert not allowed(RowConstraint(max_images=2), SEARCH * 3)
        assert allowed(RowConstraint(max_images=2), SEARCH * 2)

    def test_an_edit_points_to_an_earlier_picture(self) -> None:
        row = RowConstraint(input_images=1)
        assert allowed(row, edit(0))
        assert not allowed(row, edit(1))
        assert allowed(row, SEARCH + edit(1))
        assert not allowed(RowConstraint(), edit(0))
        assert allowed(RowConstraint(input_images=9), SEARCH * 3 + edit(11))
        assert not allowed(RowConstraint(input_images=9), SEARCH * 3 + edit(12))

    def test_tools(self) -> None:
        row = RowConstraint(language=DEFAULT_LANGUAGE.only("code"))
        assert allowed(row, CODE)
        assert not allowed(row, SEARCH)

    def test_required_tools(self) -> None:
        row = RowConstraint(ImageCount.exactly(2), required_tools=frozenset({"code", "edit"}))
        assert allowed(row, CODE + edit(0))
        assert not allowed(row, CODE + CODE)
        assert not allowed(row, SEARCH + CODE)

    @pytest.mark.parametrize("word", ["<imgen>", "</imgen>", "<image>", "<think>", "</think>", "```", "~~~"])
    def test_free_text_without_marks(self, word: str) -> None:
        row = RowConstraint(ImageCount.none())
        assert not allowed(row, f"a{word}b")
        assert not allowed(row, f"{word[0]}{word}")
        assert allowed(row, f"a{word[:-1]}")
        assert allowed(row, f"a{word[:-1]}x{word[1:]}")
        assert allowed(row, "")

    @pytest.mark.parametrize(
        "string", ["\\ud800", "\\udc00", "\\ud800\\ud800", "</", "<</", "<imgen>", "\n", "\\x", '"']
    )
    def test_what_no_string_holds(self, string: str) -> None:
        assert not allowed(RowConstraint(), SEARCH.replace('"q"', f'"{string}"'))

    @pytest.mark.parametrize(
        "string", ["\\ud83d\\ude00", "\\u00e9", "<\\/", "<imgen", "<<", "```", "\x7f", "é", "\\\\"]
    )
    def test_what_strings_hold(self, string: str) -> None:
        tag = SEARCH.replace('"q"', f'"{string}"')
        assert allowed(RowConstraint(), tag)
        assert not parse(tag).bad_tags

    def test_a_thought_at_the_start_where_one_may_think(self) -> None:
        row = RowConstraint(ImageCount.exactly(1), may_think=True)
        assert allowed(row, THOUGHT + SEARCH)
        assert allowed(row, "<think></think>" + SEARCH)
        assert allowed(row, SEARCH)
        assert not allowed(row, f"<think>{SEARCH}")  # never ends
        assert not allowed(row, f"a{THOUGHT}{SEARCH}")
        assert not allowed(row, THOUGHT * 2 + SEARCH)
        assert not allowed(row, THOUGHT + SEARCH * 2)
        assert not allowed(RowConstraint(ImageCount.exactly(1)), THOUGHT + SEARCH)
        assert close("<think>two <imgen>", RowConstraint(may_think=True)) == "</think>"

    def test_one_layout_only(self) -> None:
        for loose in (
            SEARCH.replace('", "', '","'),
            SEARCH.replace("{", "{ ", 1),
            SEARCH.replace("<imgen>", "<imgen> "),
        ):
            assert parse(loose).calls
            assert not allowed(RowConstraint(), loose)


SETTINGS = [
    RowConstraint(),
    RowConstraint(ImageCount.none()),
    RowConstraint(ImageCount.exactly(2), input_images=1),
    RowConstraint(ImageCount.at_least_one(), language=DEFAULT_LANGUAGE.only("code", "edit"), max_images=3),
    RowConstraint(ImageCount.exactly(2), required_tools=frozenset({"edit"}), input_images=2),
    RowConstraint(ImageCount.at_least_one(), may_think=True),
]
PIECES = [
    "\ud800",
    *'"<>\\/`~{} a\né,',
    "<imgen>",
    "</imgen>",
    "<think>",
    "<image>",
    "\\u",
    "d83d",
    "\\ude00",
    "</",
    "``",
    "~~",
]
DOCUMENTS = st.lists(st.sampled_from([SEARCH, CODE, edit(0), edit(1), THOUGHT, *PIECES]), max_size=12).map("".join)


def mutated(text: str, seed: int) -> str:
    """The text with up to three characters taken out, doubled or replaced."""
    rng = random.Random(seed)
    for _ in range(rng.randrange(4)):
        at = rng.randrange(len(text) + 1)
        text = text[:at] + rng.choice(["", *PIECES]) + text[at + rng.randrange(2) :]
    return text


@pytest.mark.parametrize("row", SETTINGS, ids=range(len(SETTINGS)))
@settings(max_examples=400)
@given(DOCUMENTS, st.integers(0, 999))
def test_the_recogniser_agrees_with_re_and_with_parse(row: RowConstraint, text: str, seed: int) -> None:
    grammar = document_grammar(row)
    text = mutated(text, seed)
    assert grammar.accepts(text) == bool(re.fullmatch(grammar.regex, text))
    if grammar.accepts(text):
        document = parse(text, row.input_images, row.language)
        assert document.finished
        assert not document.bad_tags
        assert not document.fenced
        assert row.required_tools <= {call.source for call in document.calls}
        assert row.count.minimum <= len(document.calls) <= (row.count.maximum or row.max_images)


@pytest.mark.parametrize("backend", ["llguidance", "xgrammar"])
def test_the_engines_agree_with_the_recogniser(backend: str) -> None:
    accepts = llguidance_accepts if backend == "llguidance" else xgrammar_accepts
    rng = random.Random(0)
    verdicts = []
    for row in SETTINGS:
        grammar = document_grammar(row)
        engine = accepts(grammar)
        for seed in range(150):
            pieces = rng.choices([SEARCH, CODE, edit(0), "a ", "<", "``", "é"], k=rng.randrange(5))
            pieces = [THOUGHT, *pieces] if row.may_think and rng.random() < 0.8 else pieces
            text = mutated("".join(pieces), seed).replace("\ud800", "")  # engines are given UTF-8
            verdicts.append(grammar.accepts(text))
            assert engine(text) == verdicts[-1], (row, text)
    assert 100 < sum(verdicts) < len(verdicts) - 100  # both kinds were seen


def llguidance_accepts(grammar: Any) -> Any:
    from llguidance import LLMatcher, LLTokenizer

    tokenizer = LLTokenizer("byte")
    first = LLMatcher(tokenizer, LLMatcher.grammar_from_lark(grammar.lark))
    assert not first.get_error()

    def accepts(text: str) -> bool:
        matcher = first.deep_copy()
        tokens = tokenizer.tokenize_str(text)
        return matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting()

    return accepts


def xgrammar_accepts(grammar: Any) -> Any:
    import xgrammar

    info = xgrammar.TokenizerInfo([bytes([i]) for i in range(256)] + [b"</s>"], stop_token_ids=[256])
    compiled = xgrammar.GrammarCompiler(info).compile_grammar(grammar.ebnf)

    def accepts(text: str) -> bool:
        matcher = xgrammar.GrammarMatcher(compiled)
        return all(matcher.accept_token(byte) for byte in text.encode()) and matcher.is_completed()

    return accepts


@pytest.mark.parametrize("row", SETTINGS, ids=range(len(SETTINGS)))
def test_every_prefix_can_be_closed(row: RowConstraint) -> None:
    grammar = document_grammar(row)
    whole = "a < b `c` " + "é".join([CODE, edit(0)]) + "~~ \\"
    whole = whole if grammar.accepts(whole) else "<" + grammar.close("<")
    for cut in range(len(whole) + 1):
        document = whole[:cut] + close(whole[:cut], row)
        assert grammar.accepts(document)
        assert len(document) <= len(whole)


def test_closing_what_is_wrong_already() -> None:
    with pytest.raises(ConstraintError, match=r"character 10 cannot stand after 'a <imgen>\{'"):
        close("a <imgen>{'source': 'search'")
    with pytest.raises(ConstraintError, match="no document begins so"):
        close("a\ud800")


class TestImpossible:
    def test_only_edits_and_nothing_to_edit(self) -> None:
        row = RowConstraint(ImageCount.exactly(2), language=DEFAULT_LANGUAGE.only("edit"))
        with pytest.raises(ConstraintError, match="an edit needs an earlier picture"):
            document_grammar(row)

    def test_a_required_tool_that_is_not_allowed(self) -> None:
        row = RowConstraint(language=DEFAULT_LANGUAGE.only("search"), required_tools=frozenset({"code"}))
        with pytest.raises(ConstraintError, match="required but not allowed: code"):
            document_grammar(row)

    def test_more_than_a_document_holds(self) -> None:
        with pytest.raises(ConstraintError, match="11 pictures are wanted"):
            document_grammar(RowConstraint(ImageCount(minimum=11)))

    def test_more_required_tools_than_pictures(self) -> None:
        with pytest.raises(ConstraintError, match="2 tools are required"):
            document_grammar(RowConstraint(ImageCount.exactly(1), required_tools=frozenset({"code", "search"})))


def tool(**fields: Any) -> Language:
    """A language whose one tool has parameters of these types."""
    params = type("Params", (BaseModel,), {"__annotations__": fields, "model_config": {"frozen": True}})
    annotations = {"source": Literal["own"], "params": params}
    return Language((type("OwnCall", (ToolCall,), {"__annotations__": annotations, "source": "own", "purpose": "p"}),))


class TestOtherTools:
    @pytest.mark.parametrize(
        ("low", "high"), [(0, 0), (7, 123), (64, 2048), (-5, 12), (-120, -7), (1, 1000), (0, 10), (99, 100)]
    )
    def test_bounded_integers(self, low: int, high: int) -> None:
        from typing import Annotated

        language = tool(n=Annotated[int, Field(ge=low, le=high)])
        grammar = document_grammar(RowConstraint(ImageCount.exactly(1), language=language))
        tag = '<imgen>{{"source": "own", "description": "", "params": {{"n": {}}}}}</imgen>'
        accepted = {n for n in range(low - 150, high + 150) if grammar.accepts(tag.format(n))}
        assert accepted == set(range(low, high + 1))
        assert not any(grammar.accepts(tag.format(odd)) for odd in ("-0", "00", "01", "+1", "1.0", "1e1", "", "-"))

    def test_enums_booleans_options_and_models(self) -> None:
        class Size(BaseModel):
            wide: bool

        language = tool(style=Literal["ink", "né</on"], size=Size, seed=Literal[1, 2] | None)
        text = close(
            '<imgen>{"source": "own", "description": "", "params": {"style": "n', RowConstraint(language=language)
        )
        assert text == 'é<\\/on", "size": {"wide": true}, "seed": 1}}</imgen>'

    @pytest.mark.parametrize("kind", [float, int, dict[str, str], list[str], Any, bytes])
    def test_types_the_grammar_cannot_hold(self, kind: Any) -> None:
        with pytest.raises(LanguageError, match=r"OwnCall\.params\.x"):
            document_grammar(RowConstraint(language=tool(x=kind)))

    def test_conditions_the_grammar_cannot_hold(self) -> None:
        from typing import Annotated

        with pytest.raises(LanguageError, match="minLength"):
            document_grammar(RowConstraint(language=tool(x=Annotated[str, Field(min_length=1)])))
