"""Are there as many pictures as were asked for?"""

from __future__ import annotations

from dataclasses import dataclass

from llmi_reward.leaves import Rule
from llmi_reward.rules.reasons import NOT_RENDERED, tools_down
from llmi_reward.sample import Sample
from llmi_reward.score import Outcome
from llmi_schema import ImageCount


@dataclass(frozen=True, slots=True)
class ImageCountReward(Rule):
    """The published count score on delivered, distinct pictures (`reference.count_score` for the published codes).

    On split "train" a near miss earns part: c pictures where n were asked for score c/n below and 1 - 0.3 (c - n)
    above, never less than 0. On split "test", and with `strict` on both, it is 1 or 0.

    A repeat, of another picture or of one the user gave, is not counted. Where no picture may appear, a closed tag
    scores 0 even if its tool failed: the release rewards failing tags.
    Unscored when a tool was unavailable and its pictures could have changed the score.
    """

    strict: bool = False
    name: str = "count"

    def measure(self, sample: Sample) -> Outcome:
        if sample.rendered is None:
            return NOT_RENDERED
        evidence = sample.evidence
        wanted = sample.constraint.count
        if wanted.maximum == 0:
            return 0.0 if evidence.tags else 1.0
        exact = self.strict or sample.split != "train"
        delivered = len(evidence.delivered)
        score = _fit(wanted, delivered, exact)
        missing = len(evidence.unavailable)
        if missing and any(_fit(wanted, delivered + k, exact) != score for k in range(1, missing + 1)):
            return tools_down(missing)
        return score


def _fit(wanted: ImageCount, delivered: int, exact: bool) -> float:
    least, most = wanted.minimum, wanted.maximum
    if delivered < least:
        return 0.0 if exact else delivered / least
    if most is None or delivered <= most:
        return 1.0
    return 0.0 if exact else max(0.0, 1.0 - (delivered - most) * 0.3)
