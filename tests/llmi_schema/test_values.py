"""The values travel: between processes (pickle) and through files (JSON)."""

from __future__ import annotations

import pickle
import struct
from typing import Any

import pytest
from pydantic import ValidationError

from llmi_schema import (
    DEFAULT_LANGUAGE,
    CodeCall,
    CodeParams,
    Constraint,
    EditCall,
    EditParams,
    ImageCount,
    Language,
    LanguageError,
    Picture,
    PictureIndex,
    Provenance,
    RenderedDocument,
    RowConstraint,
    SearchCall,
    SearchParams,
    ToolCall,
    ToolResult,
    document_grammar,
    parse,
)

PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\x0dIHDR" + struct.pack(">II", 640, 480) + b"\x08\x02\0\0\0" + b"\0" * 8
PICTURE = Picture.from_png(PNG, Provenance(tool="search", provider="folder", licence="CC0"))
DOCUMENT = parse(f"a {SearchCall(description='d', params=SearchParams(query='q')).to_tag()} <imgen>bad</imgen>")
RENDERED = RenderedDocument(
    document=DOCUMENT, results=(ToolResult(picture=PICTURE, seconds=0.5), ToolResult.failed("bad_call", "no JSON"))
)
VALUES: list[Any] = [
    SearchCall(description="é", params=SearchParams(query="q")),
    EditCall(description="d", params=EditParams(img_index=3, prompt="p")),
    ImageCount.at_least_one(),
    Constraint(count=ImageCount.exactly(2), required_tools=frozenset({"code", "edit"})),
    PICTURE,
    ToolResult.failed("timeout", "20 s"),
    RENDERED,
    DOCUMENT,
    DEFAULT_LANGUAGE,
    RowConstraint(ImageCount.exactly(2), 1, DEFAULT_LANGUAGE.only("code"), frozenset({"code"})),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda v: type(v).__name__)
def test_pickle(value: Any) -> None:
    assert pickle.loads(pickle.dumps(value)) == value


@pytest.mark.parametrize("value", [v for v in VALUES if hasattr(v, "model_dump_json")], ids=lambda v: type(v).__name__)
def test_json(value: Any) -> None:
    assert type(value).model_validate_json(value.model_dump_json()) == value


def test_a_grammar_is_pickled_with_what_it_learned() -> None:
    grammar = document_grammar()
    grammar.accepts("a")
    assert pickle.loads(pickle.dumps(grammar)).accepts("a")


def test_required_tools_are_written_in_order() -> None:
    constraint = Constraint(count=ImageCount.any(), required_tools=frozenset({"search", "code", "edit"}))
    assert '"required_tools":["code","edit","search"]' in constraint.model_dump_json()


class TestRendered:
    def test_every_closed_tag_needs_a_result(self) -> None:
        with pytest.raises(ValueError, match="1 results for 2 tags"):
            RenderedDocument(document=DOCUMENT, results=(ToolResult.failed("timeout", ""),))

    def test_a_repeat_is_delivered_once(self) -> None:
        twice = RenderedDocument(document=DOCUMENT, results=(ToolResult(picture=PICTURE),) * 2)
        assert twice.delivered == (PICTURE,)

    def test_parts_pair_tags_with_results(self) -> None:
        assert [result is None for _, result in RENDERED.parts()] == [True, False, True, False]


class TestLanguage:
    def test_only(self) -> None:
        assert DEFAULT_LANGUAGE.only("code", "search").tools == ("search", "code")
        with pytest.raises(LanguageError, match="no such tool: paint"):
            DEFAULT_LANGUAGE.only("paint")

    def test_two_tools_with_one_name(self) -> None:
        with pytest.raises(LanguageError, match="share a name"):
            Language((SearchCall, SearchCall))

    def test_a_tool_without_a_name(self) -> None:
        class Nameless(ToolCall):
            params: CodeParams

        with pytest.raises(LanguageError, match="must fix its tool name"):
            Language((Nameless,))

    def test_a_tool_on_two_pictures(self) -> None:
        class BlendParams(CodeParams):
            first: PictureIndex
            second: PictureIndex

        class Blend(CodeCall):
            params: BlendParams

        with pytest.raises(LanguageError, match="two picture indices"):
            Language((Blend,))

    def test_no_tool(self) -> None:
        with pytest.raises(LanguageError, match="at least one tool"):
            Language(())


@pytest.mark.parametrize("fields", [{}, {"picture": PICTURE, "reason": "timeout"}])
def test_a_result_is_a_picture_or_a_reason(fields):
    with pytest.raises(ValidationError, match="either a picture or the reason"):
        ToolResult(**fields)
