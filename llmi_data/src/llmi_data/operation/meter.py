"""What a step uses, and how fast it goes: counted where the answers pass."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from llmi_reward.chat import Answer, ChatModel, Message, Prices

_WINDOW_SECONDS = 60.0


class Usage(BaseModel):
    """What the answers of a step took, whether they were paid for now or in an earlier run that this one continues.

    Money is None where no prices are known.
    """

    model_config = ConfigDict(frozen=True)

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    money: float | None = None

    def __add__(self, other: Usage) -> Usage:
        both = [money for money in (self.money, other.money) if money is not None]
        return Usage(
            calls=self.calls + other.calls,
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            money=sum(both) if both else None,
        )

    def __str__(self) -> str:
        money = "" if self.money is None else f", {self.money:,.4f} in money"
        return f"{self.calls:,} answers, {self.prompt_tokens:,} + {self.completion_tokens:,} tokens{money}"


@dataclass
class Tally:
    """Running sums: `usage` over all answers, and how many and how much of them came from the journal for nothing."""

    prices: Prices | None = None
    calls: int = 0
    replayed: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    paid_now: float = 0.0

    @property
    def usage(self) -> Usage:
        from llmi_reward.chat import Usage as Tokens

        tokens = Tokens(self.prompt_tokens, self.completion_tokens)
        money = None if self.prices is None else self.prices.cost(tokens)
        return Usage(
            calls=self.calls,
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            money=money,
        )

    def count(self, answer: Answer) -> None:
        self.calls += 1
        self.prompt_tokens += answer.usage.prompt_tokens
        self.completion_tokens += answer.usage.completion_tokens
        if answer.replayed:
            self.replayed += 1
        elif self.prices is not None:
            self.paid_now += self.prices.cost(answer.usage)


@dataclass
class Metered:
    """A `ChatModel` whose answers are counted on their way."""

    chat: ChatModel
    tally: Tally

    async def ask(
        self,
        messages: str | Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        sample: int = 0,
        options: Mapping[str, Any] | None = None,
    ) -> Answer:
        """As `ChatModel.ask`."""
        answer = await self.chat.ask(messages, schema=schema, sample=sample, options=options)
        self.tally.count(answer)
        return answer


@dataclass
class Pace:
    """Rows per second over the last minute, so that what a journal replays at the start does not promise too much."""

    now: Callable[[], float] = time.monotonic
    _marks: deque[tuple[float, int]] = field(default_factory=deque)

    def mark(self, done: int) -> None:
        at = self.now()
        if not self._marks or at - self._marks[-1][0] > _WINDOW_SECONDS / 120:
            self._marks.append((at, done))
        while len(self._marks) > 1 and at - self._marks[0][0] > _WINDOW_SECONDS:
            self._marks.popleft()

    def rate(self, done: int) -> float | None:
        """None until there is something to go by."""
        if not self._marks:
            return None
        since, before = self._marks[0]
        seconds = self.now() - since
        return (done - before) / seconds if seconds > 0 and done > before else None

    def seconds_left(self, done: int, total: int) -> float | None:
        rate = self.rate(done)
        return None if rate is None else (total - done) / rate
