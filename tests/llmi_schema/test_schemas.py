from __future__ import annotations

import json
from typing import Any, ClassVar, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmi_schema import (
    CodeParams,
    EditCall,
    EditParams,
    Language,
    LanguageError,
    SearchCall,
    SearchParams,
    ToolCall,
    call_from_arguments,
    document_from_segments,
    parse,
    segment_schema,
    tag_schema,
    tool_definitions,
)

CALLS = (
    SearchCall(description="d", params=SearchParams(query="q")),
    EditCall(description="e", params=EditParams(img_index=0, prompt="p")),
)


def segments(*items: Any) -> str:
    return json.dumps({"segments": list(items)})


def test_calls_follow_the_schemas() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    for call in CALLS:
        jsonschema.validate(call.model_dump(), tag_schema())
    jsonschema.validate({"segments": [{"text": "a"}, *(call.model_dump() for call in CALLS)]}, segment_schema())
    for wrong in ({"source": "search"}, {**CALLS[0].model_dump(), "n": 1}, {**CALLS[0].model_dump(), "source": "edit"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, tag_schema())


def test_schemas_are_strict() -> None:
    def check(schema: Any) -> None:
        if isinstance(schema, dict):
            assert not {"$ref", "$defs", "default", "title", "const"} & schema.keys()
            if schema.get("type") == "object":
                assert schema["additionalProperties"] is False
                assert schema["required"] == list(schema["properties"])
            for value in schema.values():
                check(value)
        elif isinstance(schema, list):
            for value in schema:
                check(value)

    check(segment_schema())
    check(tool_definitions())


class TestSegments:
    def test_rendered_to_tags(self) -> None:
        text = document_from_segments(
            segments({"text": "a "}, CALLS[0].model_dump(), {"text": " b"}, CALLS[1].model_dump())
        )
        document = parse(text)
        assert document.calls == CALLS
        assert document.text == "a  b"

    @settings(max_examples=300)
    @given(st.lists(st.sampled_from(["<imgen>", "</imgen>", "<im", "agen>", "```", "`", "~~", "\n", "<think>", "a"])))
    def test_text_never_becomes_anything_else(self, texts: list[str]) -> None:
        items = [{"text": text} for text in texts]
        document = parse(document_from_segments({"segments": [*items, CALLS[0].model_dump()]}))
        assert document.calls == CALLS[:1]
        assert not document.bad_tags
        assert document.finished

    @pytest.mark.parametrize(
        ("answer", "reason"),
        [
            ("no JSON", "is not JSON"),
            ("[]", "no list of segments"),
            ('{"segments": 1}', "no list of segments"),
            (segments({"text": "a", "n": 1}), "segment 0 is neither text nor a call"),
            (segments({"text": "a"}, {"source": "search"}), "segment 1 is neither text nor a call: `description`"),
            (segments(3), "the tag does not hold a JSON object"),
        ],
    )
    def test_an_endpoint_that_enforces_nothing(self, answer: str, reason: str) -> None:
        with pytest.raises(LanguageError, match=reason):
            document_from_segments(answer)


class TestFunctions:
    def test_arguments_make_a_call(self) -> None:
        assert call_from_arguments("edit", {"description": "e", "img_index": 0, "prompt": "p"}) == CALLS[1]

    @pytest.mark.parametrize("arguments", [{}, {"description": "d"}, {"description": "d", "query": "q", "n": 1}])
    def test_wrong_arguments(self, arguments: dict[str, Any]) -> None:
        with pytest.raises(LanguageError, match="this is no call of search"):
            call_from_arguments("search", arguments)

    def test_a_parameter_cannot_be_called_description(self) -> None:
        class Params(CodeParams):
            description: str

        class Call(ToolCall):
            purpose: ClassVar[str] = "p"
            source: Literal["own"] = "own"
            params: Params

        with pytest.raises(LanguageError, match="rename that field"):
            tool_definitions(Language((Call,)))
