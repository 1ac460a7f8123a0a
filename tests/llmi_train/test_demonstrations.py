from __future__ import annotations

import random

import pytest

from llmi_data import MadeDataset, Message, Row
from llmi_schema import parse
from llmi_train.demo.demonstrations import demonstration


def right(row: Row, text: str) -> bool:
    document = parse(text, len(row.images))
    calls = {call.to_tag() for call in document.calls}
    tools = {call.source for call in document.calls}
    constraint = row.constraint
    return not document.bad_tags and constraint.count.allows(len(calls)) and constraint.required_tools <= tools


def test_without_sloppiness_every_document_is_right(made: MadeDataset) -> None:
    rng = random.Random(0)
    wrong = [row for row in made.train if not right(row, demonstration(row, rng, sloppiness=0))]
    assert not wrong


def test_sloppy_documents_are_often_wrong_but_never_hopeless(made: MadeDataset) -> None:
    rng = random.Random(0)
    texts = [(row, demonstration(row, rng)) for _ in range(5) for row in made.train]
    share = sum(right(row, text) for row, text in texts) / len(texts)
    assert 0.2 < share < 0.6
    assert any(parse(text, len(row.images)).bad_tags for row, text in texts)


def test_the_same_seed_writes_the_same(made: MadeDataset) -> None:
    first, second = ([demonstration(row, random.Random(3)) for row in made.train] for _ in range(2))
    assert first == second


def test_rows_without_a_scenario_are_refused() -> None:
    row = Row(prompt=(Message(role="user", content="Two pictures of a fox"),), image_count=2)
    with pytest.raises(ValueError, match="does not carry its scenario"):
        demonstration(row, random.Random(0))
