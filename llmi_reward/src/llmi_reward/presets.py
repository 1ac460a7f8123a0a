"""Complete rewards, ready to train on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmi_reward.choice import choose, free_of_pictures
from llmi_reward.formula import Formula
from llmi_reward.rules import ImageCountReward, TagFormat, ToolUse
from llmi_schema import MAX_IMAGES

if TYPE_CHECKING:
    from llmi_reward.chat import ChatModel

# Judges are imported where they are used: who scores with rules alone does not wait for them.


def rules(*, strict: bool = False) -> Formula:
    """`format * (0.6 * count + 0.4 * tool)`: no judge, 0 to 1.

    A document that is not finished scores 0, and every malformed tag costs its share of all the rest.

    Args:
        strict: count exactly in training too. The published shape pays for near misses: where prompts ask for one to
            three pictures, a policy that always draws two earns 0.8 of it without reading the number.
    """
    return TagFormat() * (0.6 * ImageCountReward(strict=strict) + 0.4 * ToolUse())


def llmi(
    llm: ChatModel | None = None,
    mllm: ChatModel | None = None,
    *,
    text_weight: float = 1.4,
    image_weight: float = 0.6,
    samples: int = 1,
    strict: bool = False,
    max_images: int = MAX_IMAGES,
) -> Formula:
    """The paper's reward, `0.2 * count + 0.3 * mllm * count + 0.5 * llm`, 0 to 1.

    L and M are the weighted means of the judges' marks, brought from 1..5 to 0..1; fed with the same marks and count
    it equals `reference.combine` to the last bit. Where any number of pictures will do and the answer has no tag
    there is no M, and the other two terms are divided by their weights' sum, 0.7.

    Args:
        llm: who judges the text; by default the model that `LLM_JUDGE_BASE_URL` and `LLM_JUDGE_MODEL_NAME` name.
        mllm: who judges the pictures, and so must see them; by default that of `MLLM_JUDGE_BASE_URL` and
            `MLLM_JUDGE_MODEL_NAME`.
        text_weight, image_weight: of the two criteria of the text judge; 1.5 and 0.5 in the multimodal recipe.
        samples: verdicts per judge, of which the median counts.
        strict: count exactly in training too.
        max_images: most pictures that are judged.

    Raises `ConfigurationError` when a judge is neither given nor named by the environment.
    """
    from llmi_reward.judges import LLMJudge, MLLMJudge, Rubric, llm_from_env, mllm_from_env

    count = ImageCountReward(strict=strict)
    rubric = Rubric.shipped("llm").weighted(text=text_weight, image=image_weight)
    text = LLMJudge(llm or llm_from_env(), rubric, samples)
    pictures = MLLMJudge(mllm or mllm_from_env(), samples=samples, max_images=max_images)
    without_pictures = (0.2 * count + 0.5 * text) * (1 / 0.7)
    return choose(free_of_pictures, without_pictures, 0.2 * count + 0.3 * pictures * count + 0.5 * text)


def llmi_tools(
    llm: ChatModel | None = None,
    mllm: ChatModel | None = None,
    *,
    text_weight: float = 1.4,
    image_weight: float = 0.6,
    samples: int = 1,
    strict: bool = False,
    max_images: int = MAX_IMAGES,
) -> Formula:
    """`0.8 * llmi + 0.2 * tool`: the paper logs the tool score without training on it; this trains on it.

    The arguments are those of `llmi`.
    """
    paper = llmi(
        llm,
        mllm,
        text_weight=text_weight,
        image_weight=image_weight,
        samples=samples,
        strict=strict,
        max_images=max_images,
    )
    return 0.8 * paper + 0.2 * ToolUse()


def reference(llm: ChatModel | None = None, mllm: ChatModel | None = None) -> Formula:
    """What the published release computes, its faults included: to compare with, never to train on.

    It counts the literal `<image>`, reads the first number it finds whatever its size, and scores 1 where a judge
    does not answer (`judges/release.py` lists them). The judges are those of `llmi`.
    """
    from llmi_reward.judges import llm_from_env, mllm_from_env
    from llmi_reward.judges.release import Release

    return Release(llm or llm_from_env(), mllm or mllm_from_env())
