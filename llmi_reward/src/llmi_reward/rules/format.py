"""Are the tags well formed?"""

from __future__ import annotations

from dataclasses import dataclass

from llmi_reward.leaves import Rule
from llmi_reward.sample import Sample


@dataclass(frozen=True, slots=True)
class TagFormat(Rule):
    """The share of tags that are valid calls; 1 without tags, 0 for a document that is not finished.

    Tags inside code fences are text, so nobody sees their pictures: they count as malformed.
    """

    name: str = "format"

    def measure(self, sample: Sample) -> float:
        document = sample.parsed
        if sample.truncated or not document.finished:
            return 0.0
        evidence = sample.evidence
        written = len(evidence.tags) + document.fenced
        return evidence.good / written if written else 1.0
