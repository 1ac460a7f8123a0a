"""The embedded default generator: composes prompts offline, from scenarios and wordings held as data."""

from llmi_data.offline.composer import compose, generate
from llmi_data.offline.families import FAMILIES

__all__ = ["FAMILIES", "compose", "generate"]
