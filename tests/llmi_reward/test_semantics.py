"""The rows of the semantics table that concern rules."""

import pytest

from llmi_reward import (
    ImageCountReward,
    Length,
    NoDuplicatePictures,
    Placement,
    Sample,
    TagFormat,
    ToolUse,
    presets,
)
from llmi_reward.reference import count_score
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


def test_a_copy_of_the_users_picture_is_no_delivery(make):
    """Count, tool use and repeats agree: an edit that changes nothing has made nothing."""
    given = make.picture(5)
    text = make.tag("edit", img_index=0, prompt="keep it") + make.tag("search")
    sample = make.sample(text, 2, {"edit"}, outcomes=[5, 6], inputs=(given,))
    assert value(COUNT, sample) == 0.5
    assert value(TOOL, sample) == 0.5  # tried, not delivered
    assert value(NoDuplicatePictures(), sample) == 0.5
    assert [picture.sha256 for _, picture in sample.delivered.values()] == [make.picture(6).sha256]
    assert sample.rendered.delivered == (make.picture(6),)


def test_more_pictures_than_a_judge_is_sent_still_count_where_any_number_will_do(make):
    assert value(COUNT, make.pictures_sample(11, 0)) == 1.0
    assert value(COUNT, make.pictures_sample(11, 99)) == 1.0


@pytest.mark.parametrize("code", [-1, 0, 1, 7, 98, 99])
def test_the_count_score_is_the_published_one_on_delivered_pictures(make, code):
    for delivered in range(12):
        for split in ("train", "test"):
            expected = count_score(code, delivered, split)
            assert value(COUNT, make.pictures_sample(delivered, code, split=split)) == expected


def test_a_picture_index_counts_the_users_pictures_first(make):
    """The user's two pictures are 0 and 1, so an edit in the first tag may point to 1 and not to 2."""
    inputs = (make.picture(8), make.picture(9))
    edit = make.tag("edit", img_index=1, prompt="make it blue")
    assert value(FORMAT, make.sample(edit, 1, inputs=inputs)) == 1.0
    later = make.tag("edit", img_index=2, prompt="make it blue")
    assert value(FORMAT, make.sample(later, 1, inputs=inputs)) == 0.0


def test_the_prose_of_a_thought_is_not_scored(make):
    thought = f"<think>{'So many words. ' * 50}</think>"
    assert value(Length(100), make.sample(thought + "Short.", 0)) == 0.06
    assert value(Length(100), make.sample(thought, 0)) == 0.0


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("{p}{t}{p}", 1.0),
        ("{t}{p}", 1.0),
        ("{p}{t}", 1.0),
        ("{t}", 0.0),
        ("{p}{t}{t}{p}", 1.0),
        ("{p}{t}{t}{t}{p}", 2 / 3),
        ("{p}{t}{t}{t}{t}", 0.25),
        ("{t}{t}{t}{p}", 1 / 3),
        ("<think>{p}</think>{t}", 0.0),
        ("<image> ![{p}](x.png) {t}", 0.0),
        ("{p}", 1.0),
    ],
)
def test_pictures_stand_in_the_text(make, text, score):
    sample = make.sample(text.format(p="The fox walks along the river at dusk, alone. ", t=make.tag()), 0)
    assert value(Placement(), sample) == score


def test_a_failed_tag_separates_no_pictures(make):
    prose = "The fox walks along the river at dusk, alone. "
    sample = make.sample(prose + make.tag() * 4, 0, outcomes=["crashed", 1, "blank", 2])
    assert value(Placement(), sample) == 0.5
    down = make.sample(prose + make.tag() * 2, 0, outcomes=[1, "unavailable"])
    assert value(Placement(), down) is None


@pytest.mark.parametrize("dressing", ["\u200b" * 500, "<image>" * 100, "![x](y.png)" * 50, "<b></b>" * 90, " \n" * 300])
def test_what_no_reader_sees_is_no_length(make, dressing):
    assert value(Length(100), make.sample("Ten chars." + dressing, 0)) == pytest.approx(0.1)
