import pickle

import pytest
from pydantic import ValidationError

from llmi_data import Message, Question, Reading, Row
from llmi_schema import ConstraintError


def user(text):
    return (Message(role="user", content=text),)


def test_the_id_follows_the_question_and_not_the_labels(make_row, rows):
    row = make_row()
    assert row.id == make_row(image_count=3, required_tools=()).id
    assert row.id != make_row("Another prompt.").id
    pictured = next(r for r in rows if r.images)
    assert pictured.id != Row(prompt=pictured.prompt, image_count=pictured.image_count).id
    assert row.id == make_row().id == "d184fa7c439bd055"


def test_a_row_survives_json_and_pickle(rows):
    for row in rows[:40]:
        assert Row.model_validate_json(row.model_dump_json()) == row
        assert pickle.loads(pickle.dumps(row)) == row


def test_labels_are_normalised():
    row = Row(prompt=user("x"), image_count="inf", required_tools=["search", "code", "search"])
    assert row.image_count == 99
    assert row.required_tools == ("code", "search")
    assert str(row.constraint.count) == "at least one"
    assert row.constraint.required_tools == {"code", "search"}


@pytest.mark.parametrize(
    ("count", "tools", "says"),
    [
        (-1, ("search",), "required"),
        (1, ("search", "code"), "2 tools"),
        (-7, (), "no image count"),
        (True, (), "count"),
    ],
)
def test_labels_nothing_can_meet_are_refused(count, tools, says):
    with pytest.raises(ConstraintError, match=says):
        Row(prompt=user("x"), image_count=count, required_tools=tools)


def test_pictures_must_be_png_and_prompts_must_exist():
    with pytest.raises(ValidationError, match="not a PNG"):
        Row(prompt=user("x"), image_count=0, images=(b"GIF89a",))
    with pytest.raises(ValidationError):
        Row(prompt=(), image_count=0)


def test_rows_are_frozen(make_row):
    with pytest.raises(ValidationError):
        make_row().image_count = 4


def test_the_blind_view_has_no_label(make_row):
    question = make_row().question
    assert set(Question.model_fields) == {"messages", "pictures"}
    assert not set(Question.model_fields) & set(Reading.model_fields)
    shown = question.model_dump_json()
    assert "search" not in shown
    assert "image_count" not in shown


def test_what_a_trainer_and_a_renderer_take(rows):
    row = next(r for r in rows if r.images)
    assert row.messages == [{"role": "user", "content": row.text}]
    (picture,) = row.pictures
    assert (picture.width, picture.height) == (160, 120)
    assert picture.png == row.images[0]
    assert picture.provenance.tool == "input"
