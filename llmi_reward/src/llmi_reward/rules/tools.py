"""Were the required tools used, and did they deliver?"""

from __future__ import annotations

from dataclasses import dataclass, field

from llmi_reward.leaves import Rule
from llmi_reward.reference import TOOL_WEIGHTS, total_weight
from llmi_reward.rules.evidence import NOT_RENDERED, tools_down
from llmi_reward.sample import Sample, tool_of
from llmi_reward.score import Outcome, Unscored
from llmi_schema import ConfigurationError, Tag


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
        if unknown := required - self.weights.keys():
            return Unscored(f"no weight for {', '.join(sorted(unknown))}: pass ToolUse(weights={{...}})")
        succeeded = {tag.call.source for tag, _ in sample.delivered.values() if isinstance(tag, Tag)}
        down = [tag for tag in sample.unavailable if tool_of(tag) in required - succeeded]
        if down:
            return tools_down(len(down))
        attempted = {tool for tag in sample.tags if (tool := tool_of(tag))}
        total = total_weight(required, required, self.weights)
        half_for_success = 0.5 * (total_weight(required, succeeded, self.weights) / total)
        return half_for_success + 0.5 * (total_weight(required, attempted, self.weights) / total)
