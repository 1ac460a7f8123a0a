"""Is there neither too little nor too much prose?"""

from __future__ import annotations

from dataclasses import dataclass

from llmi_reward.leaves import Rule
from llmi_reward.rules.prose import prose_length
from llmi_reward.sample import Sample
from llmi_schema import ConfigurationError


@dataclass(frozen=True, slots=True)
class Length(Rule):
    """1 for a text of `minimum` to `maximum` characters, less in proportion outside.

    Counts the visible prose: no thoughts, no tags, and none of what `prose_length` passes over. A text half as
    long as the minimum scores 0.5, one half as long again as the maximum 0.5, twice as long or more 0.
    """

    minimum: int = 0
    maximum: int | None = None
    name: str = "length"

    def __post_init__(self) -> None:
        if self.minimum < 0 or (self.maximum is not None and self.maximum < max(self.minimum, 1)):
            raise ConfigurationError(f"no length lies between {self.minimum} and {self.maximum} characters")

    def measure(self, sample: Sample) -> float:
        length = prose_length(sample.parsed.text)
        if length < self.minimum:
            return length / self.minimum
        if self.maximum is not None and length > self.maximum:
            return max(0.0, 1.0 - (length - self.maximum) / self.maximum)
        return 1.0
