"""When too much goes unscored, training stops with a sentence."""

import pytest

from llmi_reward import Score, presets
from llmi_reward.integrations.limit import TooManyUnscoredError, UnscoredLimit
from llmi_reward.integrations.trl import trl_reward, trl_reward_plain
from llmi_schema import ConfigurationError, LLMIError

GOOD, BAD, DULL = Score(1.0), Score.unscored("the judge is down"), Score.unscored("refused")


def test_nothing_is_raised_up_to_the_share():
    limit = UnscoredLimit(share=0.5, samples=4)
    limit.note([BAD, BAD, GOOD, GOOD])
    assert limit.unscored == 0.5
    limit.note([GOOD, BAD])


def test_past_the_share_it_stops_and_says_why():
    limit = UnscoredLimit(share=0.5, samples=4)
    limit.note([BAD, BAD, BAD])  # not yet a full window
    with pytest.raises(TooManyUnscoredError, match=r"100% of the last 4 .* 50% .*3 x the judge is down; 1 x refused"):
        limit.note([DULL])
    assert issubclass(TooManyUnscoredError, LLMIError)


def test_only_the_last_samples_count():
    limit = UnscoredLimit(share=0.0, samples=2)
    limit.note([GOOD, GOOD])
    with pytest.raises(TooManyUnscoredError, match="50% of the last 2"):
        limit.note([BAD])


@pytest.mark.parametrize("wrong", [{"share": 1.5}, {"share": -0.1}, {"samples": 0}])
def test_limits_must_make_sense(wrong):
    with pytest.raises(ConfigurationError):
        UnscoredLimit(**wrong)


@pytest.mark.parametrize("plain", [False, True])
async def test_it_ends_a_trl_run(make, plain):
    """TRL lets what a reward function raises end the run."""

    async def render(document, inputs):
        return make.rendered(str(document), ["unavailable"] * len(document.tags))

    kind = trl_reward_plain if plain else trl_reward
    reward = kind(presets.rules(), render=render, limit=UnscoredLimit(0.5, samples=4))
    batch = {"prompts": ["?"] * 3, "completions": [make.tag()] * 3, "image_count": [1] * 3}
    first = reward(**batch) if plain else await reward(**batch)
    assert first == [None] * 3
    with pytest.raises(TooManyUnscoredError, match="a tool was unavailable"):
        reward(**batch) if plain else await reward(**batch)
