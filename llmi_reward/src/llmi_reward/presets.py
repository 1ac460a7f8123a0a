"""Complete rewards, ready to train on."""

from __future__ import annotations

from llmi_reward.formula import Formula
from llmi_reward.rules import ImageCountReward, TagFormat, ToolUse


def rules() -> Formula:
    """`format * (0.6 * count + 0.4 * tool)`: no judge, 0 to 1.

    A document that is not finished scores 0, and every malformed tag costs its share of all the rest.
    """
    return TagFormat() * (0.6 * ImageCountReward() + 0.4 * ToolUse())
