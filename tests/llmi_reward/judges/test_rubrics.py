"""Rubric files: the shipped ones, one's own, and wrong ones."""

import pytest

from llmi_reward.judges import LLMJudge, Rubric
from llmi_schema import ConfigurationError

OWN = """
name = "tone"
version = 3
task = "You judge the tone of a text."

[[criteria]]
name = "warmth"
weight = 2
question = "Is it friendly?"
scale = ["hostile", "cold", "neutral", "friendly", "warm"]

[[criteria]]
name = "calm"
question = "Is it calm?"
"""


def test_the_shipped_rubrics_are_in_order():
    for name in ("llm", "mllm", "pairwise"):
        rubric = Rubric.shipped(name)
        assert rubric.name == name
        assert rubric.version >= 1
        assert repr(rubric) == f"Rubric('{name} v{rubric.version}')"
    assert [(c.name, c.weight) for c in Rubric.shipped("llm").criteria] == [("text", 1.4), ("image", 0.6)]
    assert [c.name for c in Rubric.shipped("mllm").criteria] == ["quality", "text_image", "task"]
    with pytest.raises(ConfigurationError, match="llm, mllm, pairwise"):
        Rubric.shipped("other")


async def test_ones_own_rubric_judges(tmp_path, make, judging):
    (tmp_path / "tone.toml").write_text(OWN)
    rubric = Rubric.load(tmp_path / "tone.toml")
    model = judging.Scripted(judging.marks(warmth=5, calm=2))
    score = await LLMJudge(model, rubric, name="tone").judge(make.sample("Hello, fox!"))
    assert score.value == ((2 * 5 + 2) / 3 - 1) / 4
    assert score.details["rubric"] == "tone v3"
    assert "You judge the tone of a text." in model.system
    assert "5: warm" in model.system
    assert str(LLMJudge(model, rubric, name="tone")) == "tone(rubric=Rubric('tone v3'))"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name =", "not in order"),
        ('name = "x"\nversion = 1\ntask = "t"', "criteria"),
        (OWN.replace('"warmth"', '"calm"'), "two criteria of one name"),
        (OWN.replace('"warm"]', '"warm", "hot"]'), "exactly five"),
        (OWN.replace("weight = 2", "weight = -2"), "negative"),
        (OWN.replace('name = "calm"', 'name = "not one word"'), "plain word"),
        (OWN.replace("question", "querstion"), "not in order"),
        (OWN.replace("version = 3", "version = 3\nweights = 1"), "not in order"),
    ],
)
def test_a_wrong_rubric_is_named_before_anything_is_paid(tmp_path, text, message):
    (tmp_path / "r.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=message) as error:
        Rubric.load(tmp_path / "r.toml")
    assert "r.toml" in str(error.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Rubric.load(tmp_path / "none.toml")


def test_weights_can_be_changed():
    assert [c.weight for c in Rubric.shipped("llm").weighted(text=1.5, image=0.5).criteria] == [1.5, 0.5]
    with pytest.raises(ConfigurationError, match="no criterion tone"):
        Rubric.shipped("llm").weighted(tone=1)
    with pytest.raises(ConfigurationError, match="no positive weight"):
        Rubric.shipped("llm").weighted(text=0, image=0)
