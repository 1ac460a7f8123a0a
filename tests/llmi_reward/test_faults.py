"""The faults of the published release that concern rules and adapters, by the numbers of the fact sheet.

Each test would fail with the release's way of doing it. Faults 5, 6 and 7 are the judges', 11 and 14 the tools'.
"""

import time
from dataclasses import replace

import pytest

from llmi_reward import ImageCountReward, NoDuplicatePictures, Sample, TagFormat, ToolUse, presets
from llmi_reward.integrations.trl import trl_reward
from llmi_schema import Constraint, ImageCount, RenderedDocument, parse


def test_fault_1_literal_placeholders_score_below_an_honest_answer(make):
    cheat = presets.rules().score(make.sample("Look: <image> <image> <image>", 3))
    honest = presets.rules().score(make.sample(f"Look: {make.tag()}", 3))
    assert cheat.value < honest.value
    assert cheat.components["count"] == 0.0


def test_fault_2_placeholders_beside_a_real_tag_do_not_fill_the_count(make):
    sample = make.sample(f"<image> {make.tag()} <image>", 3)
    assert ImageCountReward().measure(sample) == 1 / 3


def test_fault_3_placeholders_in_the_question_change_nothing(make):
    sample = make.sample(make.tag(), 1, {"search"})
    asked = replace(sample, prompt="What is in <image>? And <image>?")
    assert presets.rules().score(asked) == presets.rules().score(sample)


@pytest.mark.parametrize("tag", ["<imgen>{}</imgen>", None])
def test_fault_4_failing_tags_where_no_picture_may_appear_do_not_earn_the_count(make, tag):
    sample = make.sample(tag or make.tag("code"), -1, outcomes=["bad_call" if tag else "crashed"])
    assert ImageCountReward().measure(sample) == 0.0


@pytest.mark.parametrize(
    ("text", "tool"), [('<imgen>{"source": "code"</imgen>', 0.5), ("<imgen> {", 0.0), ("<imgen>fox</imgen>", 0.0)]
)
def test_fault_8_malformed_tags_are_seen(make, text, tool):
    sample = make.sample(text, 0, {"code"})
    assert TagFormat().measure(sample) == 0.0
    assert ToolUse().measure(sample) == tool


def test_fault_9_true_is_no_picture_index(make):
    tags = make.tag() * 2 + make.tag("edit", img_index=True, prompt="blue")
    assert TagFormat().measure(make.sample(tags, 3)) == 2 / 3


def test_fault_9_duplicates_do_not_earn_the_full_count(make):
    sample = make.sample(make.tag() * 4, 4, outcomes=[0, 0, 0, 0])
    assert ImageCountReward().measure(sample) == 0.25
    assert NoDuplicatePictures().measure(sample) == 0.25


def test_fault_10_unclosed_tags_take_linear_time():
    text = "<imgen>{" * 16_384  # 128 KB took the release 6.3 s
    started = time.perf_counter()
    document = parse(text)
    sample = Sample("?", RenderedDocument(document=document, results=()), Constraint(count=ImageCount.exactly(1)))
    assert presets.rules().score(sample).value == 0.0
    assert time.perf_counter() - started < 1.0


def test_fault_11_an_empty_figure_does_not_count(make):
    assert ImageCountReward().measure(make.sample(make.tag("code"), 1, outcomes=["blank"])) == 0.0


async def test_fault_12_one_exception_does_not_run_the_others_again(make):
    rendered = []

    async def render(document, inputs):
        rendered.append(str(document))
        if "boom" in str(document):
            raise OSError("boom")
        return make.rendered(str(document))

    reward = trl_reward(presets.rules(), render=render)
    values = await reward(prompts=["?"] * 3, completions=["one", "boom", "three"], image_count=[0, 0, 0])
    assert values == [1.0, None, 1.0]
    assert sorted(rendered) == ["boom", "one", "three"]


async def test_fault_13_an_outage_is_no_number_and_is_reported(make):
    async def render(document, inputs):
        return make.rendered(str(document), ["unavailable"] * len(document.tags))

    logged = {}
    reward = trl_reward(presets.rules(), render=render)
    values = await reward(
        prompts=["?"] * 2, completions=[make.tag(), "Prose."], image_count=[1, 0], log_metric=logged.__setitem__
    )
    assert values == [None, 1.0]
    assert logged["unscored"] == 0.5
