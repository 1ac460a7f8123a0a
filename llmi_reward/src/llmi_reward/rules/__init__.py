"""Rewards computed from what was written and delivered, with no model asked.

What the model *attempted* is read from its closed tags, bad ones included; what it *achieved* only from delivered
pictures. Text such as a literal `<image>` is evidence of nothing.
"""

from llmi_reward.rules.count import ImageCountReward
from llmi_reward.rules.format import TagFormat
from llmi_reward.rules.length import Length
from llmi_reward.rules.pictures import NoDuplicatePictures
from llmi_reward.rules.placement import Placement
from llmi_reward.rules.tools import ToolUse

__all__ = ["ImageCountReward", "Length", "NoDuplicatePictures", "Placement", "TagFormat", "ToolUse"]
