from __future__ import annotations

import random

import pytest

from llmi_data import MadeDataset, Message, Row
from llmi_schema import parse
from llmi_train.demo.demonstrations import demonstration, outline, request
from llmi_train.demo.lessons import BATCH, lessons
from llmi_train.demo.settings import Settings


def right(row: Row, text: str) -> bool:
    document = parse(text, len(row.images))
    calls = {call.to_tag() for call in document.calls}
    tools = {call.source for call in document.calls}
    constraint = row.constraint
    return not document.bad_tags and constraint.count.allows(len(calls)) and constraint.required_tools <= tools


def test_careful_authors_are_nearly_always_right(made: MadeDataset) -> None:
    rng = random.Random(0)
    documents = [(row, demonstration(row, rng)) for _ in range(5) for row in made.train]
    assert sum(right(row, text) for row, text in documents) / len(documents) > 0.85
    assert not any(parse(text, len(row.images)).bad_tags for row, text in documents)


def test_careless_authors_are_seldom_right(made: MadeDataset) -> None:
    rng = random.Random(0)
    documents = [(row, demonstration(row, rng, careful=False)) for _ in range(5) for row in made.train]
    assert sum(right(row, text) for row, text in documents) / len(documents) < 0.3
    assert any(parse(text, len(row.images)).bad_tags for row, text in documents)


def test_an_outline_holds_all_but_the_tags(made: MadeDataset) -> None:
    for row in made.train:
        document = demonstration(row, random.Random(0))
        short = outline(document)
        assert not parse(short, len(row.images)).tags
        assert short.endswith("That is all.")
        assert short.count(" of ") == len(parse(document, len(row.images)).calls)


def test_a_request_leaves_out_what_the_text_is_about(made: MadeDataset) -> None:
    shorter = 0
    for row in made.train:
        assert row.provenance is not None
        assert row.provenance.scenario is not None
        short = request(row)
        assert short
        if short != row.text:
            shorter += 1
            assert row.provenance.scenario.angle not in short
    assert shorter > 0.9 * len(made.train)


def test_lessons_follow_one_another(made: MadeDataset) -> None:
    size = Settings.small()
    pairs = lessons(made.train, size, random.Random(0))
    assert len(pairs) == BATCH * size.warm_up_steps
    outlines = BATCH * (size.request_steps + size.outline_steps)
    assert not any("<imgen>" in document for _, document in pairs[:outlines])
    assert any("<imgen>" in document for _, document in pairs[outlines:])
    careful = pairs[outlines : outlines + BATCH * size.document_steps]
    assert not any(document.startswith("Here you are.") for _, document in careful)
    assert any(document.startswith("Here you are.") for _, document in pairs[outlines + len(careful) :])


def test_the_same_seed_writes_the_same(made: MadeDataset) -> None:
    first, second = ([demonstration(row, random.Random(3)) for row in made.train] for _ in range(2))
    assert first == second


def test_rows_without_a_scenario_are_refused() -> None:
    row = Row(prompt=(Message(role="user", content="Two pictures of a fox"),), image_count=2)
    with pytest.raises(ValueError, match="does not carry its scenario"):
        demonstration(row, random.Random(0))
