"""What is told of a tag without decoding it is what decoding it would tell."""

from __future__ import annotations

import json
import random
from typing import Annotated, Any, Literal

import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from llmi_schema import (
    DEFAULT_LANGUAGE,
    BadTag,
    CodeCall,
    CodeParams,
    EditCall,
    EditParams,
    Language,
    PictureIndex,
    SearchCall,
    SearchParams,
    Tag,
    ToolCall,
    parse,
)
from llmi_schema.language import CallError
from llmi_schema.reading import Reader
from llmi_schema.shapes import right_tag, shortest_body

READER = Reader(DEFAULT_LANGUAGE, "json")
TAGS = [
    SearchCall(description="a < b", params=SearchParams(query='"é"\n')).to_tag(),
    CodeCall(description="\\", params=CodeParams(code="x = '</imgen>'\n\t# 😀")).to_tag(),
    EditCall(description="", params=EditParams(img_index=0, prompt="p")).to_tag(),
    '<imgen>\n{ "source" : "search","description":"\\ud83d\\ude00", "params":{"query":"\\u00e9\\/"} }\t</imgen>',
    '<imgen>{"params": {"query": "q"}, "description": "d", "source": "search"}</imgen>',
]
PIECES = [
    "\ud800",
    "\\ud800",
    "\\",
    '"',
    "<",
    "</imgen>",
    "{",
    "}",
    ",",
    " ",
    "\n",
    "\xa0",
    "0",
    "1",
    "true",
    "\\u0071",
    "é",
    ":",
]


@pytest.mark.parametrize("call", DEFAULT_LANGUAGE.calls)
def test_the_four_tools_need_no_decoding(call: Any) -> None:
    assert right_tag(call, "at")


def test_pattern_and_decoder_agree() -> None:
    rng = random.Random(5)
    good = bad = 0
    for _ in range(6000):
        source = rng.choice(TAGS)
        for _ in range(rng.randrange(4)):
            at = rng.randrange(len(source) + 1)
            source = source[:at] + rng.choice(PIECES) + source[at + rng.randrange(3) :]
        for tag in parse(source, 1).tags:
            assert tag.index > 1 or isinstance(tag, Tag) == is_call(tag.source)
            good, bad = good + isinstance(tag, Tag), bad + isinstance(tag, BadTag)
            if isinstance(tag, Tag):
                assert tag.tool == tag.call.source
    assert good > 1000
    assert bad > 1000


def is_call(source: str) -> bool:
    """The slow way; the one picture that is given is number 0."""
    try:
        return READER.call(source).picture_index in (None, 0)
    except CallError:
        return False


@pytest.mark.parametrize("call", DEFAULT_LANGUAGE.calls)
def test_the_shortest_body_is_a_call_and_no_shorter_one_is(call: Any) -> None:
    (field,) = call.model_fields["params"].annotation.model_fields.keys() - {"img_index"}
    params = {"img_index": 0, field: ""} if call is EditCall else {field: ""}
    value = {"source": call.model_fields["source"].default, "description": "", "params": params}
    least = json.dumps(value, separators=(",", ":"))
    assert parse(f"<imgen>{least}</imgen>", 1).calls
    assert shortest_body(call) == len(least)


def tool(params_model: Any) -> Language:
    annotations = {"source": Literal["own"], "params": params_model}
    return Language((type("OwnCall", (ToolCall,), {"__annotations__": annotations, "source": "own", "purpose": "p"}),))


class Loud(BaseModel):
    text: str

    @field_validator("text")
    @classmethod
    def _loud(cls, text: str) -> str:
        if not text.isupper():
            raise ValueError("say it louder")
        return text


class Even(BaseModel):
    at: Annotated[PictureIndex, AfterValidator(lambda n: n if n % 2 == 0 else 1 / 0)]


class Short(BaseModel):
    text: str = Field(max_length=3)


class Stripped(BaseModel):
    model_config = ConfigDict(str_max_length=3)
    text: str


class Renamed(BaseModel):
    text: str = Field(alias="words")


class Checked(BaseModel):
    text: str

    def model_post_init(self, _: object) -> None:
        if len(self.text) > 3:
            raise ValueError("too long")


@pytest.mark.parametrize("params", [Loud, Even, Short, Stripped, Renamed, Checked])
def test_rules_that_no_pattern_knows_are_left_to_pydantic(params: Any) -> None:
    language = tool(params)
    assert right_tag(language.calls[0], "at") is None
    tag = '<imgen>{"source": "own", "description": "d", "params": {"text": "quiet"}}</imgen>'
    assert not parse(tag, language=language).calls
    assert parse(tag, language=language).bad_tags[0].reason


def test_defaults_may_be_left_out() -> None:
    class Optional(BaseModel):
        text: str = "a"
        style: Literal["ink", "oil"] = "ink"

    language = tool(Optional)
    assert right_tag(language.calls[0], "at")
    for params in ("{}", '{"style": "oil"}', '{"text": "b", "style": "ink"}'):
        tag = f'<imgen>{{"source":"own","description":"","params":{params}}}</imgen>'
        assert parse(tag, language=language).calls
    assert not parse(tag.replace("ink", "chalk"), language=language).calls
