"""Do the pictures stand in the text, or beside it?"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from llmi_reward.leaves import Rule
from llmi_reward.rules.prose import prose_length
from llmi_reward.rules.reasons import NOT_RENDERED, tools_down
from llmi_reward.sample import Sample
from llmi_reward.score import Outcome
from llmi_schema import BadTag, ConfigurationError, Tag, Text


@dataclass(frozen=True, slots=True)
class Placement(Rule):
    """The share of delivered pictures that have prose right before or right after them; 1 without pictures.

    Two pictures side by side between paragraphs are well placed. Of a heap of five at the end only the first is, and
    of a heap between paragraphs the first and the last. What delivered nothing is not seen, so it separates nothing.

    Args:
        characters: how much prose it takes, as `prose_length` counts it.
    """

    characters: int = 40
    name: str = "placement"

    def __post_init__(self) -> None:
        if self.characters < 1:
            raise ConfigurationError(f"Placement(characters={self.characters}): at least 1 is needed")

    def measure(self, sample: Sample) -> Outcome:
        if sample.rendered is None:
            return NOT_RENDERED
        if down := sample.evidence.unavailable:
            return tools_down(len(down))
        first = {tag.index for tag, _ in sample.evidence.delivered.values()}
        if not first:
            return 1.0
        between = [""]
        for segment, _ in sample.rendered.parts():
            if isinstance(segment, Text):
                between[-1] += segment.source
            elif isinstance(segment, Tag | BadTag) and segment.index in first:
                between.append("")
        enough = [prose_length(text) >= self.characters for text in between]
        return sum(before or after for before, after in pairwise(enough)) / len(first)
