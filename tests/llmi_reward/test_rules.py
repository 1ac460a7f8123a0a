"""What the rules do beyond the semantics table."""

import pickle
from dataclasses import FrozenInstanceError, fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmi_reward import (
    ImageCountReward,
    Length,
    NoDuplicatePictures,
    Sample,
    Score,
    TagFormat,
    ToolUse,
    Unscored,
    presets,
    reference,
)
from llmi_schema import ConfigurationError, Constraint, ImageCount, RenderedDocument, parse

TOOLS = ("code", "edit", "search", "diffusion")
ALL_RULES = [TagFormat(), ImageCountReward(), ToolUse(), NoDuplicatePictures(), Length(10, 100), presets.rules()]


@given(
    code=st.sampled_from([-1, 0, 1, 2, 3, 7, 98, 99]),
    delivered=st.integers(0, 12),
    split=st.sampled_from(["train", "test"]),
)
def test_the_count_rule_is_the_published_formula_on_delivered_pictures(make, code, delivered, split):
    sample = make.pictures_sample(delivered, code, split)
    assert ImageCountReward().measure(sample) == reference.count_score(code, delivered, split)


@given(
    required=st.sets(st.sampled_from(TOOLS), min_size=1),
    outcomes=st.dictionaries(st.sampled_from(TOOLS), st.booleans()),
)
def test_the_tool_rule_is_the_published_formula_on_delivered_pictures(make, required, outcomes):
    text = "".join(make.tag(tool) for tool in outcomes)
    results = [number if works else "crashed" for number, works in enumerate(outcomes.values())]
    sample = make.sample(text, 0, required, results, inputs=[make.picture(99)])
    succeeded = {tool for tool, works in outcomes.items() if works}
    assert ToolUse().measure(sample) == reference.tool_score(required, outcomes.keys(), succeeded)


@given(st.lists(st.sampled_from(["text ", "<imgen>", "</imgen>", "{}", "```\n", "<think>", "</think>", "<image>"])))
def test_any_text_scores_between_0_and_1(make, pieces):
    sample = make.sample("".join(pieces), 2, {"code"})
    for rule in ALL_RULES:
        assert 0.0 <= rule.score(sample).value <= 1.0


@pytest.mark.parametrize(
    ("count", "delivered", "score"),
    [
        (ImageCount(minimum=2, maximum=4), 1, 0.5),
        (ImageCount(minimum=2, maximum=4), 3, 1.0),
        (ImageCount(minimum=2, maximum=4), 5, 0.7),
        (ImageCount(maximum=3), 4, 0.7),
        (ImageCount(minimum=3), 9, 1.0),
        (ImageCount(minimum=4), 3, 0.75),
    ],
)
def test_counts_without_a_published_code_get_the_same_shape(make, count, delivered, score):
    document = make.rendered(make.tag() * delivered)
    assert ImageCountReward().measure(Sample("?", document, Constraint(count=count))) == score


def test_nothing_required_scores_1_as_a_rule_and_0_as_published(make):
    assert ToolUse().measure(make.sample("Prose.", 0)) == 1.0
    assert reference.tool_score(set(), set(), set()) == 0.0


def test_a_picture_counts_for_the_tool_that_delivered_it_first(make):
    """An edit that returns its picture unchanged has not delivered one."""
    text = make.tag("search") + make.tag("edit", img_index=0, prompt="do nothing")
    assert ToolUse().measure(make.sample(text, 0, {"edit"}, outcomes=[1, 1])) == 0.5
    assert ToolUse().measure(make.sample(text, 0, {"edit"}, outcomes=[1, 2])) == 1.0


def test_a_tool_of_ones_own_needs_a_weight(make):
    sample = make.sample("Prose.", 0, {"diagram"})
    score = ToolUse().score(sample)
    assert (score.value, "no weight for diagram" in score.reason) == (None, True)
    assert ToolUse(weights={"diagram": 1.0}).measure(sample) == 0.0
    with pytest.raises(ConfigurationError, match="positive"):
        ToolUse(weights={"diagram": 0.0})


def test_the_users_own_picture_is_no_new_one(make):
    text = make.tag("edit", img_index=0, prompt="do nothing") + make.tag()
    sample = make.sample(text, 0, outcomes=[5, 6], inputs=[make.picture(5)])
    assert NoDuplicatePictures().measure(sample) == 0.5


@pytest.mark.parametrize(("characters", "score"), [(5, 0.5), (10, 1.0), (20, 1.0), (30, 0.5), (40, 0.0), (400, 0.0)])
def test_length_falls_in_proportion(make, characters, score):
    text = f"<think>{'x' * 50}</think>" + "x" * characters + make.tag() + " \n "
    assert Length(10, 20).measure(make.sample(text)) == score


def test_white_space_is_no_length(make):
    assert Length(minimum=10).measure(make.sample("a" + " \n" * 1000 + "b")) == 0.3


def test_without_a_minimum_no_text_is_too_short(make):
    assert Length(maximum=10).measure(make.sample("")) == 1.0


def test_what_was_scored_and_what_scored_it_stay_as_they_were(make):
    for value in (Score(1.0), Unscored("down"), make.sample("A fox."), ImageCountReward(), Length(), ToolUse()):
        with pytest.raises(FrozenInstanceError):
            setattr(value, fields(value)[0].name, None)


@pytest.mark.parametrize("bounds", [(-1, None), (10, 5), (0, 0)])
def test_bounds_of_length_must_make_sense(bounds):
    with pytest.raises(ConfigurationError):
        Length(*bounds)


def test_settings_show_in_the_formula():
    formula = TagFormat() * (0.6 * ImageCountReward(strict=True) + 0.4 * Length(10, 20).named("size"))
    assert repr(formula) == "format * (0.6 * count(strict=True) + 0.4 * size(minimum=10, maximum=20))"


def test_samples_and_rewards_are_picklable(make):
    sample = make.sample(make.tag(), 1, {"search"})
    again = pickle.loads(pickle.dumps(sample))
    assert again == sample
    assert pickle.loads(pickle.dumps(presets.rules())).score(again) == presets.rules().score(sample)


async def test_the_readme_example_of_the_project(make):
    document = parse(make.tag("code") + make.tag() + make.tag("diffusion"))
    rendered = RenderedDocument(document=document, results=make.rendered(str(document)).results)
    sample = Sample(
        prompt="...", document=rendered, constraint=Constraint(count=ImageCount.decode(3), required_tools={"code"})
    )
    score = await presets.rules()(sample)
    assert score.value == 1.0
    assert score.components == {"format": 1.0, "count": 1.0, "tool": 1.0}
