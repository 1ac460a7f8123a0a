"""Were the required tools used, and did they deliver?"""

from __future__ import annotations

from dataclasses import dataclass, field

from llmi_reward.evidence import tool_of
from llmi_reward.leaves import Rule
from llmi_reward.reference import TOOL_WEIGHTS
from llmi_reward.rules.reasons import NOT_RENDERED, tools_down
from llmi_reward.sample import Sample
from llmi_reward.score import Outcome, Unscored
from llmi_schema import ConfigurationError


@dataclass(frozen=True, slots=True)
class ToolUse(Rule):
    """Half for the required tools that delivered a picture, half for those that were tried, by weight.

    The published formula (`reference.tool_score`) with one difference: where nothing is required it scores 1, not 0.
    The release only logs this score; trained on, a 0 for every prompt without required tools would teach nothing
    and halve their reward.

    A bad tag is an attempt of the tool it names. A picture counts for the tag that delivered it first, so an edit
    that changes nothing has not succeeded. Unscored when a required tool was unavailable, or has no weight.

    Args:
        weights: the weight of each tool; those of the paper unless set. A tool of your own needs one.
    """

    weights: dict[str, float] = field(default_factory=lambda: TOOL_WEIGHTS)
    name: str = "tool"

    def __post_init__(self) -> None:
        if any(weight <= 0 for weight in self.weights.values()):
            raise ConfigurationError(f"tool weights must be positive: {self.weights}")

    def measure(self, sample: Sample) -> Outcome:
        if sample.rendered is None:
            return NOT_RENDERED
        required = sample.constraint.required_tools
        if not required:
            return 1.0
        evidence = sample.evidence
        succeeded, attempted = evidence.succeeded, evidence.attempted
        if evidence.unavailable:
            down = [tag for tag in evidence.unavailable if tool_of(tag) in required - succeeded]
            if down:
                return tools_down(len(down))
        total = delivered = tried = 0.0
        weighed = 0
        for tool, weight in self.weights.items():  # one order for all three sums, as in `reference.tool_score`
            if tool in required:
                weighed += 1
                total += weight
                if tool in succeeded:
                    delivered += weight
                if tool in attempted:
                    tried += weight
        if weighed < len(required):
            unknown = ", ".join(sorted(required - self.weights.keys()))
            return Unscored(f"no weight for {unknown}: pass ToolUse(weights={{...}})")
        return 0.5 * (delivered / total) + 0.5 * (tried / total)
