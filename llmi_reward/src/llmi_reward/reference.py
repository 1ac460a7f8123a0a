"""The published reward's formulas as pure functions, evaluated in the published order: equal to the last bit.

They reproduce the release (`ByteDance-BandAI/LLM-I`), oddities included, so that other numbers can be compared with
it. What the release feeds them is another matter: it counts the literal `<image>` in text. The rules of this
package feed on delivered pictures.
"""

from __future__ import annotations

from collections.abc import Collection

from llmi_schema import ConstraintError
from llmi_schema.published import valid_tag

__all__ = ["TOOL_WEIGHTS", "combine", "count_score", "tool_score", "total_weight", "valid_tag"]

TOOL_WEIGHTS = {"code": 0.4, "edit": 0.3, "search": 0.2, "diffusion": 0.1}
"""How much a required tool weighs: the harder to use, the more."""

NO_PICTURES, ANY_NUMBER, AT_LEAST_ONE = -1, 0, 99


def count_score(image_num: int, delivered: int, split: str) -> float:
    """How well a number of pictures fits what was asked for, 0 to 1.

    Args:
        image_num: published code: -1 none, 0 any number, 99 at least one, otherwise exactly that many.
        delivered: how many pictures there are.
        split: "train" gives part of the score to a near miss; any other value counts exactly.

    Raises `ConstraintError` for a code below -1.
    """
    if image_num < NO_PICTURES:
        raise ConstraintError(f"{image_num} is no image count; use -1, 0, 1 to 98, or 99")
    if image_num == NO_PICTURES:
        return float(delivered == 0)
    if image_num == ANY_NUMBER:
        return 1.0
    if image_num == AT_LEAST_ONE:
        return float(delivered > 0)
    if delivered == image_num:
        return 1.0
    if split != "train":
        return 0.0
    if delivered < image_num:
        return delivered / image_num
    return max(0.0, 1.0 - (delivered - image_num) * 0.3)


def tool_score(required: Collection[str], attempted: Collection[str], succeeded: Collection[str]) -> float:
    """Half for required tools that delivered, half for those that were tried, by weight, 0 to 1.

    Nothing required scores 0. Tools without a weight weigh nothing; if only such tools are required, the score is 1
    when nothing was attempted, else 0. The release adds weights up in the order of a Python set, which differs from
    run to run; here it is the order of `TOOL_WEIGHTS`.
    """
    if not required:
        return 0.0
    total = total_weight(required, required)
    if total == 0.0:
        return 0.0 if attempted else 1.0
    return 0.5 * (total_weight(required, succeeded) / total) + 0.5 * (total_weight(required, attempted) / total)


def total_weight(required: Collection[str], used: Collection[str], weights: dict[str, float] = TOOL_WEIGHTS) -> float:
    """The weight of the required tools that were used, added up in the order of `weights`."""
    total = 0.0
    for tool, weight in weights.items():
        if tool in required and tool in used:
            total += weight
    return total


def combine(
    count: float,
    text: float,
    image: float,
    quality: float,
    text_image: float,
    task: float,
    text_weight: float = 1.4,
    image_weight: float = 0.6,
) -> float:
    """The published reward R = 0.2 s + 0.3 M s + 0.5 L.

    Args:
        count: the count score s, 0 to 1.
        text: LLM judge, writing, 1 to 5.
        image: LLM judge, image tags, 1 to 5.
        quality: MLLM judge, picture quality, 1 to 5.
        text_image: MLLM judge, pictures fit the text, 1 to 5.
        task: MLLM judge, pictures fit the task, 1 to 5.
        text_weight: weight of `text` in L; 1.4 in the text recipes, 1.5 in the multimodal one.
        image_weight: weight of `image` in L; 0.6 and 0.5.
    """
    llm = ((text_weight * text + image_weight * image) / (text_weight + image_weight) - 1) / 4
    mllm = ((quality + text_image + task) / 3 - 1) / 4
    return 0.2 * count + 0.3 * mllm * count + 0.5 * llm
