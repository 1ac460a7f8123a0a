"""`Fitness`: what can be told of a candidate without a judge."""

from __future__ import annotations

from dataclasses import dataclass

from llmi_schema import Constraint
from llmi_train.scaling.candidate import Candidate


@dataclass(frozen=True, slots=True)
class Fitness:
    """Attributes:
    finished: the text ended, and outside a tag.
    count: as many distinct pictures were delivered as were asked for.
    tools: every required tool delivered one.
    delivered: the share of tags with a picture; 1 where there is no tag.
    """

    finished: bool
    count: bool
    tools: bool
    delivered: float

    @property
    def satisfied(self) -> bool:
        """The constraint holds."""
        return self.finished and self.count and self.tools

    @property
    def value(self) -> float:
        """From 0 to 1, a quarter for each of the four."""
        return (self.finished + self.count + self.tools + self.delivered) / 4


def fitness(candidate: Candidate, constraint: Constraint) -> Fitness:
    rendered = candidate.rendered
    ok = sum(result.ok for result in rendered.results)
    delivering = {
        tag.tool for tag, result in zip(rendered.document.tags, rendered.results, strict=True) if result.ok and tag.tool
    }
    pictures = len(rendered.delivered)
    # where no picture is wanted, a tag whose tool failed breaks the wish as well
    shown = len(rendered.results) if constraint.count.maximum == 0 else pictures
    return Fitness(
        finished=rendered.document.finished and not candidate.truncated,
        count=constraint.count.allows(shown),
        tools=constraint.required_tools <= delivering,
        delivered=ok / len(rendered.results) if rendered.results else 1.0,
    )
