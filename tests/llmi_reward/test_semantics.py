"""The rows of the semantics table that concern rules."""

import pytest

from llmi_reward import ImageCountReward, NoDuplicatePictures, Sample, TagFormat, ToolUse, presets
from llmi_schema import Constraint, ImageCount, parse

FORMAT, COUNT, TOOL = TagFormat(), ImageCountReward(), ToolUse()


def value(rule, sample):
    return rule.score(sample).value


def test_tags_in_closed_thoughts_are_not_calls(make):
    sample = make.sample(f"<think>{make.tag()} 5/5</think>Prose.{make.tag('code')}", 1, {"search"})
    assert (value(FORMAT, sample), value(COUNT, sample), value(TOOL, sample)) == (1.0, 1.0, 0.0)


def test_an_open_thought_is_not_finished(make):
    sample = make.sample(f"{make.tag()} <think>and so on", 1)
    assert value(FORMAT, sample) == 0.0
    assert value(presets.rules(), sample) == 0.0


def test_fenced_tags_are_malformed_and_deliver_nothing(make):
    sample = make.sample(f"```\n{make.tag()}\n```\n{make.tag()}", 2)
    assert (value(FORMAT, sample), value(COUNT, sample)) == (0.5, 0.5)


@pytest.mark.parametrize("text", ["<image>", "![a fox](fox.png)", '<img src="fox.png">', "<image>" * 7])
def test_pictures_in_text_are_no_evidence(make, text):
    assert value(COUNT, make.sample(text, 1)) == 0.0
    assert value(COUNT, make.sample(text, 99)) == 0.0
    assert value(COUNT, make.sample(text, -1)) == 1.0


def test_a_bad_tag_is_an_attempt_of_the_tool_it_names(make):
    named = '<imgen>{"source": "code", "params": {}}</imgen>'
    assert value(TOOL, make.sample(named, 0, {"code"})) == 0.5
    assert value(TOOL, make.sample("<imgen>{}</imgen>", 0, {"code"})) == 0.0
    assert value(FORMAT, make.sample(named + make.tag(), 0)) == 0.5


def test_an_open_tag_is_an_unfinished_document(make):
    assert value(FORMAT, make.sample(make.tag() + "<imgen> {", 0)) == 0.0


def test_a_document_cut_off_is_not_finished(make):
    assert value(FORMAT, make.sample("Prose that goes", 0, truncated=True)) == 0.0


def test_a_repeat_is_delivered_once(make):
    sample = make.sample(make.tag() * 3, 3, outcomes=[1, 1, 2])
    assert value(COUNT, sample) == 2 / 3
    assert value(NoDuplicatePictures(), sample) == 2 / 3


@pytest.mark.parametrize("reason", ["blank", "timeout", "crashed", "no_result", "refused", "bad_call"])
def test_a_failed_tool_delivers_nothing(make, reason):
    sample = make.sample(make.tag("code") * 2, 2, {"code"}, outcomes=[0, reason])
    assert (value(COUNT, sample), value(TOOL, sample)) == (0.5, 1.0)
    sample = make.sample(make.tag("code"), 1, {"code"}, outcomes=[reason])
    assert (value(COUNT, sample), value(TOOL, sample)) == (0.0, 0.5)


@pytest.mark.parametrize(
    ("code", "delivered", "train", "test"),
    [
        (-1, 0, 1.0, 1.0),
        (-1, 1, 0.0, 0.0),
        (0, 0, 1.0, 1.0),
        (0, 7, 1.0, 1.0),
        (99, 0, 0.0, 0.0),
        (99, 3, 1.0, 1.0),
        (4, 4, 1.0, 1.0),
        (4, 3, 0.75, 0.0),
        (4, 0, 0.0, 0.0),
        (4, 5, 0.7, 0.0),
        (4, 6, 0.4, 0.0),
        (4, 8, 0.0, 0.0),
    ],
)
def test_the_count_score(make, code, delivered, train, test):
    assert value(COUNT, make.pictures_sample(delivered, code)) == train
    assert value(COUNT, make.pictures_sample(delivered, code, split="test")) == test
    assert value(ImageCountReward(strict=True), make.pictures_sample(delivered, code)) == test


def test_tools_down_leave_the_sample_unscored(make):
    sample = make.sample(make.tag() * 2, 2, {"search"}, outcomes=["unavailable", "unavailable"])
    for rule in (COUNT, TOOL, presets.rules()):
        score = rule.score(sample)
        assert score.value is None
        assert "unavailable" in score.reason


@pytest.mark.parametrize(("code", "delivered", "score"), [(0, 1, 1.0), (99, 1, 1.0), (-1, 1, 0.0), (1, 5, 0.0)])
def test_tools_down_do_not_matter_where_the_score_would_be_the_same(make, code, delivered, score):
    sample = make.sample(make.tag() * (delivered + 1), code, outcomes=[*range(delivered), "unavailable"])
    assert value(COUNT, sample) == score


def test_an_edit_of_a_picture_missing_for_a_tool_down_is_not_to_blame(make):
    text = make.tag() + make.tag("edit", img_index=0, prompt="blue") + make.tag("edit", img_index=1, prompt="red")
    sample = make.sample(text, 3, {"edit"}, outcomes=["unavailable", "missing_picture", "missing_picture"])
    assert value(TOOL, sample) is None
    blamed = make.sample(text, 3, {"edit"}, outcomes=["crashed", "missing_picture", "missing_picture"])
    assert value(TOOL, blamed) == 0.5


def test_the_preset_is_format_times_count_and_tool(make):
    sample = make.sample(make.tag("code") + make.tag() + "<imgen>{}</imgen>", 4, {"code", "edit"})
    score = presets.rules().score(sample)
    assert score.components == {"format": 2 / 3, "count": 0.5, "tool": 0.4 / 0.7}
    assert score.value == pytest.approx(2 / 3 * (0.6 * 0.5 + 0.4 * (0.4 / 0.7)), abs=1e-12)
    assert sum(score.contributions.values()) == pytest.approx(score.value, abs=1e-9)


def test_without_render_what_needs_pictures_is_unscored_and_says_so(make):
    constraint = Constraint(count=ImageCount.exactly(1), required_tools={"search"})
    sample = Sample("A fox?", parse(make.tag()), constraint)
    for rule in (COUNT, TOOL, NoDuplicatePictures(), presets.rules()):
        score = rule.score(sample)
        assert score.value is None
        assert "render=" in score.reason
    assert value(FORMAT, sample) == 1.0
