"""Is every picture a new one?"""

from __future__ import annotations

from dataclasses import dataclass

from llmi_reward.leaves import Rule
from llmi_reward.rules.reasons import NOT_RENDERED
from llmi_reward.sample import Sample
from llmi_reward.score import Outcome


@dataclass(frozen=True, slots=True)
class NoDuplicatePictures(Rule):
    """The share of pictures whose content differs from all before them, the user's included; 1 without pictures."""

    name: str = "no_duplicates"

    def measure(self, sample: Sample) -> Outcome:
        if sample.rendered is None:
            return NOT_RENDERED
        evidence = sample.evidence
        return len(evidence.delivered) / evidence.made if evidence.made else 1.0
