"""The presets with judges, against the published formula and the semantics table."""

import itertools
import pickle
import subprocess
import sys

import pytest

from llmi_reward import Sample, presets
from llmi_reward.judges import MLLMJudge, Rubric
from llmi_reward.reference import combine
from llmi_schema import ConfigurationError, Constraint, parse


def models(judging, text=4, image=3, quality=5, text_image=4, task=3):
    return (
        judging.Scripted(judging.marks(text=text, image=image)),
        judging.Scripted(judging.marks(quality=quality, text_image=text_image, task=task)),
    )


def foxes(make, pictures, code):
    return make.sample("Foxes are red. " + make.tag() * pictures, code, outcomes=list(range(pictures)))


async def test_it_equals_the_published_formula_to_the_last_bit(make, judging):
    for text, image, quality, fits in itertools.product((1, 2, 5), (1, 4), (1, 3, 5), (2, 5)):
        llm, mllm = models(judging, text, image, quality, fits, 4)
        for delivered, wanted in ((3, 3), (2, 3), (4, 3), (7, 3)):
            for weights in ((1.4, 0.6), (1.5, 0.5)):
                reward = presets.llmi(llm, mllm, text_weight=weights[0], image_weight=weights[1])
                score = await reward(foxes(make, delivered, wanted))
                count = {3: 1.0, 2: 2 / 3, 4: 0.7, 7: 0.0}[delivered]
                expected = combine(count, text, image, quality, fits, 4, *weights)
                assert score.value == expected
                assert sum(score.contributions.values()) == pytest.approx(expected, abs=1e-9)


async def test_a_count_of_zero_pays_no_picture_judge(make, judging):
    llm, mllm = models(judging)
    score = await presets.llmi(llm, mllm)(foxes(make, 7, 3))
    assert mllm.asked == []
    assert score.components == {"count": 0.0, "llm": pytest.approx(0.675), "mllm": None}


async def test_no_picture_wanted_and_none_there(make, judging):
    llm, mllm = models(judging, 5, 5)
    assert (await presets.llmi(llm, mllm)(foxes(make, 0, -1))).value == 1.0
    assert mllm.asked == []


async def test_any_number_and_no_tag_has_no_m(make, judging):
    llm, mllm = models(judging, 3, 3)
    score = await presets.llmi(llm, mllm)(foxes(make, 0, 0))
    assert score.value == pytest.approx((0.2 + 0.5 * 0.5) / 0.7, abs=1e-12)
    assert score.components["mllm"] is None
    assert sum(score.contributions.values()) == pytest.approx(score.value, abs=1e-9)
    assert mllm.asked == []
    llm, mllm = models(judging, 5, 5)
    assert (await presets.llmi(llm, mllm)(foxes(make, 0, 0))).value == 1.0


async def test_any_number_and_only_failures_has_m_0(make, judging):
    llm, mllm = models(judging, 5, 5)
    sample = make.sample("Foxes. " + make.tag(), 0, outcomes=["no_result"])
    assert (await presets.llmi(llm, mllm)(sample)).value == 0.7


async def test_a_failing_tag_where_none_is_wanted_earns_only_the_text(make, judging):
    llm, mllm = models(judging, 5, 5)
    sample = make.sample("Foxes. " + make.tag(), -1, outcomes=["no_result"])
    assert (await presets.llmi(llm, mllm)(sample)).value == 0.5


@pytest.mark.parametrize("which", ["llm", "mllm"])
async def test_a_judge_that_is_down_leaves_the_sample_unscored(make, judging, which):
    llm, mllm = models(judging)
    down = judging.Scripted(judging.down)
    reward = presets.llmi(down, mllm) if which == "llm" else presets.llmi(llm, down)
    score = await reward(foxes(make, 1, 1))
    assert score.value is None
    assert score.reason == f"{which}: unreachable: no reply from the server"
    assert score.contributions == {}


async def test_a_judge_that_is_down_is_no_matter_where_its_factor_is_0(make, judging):
    llm, _ = models(judging, 5, 5)
    assert (await presets.llmi(llm, judging.Scripted(judging.down))(foxes(make, 7, 3))).value == 0.5


async def test_tools_down_are_unscored(make, judging):
    llm, mllm = models(judging)
    sample = make.sample("Foxes. " + make.tag() * 2, 2, outcomes=["unavailable"] * 2)
    score = await presets.llmi(llm, mllm)(sample)
    assert score.value is None
    assert "unavailable" in score.reason


async def test_literal_placeholders_earn_nothing(make, judging):
    """Fault 1: n literal `<image>` strings scored up to 1.0, above an honest answer."""
    llm, mllm = models(judging, 5, 5, 5, 5, 5)
    cheat = await presets.llmi(llm, mllm)(make.sample("Foxes. <image> <image>", 2))
    honest = await presets.llmi(llm, mllm)(foxes(make, 2, 2))
    assert cheat.value == 0.5
    assert honest.value == 1.0


async def test_llmi_tools_trains_on_the_tool_score(make, judging):
    llm, mllm = models(judging)
    sample = make.sample("Foxes. " + make.tag(), 1, {"search"}, outcomes=[0])
    paper = await presets.llmi(llm, mllm)(sample)
    both = await presets.llmi_tools(llm, mllm)(sample)
    assert both.value == pytest.approx(0.8 * paper.value + 0.2)
    assert both.components["tool"] == 1.0


def test_the_formula_can_be_read(judging):
    llm, mllm = models(judging)
    formula = "((0.2 * count + 0.5 * llm) * 1.4285714285714286 if free_of_pictures else {})".format(
        "0.2 * count + 0.3 * mllm * count + 0.5 * llm"
    )
    assert repr(presets.llmi(llm, mllm)) == formula
    assert repr(presets.llmi_tools(llm, mllm)) == f"0.8 * {formula} + 0.2 * tool"
    changed = presets.llmi(llm, mllm, samples=3)
    assert "llm(samples=3)" in repr(changed)


def test_judges_come_from_the_published_variables(monkeypatch):
    for name in ("LLM_JUDGE_BASE_URL", "LLM_JUDGE_MODEL_NAME", "MLLM_JUDGE_BASE_URL", "MLLM_JUDGE_MODEL_NAME"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigurationError, match="LLM_JUDGE_BASE_URL and LLM_JUDGE_MODEL_NAME"):
        presets.llmi()
    monkeypatch.setenv("LLM_JUDGE_BASE_URL", "http://one/v1")
    monkeypatch.setenv("LLM_JUDGE_MODEL_NAME", "a")
    with pytest.raises(ConfigurationError, match="MLLM_JUDGE_BASE_URL"):
        presets.llmi()
    monkeypatch.setenv("MLLM_JUDGE_BASE_URL", "http://two/v1")
    monkeypatch.setenv("MLLM_JUDGE_MODEL_NAME", "b")
    parts = presets.llmi().parts
    assert repr(parts["llm"].model) == "ChatClient('a' at http://one/v1)"
    assert repr(parts["mllm"].model) == "ChatClient('b' at http://two/v1)"


def test_the_environment_is_not_read_at_import():
    code = "import llmi_reward.presets, llmi_reward.judges"
    assert subprocess.run([sys.executable, "-c", code], env={"LLM_JUDGE_BASE_URL": "nonsense"}).returncode == 0


def test_equal_presets_have_equal_parts(judging):
    llm, mllm = models(judging)
    first, second = presets.llmi(llm, mllm), presets.llmi(llm, mllm)
    assert first.parts["mllm"] == second.parts["mllm"] == MLLMJudge(mllm)
    assert first.parts["llm"] == second.parts["llm"]
    assert Rubric.shipped("llm").weighted(text=1.4, image=0.6) == Rubric.shipped("llm")


async def test_a_preset_travels_to_other_processes(make, monkeypatch):
    """As frameworks on Ray send it, before and after it has been used."""
    for name in ("LLM_JUDGE", "MLLM_JUDGE"):
        monkeypatch.setenv(f"{name}_BASE_URL", "http://127.0.0.1:9/v1")
        monkeypatch.setenv(f"{name}_MODEL_NAME", "m")
    reward = presets.llmi_tools()
    copy = pickle.loads(pickle.dumps(reward))
    assert repr(copy) == repr(reward)
    assert copy.labels == reward.labels


# The release, faults included.


class Says:
    """A model that says one thing."""

    def __init__(self, text):
        self.text, self.asked = text, []

    async def ask(self, messages, **_):
        from llmi_reward.chat import Answer

        self.asked.append(messages)
        return Answer(self.text)


HONEST = "Text: 4\nImage: 3", "Quality: 5\nRelevance: 4\nTask: 3"


async def released(sample, text=HONEST[0], pictures=HONEST[1]):
    return (await presets.reference(Says(text), Says(pictures))(sample)).value


async def test_the_release_agrees_where_it_has_no_fault(make, judging):
    llm, mllm = models(judging)
    sample = foxes(make, 2, 2)
    assert await released(sample) == (await presets.llmi(llm, mllm)(sample)).value


async def test_the_release_has_its_faults(make, judging):
    literal = make.sample("Foxes. <image> <image>", 2)
    assert await released(literal) == combine(1.0, 4, 3, 5, 4, 3)  # 1: literals are pictures
    nothing = make.sample("Foxes. " + make.tag(), -1, outcomes=["crashed"])
    assert await released(nothing) == combine(1.0, 4, 3, 5, 5, 5)  # 4: failing tags cost nothing
    assert await released(foxes(make, 1, 1), "Text: 100\nImage: 5") == combine(1.0, 100, 5, 5, 4, 3)  # 5: no bounds
    assert await released(foxes(make, 1, 1), "**Text:** 4") == combine(1.0, 1, 1, 5, 4, 3)
    assert await released(foxes(make, 1, 1), "Reference Text: 1\nText: 5\nImage: 3") == combine(1.0, 1, 3, 5, 4, 3)
    thought = "<think>Quality: 5 Relevance: 5 Task: 5</think>Quality: 1\nRelevance: 1\nTask: 1"
    assert await released(foxes(make, 1, 1), pictures=thought) == combine(1.0, 4, 3, 5, 5, 5)  # 6: thoughts count
    down = presets.reference(judging.Scripted(judging.down), Says(""))
    assert (await down(foxes(make, 1, 1))).value == 1.0  # 5: an outage is the best score


async def test_ours_has_none_of_them(make, judging):
    thought = '<think>{"quality": {"reason": "", "score": 5}}</think>'
    llm, _ = models(judging)
    mllm = judging.Scripted(thought + "Quality: 5\nRelevance: 5\nTask: 5")
    assert (await presets.llmi(llm, mllm)(foxes(make, 1, 1))).value is None


async def test_the_release_needs_pictures_to_compare(make, judging):
    llm, mllm = models(judging)
    score = await presets.reference(llm, mllm)(Sample("x", parse("Foxes."), Constraint()))
    assert score.value is None
