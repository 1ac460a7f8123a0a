"""Complete rewards, ready to train on."""

from __future__ import annotations

from llmi_reward.formula import Formula
from llmi_reward.rules import ImageCountReward, TagFormat, ToolUse


def rules(*, strict: bool = False) -> Formula:
    """`format * (0.6 * count + 0.4 * tool)`: no judge, 0 to 1.

    A document that is not finished scores 0, and every malformed tag costs its share of all the rest.

    Args:
        strict: count exactly in training too. The published shape pays for near misses: where prompts ask for one to
            three pictures, a policy that always draws two earns 0.8 of it without reading the number.
    """
    return TagFormat() * (0.6 * ImageCountReward(strict=strict) + 0.4 * ToolUse())
