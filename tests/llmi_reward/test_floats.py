"""What float-only frameworks are handed: the same keys always, and parts that add up."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmi_reward import Score
from llmi_reward.integrations.floats import UnscoredError, as_floats, exact_parts, value_of
from llmi_reward.integrations.raw_sample import RawSample
from llmi_reward.integrations.scorer import Scored
from llmi_schema import ConfigurationError

LABELS = ("a", "b*c", "d")


def scored(score):
    return Scored(RawSample("?", "!", 0), score, None, 0.0)


def test_a_stand_in_is_marked():
    down = as_floats(scored(Score.unscored("down")), LABELS, unscored=-1.0)
    fine = as_floats(scored(Score(0.0, contributions=dict.fromkeys(LABELS, 0.0))), LABELS, unscored=-1.0)
    assert (down["score"], down["valid"]) == (-1.0, 0.0)
    assert (fine["score"], fine["valid"]) == (0.0, 1.0)
    assert tuple(down) == tuple(fine)
    assert all(type(value) is float for value in (*down.values(), *fine.values()))


def test_where_failing_is_better_than_a_number_it_raises():
    assert value_of(scored(Score(0.25))) == 0.25
    with pytest.raises(UnscoredError, match="the judge is down"):
        value_of(scored(Score.unscored("the judge is down")))


@given(st.lists(st.floats(-2, 2), min_size=3, max_size=3), st.floats(-1e-9, 1e-9))
def test_exact_parts_add_up_to_the_value_exactly(shares, off):
    """`Score` promises a sum within 1e-9; NeMo-Gym wants it exact."""
    value = shares[2] + shares[1] + shares[0] + off
    parts = exact_parts(scored(Score(value, contributions=dict(zip(LABELS, shares, strict=True)))), LABELS)
    assert sum(parts.values()) == value
    assert list(parts) == [*LABELS, "rounding"]


@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,"])
def test_pictures_come_through_json_as_base64(make, prefix):
    text = prefix + base64.b64encode(make.png(3)).decode()
    (picture,) = RawSample.read("?", "!", {"image_count": 0, "input_pictures": [text]}).pictures()
    assert picture.png == make.png(3)
    with pytest.raises(ConfigurationError, match="base64 or a data URL"):
        RawSample.read("?", "!", {"image_count": 0, "input_pictures": ["fox.png"]}).pictures()


@pytest.mark.parametrize(
    ("columns", "code", "tools"),
    [
        ({"image_count": 2, "required_tools": ["code"]}, 2, {"code"}),
        ({"image_num": 99, "tools": ["code"], "question": "?", "split": "train"}, 99, {"code"}),
        ('{"image_count": "inf"}', 99, set()),
        ("inf", 99, set()),
        ("3", 3, set()),
        (-1, -1, set()),
    ],
)
def test_rows_read_our_columns_the_published_ones_json_and_bare_counts(columns, code, tools):
    constraint = RawSample.read("?", "!", columns).constraint
    assert (constraint.count.encode(), constraint.required_tools) == (code, tools)
