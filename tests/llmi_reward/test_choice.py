"""`choose`: one formula for some samples, another for the rest."""

import pytest

from llmi_reward import ImageCountReward, TagFormat, ToolUse
from llmi_reward.choice import choose, free_of_pictures

COUNT, FORMAT, TOOL = ImageCountReward(), TagFormat(), ToolUse()


def finished(sample):
    return sample.finished


def test_the_condition_decides_which_one_counts(make):
    reward = choose(finished, 0.5 * FORMAT + 0.5 * COUNT, 0.1 * COUNT)
    whole = reward.score(make.sample("Foxes. " + make.tag(), 1))
    cut_off = reward.score(make.sample("Foxes. " + make.tag(), 1, truncated=True))
    assert (whole.value, cut_off.value) == (1.0, 0.1)
    assert whole.contributions == {"format": 0.5, "count": 0.5}
    assert cut_off.contributions == {"format": 0.0, "count": 0.1}
    assert whole.components == {"format": 1.0, "count": 1.0}
    assert cut_off.components == {"format": None, "count": 1.0}  # what does not matter is not computed


def test_it_is_a_formula_like_any_other(make):
    reward = (0.5 * choose(finished, FORMAT, COUNT) + 0.5 * TOOL).clip(0, 0.75)
    assert repr(reward) == "(0.5 * (format if finished else count) + 0.5 * tool).clip(0, 0.75)"
    score = reward.score(make.sample("Foxes."))
    assert score.value == 0.75
    assert sum(score.contributions.values()) == pytest.approx(0.75, abs=1e-12)


def test_an_unscored_choice_is_unscored(make):
    reward = choose(finished, COUNT, FORMAT)
    score = reward.score(make.sample("Foxes. " + make.tag(), 1, outcomes=["unavailable"]))
    assert score.value is None
    assert "count" in score.reason


@pytest.mark.parametrize(
    ("text", "code", "free"),
    [("Foxes.", 0, True), ("Foxes. TAG", 0, False), ("Foxes.", -1, False), ("Foxes.", 2, False), ("Foxes.", 99, False)],
)
def test_a_sample_is_free_of_pictures_where_any_number_will_do_and_none_was_tried(make, text, code, free):
    assert free_of_pictures(make.sample(text.replace("TAG", make.tag()), code)) is free
