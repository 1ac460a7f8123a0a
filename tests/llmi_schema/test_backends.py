"""What the installed engines do and do not do: the facts on which the grammar, the masks and the engines are built.

A test that fails after an upgrade says that a workaround may go, or that a promise no longer holds.
"""

from __future__ import annotations

import json
from typing import Annotated, Any

import pytest
from pydantic import Field

from llmi_schema import (
    CodeCall,
    CodeParams,
    RowConstraint,
    SearchCall,
    document_grammar,
    parse,
    request_parameters,
)

outlines = pytest.importorskip("outlines")
xgrammar = pytest.importorskip("xgrammar")
outlines_core = pytest.importorskip("outlines_core")

BYTES = xgrammar.TokenizerInfo([bytes([i]) for i in range(256)] + [b"</s>"], stop_token_ids=[256])


def xgrammar_accepts(schema: dict[str, Any], text: str, **options: Any) -> bool:
    compiled = xgrammar.GrammarCompiler(BYTES).compile_json_schema(json.dumps(schema), **options)
    matcher = xgrammar.GrammarMatcher(compiled)
    return all(matcher.accept_token(byte) for byte in text.encode()) and matcher.is_completed()


class TestWhyStringsHaveAGrammarOfOurOwn:
    def test_xgrammar_lets_half_characters_into_strings(self) -> None:
        assert xgrammar_accepts({"type": "string"}, '"\\ud800"')

    def test_xgrammar_forbids_escapes_in_strings_of_bounded_length(self) -> None:
        assert xgrammar_accepts({"type": "string"}, '"\\n"')
        assert not xgrammar_accepts({"type": "string", "maxLength": 5}, '"\\n"')

    def test_xgrammar_lets_space_between_tokens_run_on(self) -> None:
        schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
        assert xgrammar_accepts(schema, '{"a":' + " " * 500 + "1}")


class TestWhyNotOutlinesRegex:
    def test_alternatives_are_leftmost_first(self) -> None:
        vocabulary = outlines_core.Vocabulary(9, {"a": [0], "b": [1]})
        guide = outlines_core.Guide(outlines_core.Index("a|ab", vocabulary))
        guide.advance(0)
        assert guide.get_tokens() == [9]  # the end: `ab` is never accepted

    def test_bounds_are_ignored(self) -> None:
        from outlines_core.json_schema import build_regex_from_schema

        bounded = build_regex_from_schema(json.dumps({"type": "integer", "minimum": 0, "maximum": 1}))
        assert bounded == build_regex_from_schema(json.dumps({"type": "integer"}))


def test_a_model_wider_than_its_tokenizer_needs_its_own_size(tokenizer: Any) -> None:
    """outlines' own xgrammar backend takes the tokenizer's size and fails; `Vocabulary` takes the model's."""
    import torch

    info = xgrammar.TokenizerInfo.from_huggingface(tokenizer, vocab_size=len(tokenizer))
    matcher = xgrammar.GrammarMatcher(xgrammar.GrammarCompiler(info).compile_grammar('root ::= "a"'))
    logits = torch.zeros(1, len(tokenizer) + 600)
    wide = xgrammar.allocate_token_bitmask(1, logits.shape[-1])
    with pytest.raises((RuntimeError, ValueError)):
        matcher.fill_next_token_bitmask(wide, 0)


def test_a_tagged_union_is_no_type_for_outlines() -> None:
    from outlines.types.dsl import python_types_to_terms

    assert python_types_to_terms(SearchCall | CodeCall)
    with pytest.raises(ValueError, match="type annotation"):
        python_types_to_terms(Annotated[SearchCall | CodeCall, Field(discriminator="source")])


@pytest.mark.filterwarnings("ignore:SGLang grammar")
def test_outlines_hands_our_grammar_over_as_we_do() -> None:
    from outlines.models.openai import OpenAITypeAdapter
    from outlines.models.sglang import SGLangTypeAdapter
    from outlines.models.vllm import VLLMTypeAdapter

    grammar = outlines.types.CFG(document_grammar(RowConstraint()).ebnf)
    assert VLLMTypeAdapter().format_output_type(grammar) == request_parameters("vllm")["extra_body"]
    assert SGLangTypeAdapter().format_output_type(grammar) == request_parameters("sglang")
    with pytest.raises(TypeError, match="not available with OpenAI"):
        OpenAITypeAdapter().format_output_type(grammar)


HARD = [
    '"',
    "'",
    "it's",
    '"""',
    "\\",
    "\\n",
    "\n",
    "\t",
    "{}",
    "}}",
    "é",
    "漢",
    "😀",
    "</imgen>",
    "<imgen>",
    "`",
    "%s",
    "\x7f",
]
HARD += ['plt.title("it\'s")', 'x = "a\\"b"']


def test_strict_json_carries_what_the_published_dialect_loses() -> None:
    """The published way writes Python's `repr` and ends a tag at the first `</imgen>`."""
    strict = loose = 0
    for code in HARD:
        call = CodeCall(description="d", params=CodeParams(code=code))
        strict += parse(call.to_tag()).calls == (call,)
        loose += parse(f"<imgen>{call.model_dump()!r}</imgen>", dialect="python").calls == (call,)
    assert strict == len(HARD)
    assert loose < len(HARD)


def test_the_server_grammar_says_what_follows_the_last_text() -> None:
    """Without it xgrammar takes a hundred times as long for every mask in text that may end (see `to_ebnf`)."""
    ebnf = document_grammar(RowConstraint()).ebnf
    rules = [line for line in ebnf.splitlines() if line.startswith("text")]
    assert rules
    assert all(line.endswith(' (="<imgen>")') for line in rules)


def test_llguidance_is_given_no_complement() -> None:
    """With `~` or `&` its masks take 2 ms instead of 0.08 ms over 150,000 tokens."""
    lark = document_grammar(RowConstraint(may_think=True)).lark
    assert "& " not in lark
    assert "~F" not in lark
