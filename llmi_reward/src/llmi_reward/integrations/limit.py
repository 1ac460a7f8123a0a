"""When too much goes unscored, stop: a run that trains on what an outage left over should end with a sentence."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from llmi_reward.score import Score
from llmi_schema import ConfigurationError, LLMIError


class TooManyUnscoredError(LLMIError):
    """The share of unscored samples passed its limit. The message gives the share and the commonest reasons."""


@dataclass
class UnscoredLimit:
    """Raises once more than `share` of the last `samples` samples went unscored.

    Nothing is raised before `samples` have been seen, so a hiccup at the start ends no run. One limit watches one
    stream of samples: give each trainer its own.

    Attributes:
        share: 0 to 1; 0 stops at the first unscored sample of a full window, 1 never stops.
        samples: the size of the window.
    """

    share: float = 0.5
    samples: int = 256
    _window: deque[str | None] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1 or self.samples < 1:
            raise ConfigurationError(f"{self}: share lies between 0 and 1, and at least one sample is watched")
        self._window = deque(maxlen=self.samples)

    @property
    def unscored(self) -> float:
        """The share of unscored samples in the window, 0 when nothing was seen."""
        return sum(reason is not None for reason in self._window) / max(len(self._window), 1)

    def note(self, scores: Iterable[Score]) -> None:
        """Take scores into account. Raises `TooManyUnscoredError`."""
        self._window.extend(score.reason for score in scores)
        if len(self._window) < self.samples or self.unscored <= self.share:
            return
        reasons = Counter(reason for reason in self._window if reason is not None)
        told = "; ".join(f"{count} x {reason}" for reason, count in reasons.most_common(3))
        raise TooManyUnscoredError(
            f"{self.unscored:.0%} of the last {self.samples} samples could not be scored, more than the "
            f"{self.share:.0%} that `UnscoredLimit` allows, so training stops here. Mend this and resume: {told}"
        )
