"""Which failures are worth another try, and after how long."""

from __future__ import annotations

import random
from dataclasses import dataclass

from llmi_reward.chat.errors import ChatError, ChatFailure

_PASSING: frozenset[ChatFailure] = frozenset({"unreachable", "timeout", "rate_limited", "server_error", "bad_reply"})


@dataclass(frozen=True, slots=True)
class Retries:
    """Attributes:
    attempts: how often a request is sent at most.
    first_seconds: the longest wait before the second attempt; each later one may be twice as long.
    longest_seconds: no wait is longer, but for what a server asks in Retry-After.
    """

    attempts: int = 6
    first_seconds: float = 0.25
    longest_seconds: float = 30.0

    def pause(self, error: ChatError, attempt: int) -> float | None:
        """Seconds to wait after the failure of this attempt (from 1), or None when it was the last.

        Waits are drawn evenly up to their bound, so that requests which failed together come back one by one;
        Retry-After is waited in full, and the jitter comes on top.
        """
        if error.reason not in _PASSING or attempt >= self.attempts:
            return None
        bound = min(self.longest_seconds, self.first_seconds * 2 ** (attempt - 1))
        return (error.retry_after or 0.0) + random.uniform(0, bound)
