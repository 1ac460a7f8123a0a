from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmi_schema import (
    DEFAULT_LANGUAGE,
    EditCall,
    EditParams,
    ImageCount,
    RowConstraint,
    SearchCall,
    SearchParams,
    document_grammar,
    parse,
    repair,
)

SEARCH = SearchCall(description="d", params=SearchParams(query="q")).to_tag()


def edit(index: int) -> str:
    return EditCall(description="d", params=EditParams(img_index=index, prompt="p")).to_tag()


@pytest.mark.parametrize(
    ("text", "repaired"),
    [
        (f"a {SEARCH} b", f"a {SEARCH} b"),
        (f"<think>hm {SEARCH}</think>a", "a"),
        ("a <imgen>bad</imgen>b", "a b"),
        (f"a {SEARCH[:-20]}", f"a {SEARCH}".replace('"q"', '""')),
        ("a <imgen>{'source': 'search', ", "a "),
        (
            f"```\n{SEARCH}\n```",
            '``\n<imgen{"source": "search", "description": "d", "params": {"query": "q"}}</imgen\n``',
        ),
        (f"<imgen>bad</imgen>{SEARCH}{edit(1)}", f"{SEARCH}{edit(0)}"),
        (f"<imgen>bad</imgen>{edit(0)}", ""),
        ("see <image> and ![a](b)", "see <image and ![a](b)"),
        ("``<imgen>bad</imgen>`", "``"),
        ("a\ud800b", "ab"),
    ],
)
def test_what_becomes_of(text: str, repaired: str) -> None:
    assert repair(text) == repaired


def test_a_thought_stays_where_a_document_may_begin_with_one() -> None:
    row = RowConstraint(may_think=True)
    assert repair(f"<think>hm {SEARCH}</think>a", row) == f"<think>hm {SEARCH}</think>a"
    assert repair("a<think>hm</think>b", row) == "ab"
    assert repair("<think>hm", row) == "<think>hm</think>"


def test_tags_beyond_the_count_go() -> None:
    assert repair(f"a{SEARCH}b{SEARCH}", RowConstraint(ImageCount.exactly(1))) == f"a{SEARCH}b"
    assert repair(f"a{SEARCH}b", RowConstraint(ImageCount.none())) == "ab"


def test_room_is_kept_for_required_tools() -> None:
    row = RowConstraint(ImageCount.exactly(1), required_tools=frozenset({"edit"}), input_images=1)
    assert repair(SEARCH + edit(0), row) == edit(0)


def test_missing_pictures_are_added() -> None:
    assert len(parse(repair("a", RowConstraint(ImageCount.exactly(2)))).calls) == 2


ROWS = [
    RowConstraint(),
    RowConstraint(ImageCount.exactly(2), input_images=1),
    RowConstraint(ImageCount.none()),
    RowConstraint(ImageCount.at_least_one(), language=DEFAULT_LANGUAGE.only("edit", "code"), max_images=2),
    RowConstraint(ImageCount.exactly(1), may_think=True),
]
MARKS = [
    "<imgen>",
    "</imgen>",
    "<think>",
    "</think>",
    "```",
    "~~~",
    SEARCH,
    edit(0),
    edit(1),
    "{",
    '"',
    "\n",
    "`",
    "<im",
]


@settings(max_examples=500)
@given(st.lists(st.sampled_from(MARKS), max_size=12).map("".join) | st.text(), st.sampled_from(ROWS))
def test_any_text_becomes_a_document_and_stays_one(text: str, row: RowConstraint) -> None:
    repaired = repair(text, row)
    assert document_grammar(row).accepts(repaired)
    assert repair(repaired, row) == repaired
    if document_grammar(row).accepts(text):
        assert repaired == text
