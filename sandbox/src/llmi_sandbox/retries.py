"""How a tool is tried again, and when it is left alone for a while.

Only an error that says it will pass (`ProviderError.transient`) is tried again: an answer is an answer, and code of
one's own that raises would raise again.
"""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass

from llmi_sandbox.errors import ProviderError
from llmi_schema import ConfigurationError


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Attempts and rests of one tool.

    Attributes:
        attempts: how often a call is tried in all, within its deadline.
        first_delay: seconds before the second attempt, at most; doubled for each further one. The real delay is drawn
            between nothing and this, so that many callers do not come back at once.
        longest_delay: seconds no delay exceeds. A server that asks for a longer one is given up.
        failures: so many calls in a row that find the tool unavailable, and it is left alone.
        rest_seconds: for so long. Then one call tries it while the others still get `unavailable` at once.

    Raises ConfigurationError for numbers with which nothing would ever be tried.
    """

    attempts: int = 3
    first_delay: float = 0.5
    longest_delay: float = 8.0
    failures: int = 5
    rest_seconds: float = 30.0

    def __post_init__(self) -> None:
        if self.attempts < 1 or self.failures < 1:
            raise ConfigurationError(
                "a retry policy needs at least one attempt, and at least one failure before a rest"
            )
        if min(self.first_delay, self.longest_delay, self.rest_seconds) < 0:
            raise ConfigurationError("a retry policy's delays are seconds from 0 on")

    def delay(self, attempt: int, error: ProviderError) -> float | None:
        """Seconds to wait after this many attempts, or None when it is not worth another."""
        if not error.transient or attempt >= self.attempts:
            return None
        if error.retry_after is not None:
            asked = error.retry_after * random.uniform(1.0, 1.1)
            return asked if asked <= self.longest_delay else None
        return random.uniform(0, min(self.longest_delay, self.first_delay * 2 ** (attempt - 1)))


class Breaker:
    """Counts a tool's failures in a row, for callers in several loops and threads."""

    def __init__(self, retry: RetryPolicy) -> None:
        self._retry = retry
        self._lock = threading.Lock()
        self._failures = 0
        self._rests_until = 0.0
        self._trying = False

    def enter(self) -> float:
        """0 when the tool may be called now, else the seconds until it may be. Every 0 is followed by one `leave`."""
        with self._lock:
            if self._failures < self._retry.failures:
                return 0.0
            left = self._rests_until - time.monotonic()
            if left > 0 or self._trying:
                return max(left, 0.1)
            self._trying = True
            return 0.0

    def leave(self, down: bool | None) -> None:
        """What came of a call: whether the tool was down, or None when it was cancelled and nothing is known."""
        with self._lock:
            self._trying = False
            if down is None:
                return
            self._failures = self._failures + 1 if down else 0
            if self._failures >= self._retry.failures:
                self._rests_until = time.monotonic() + self._retry.rest_seconds
