"""`Budget`: what may be spent, in tokens and in money; a call that could exceed it is not made."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from math import inf

from llmi_reward.chat.endpoint import Prices
from llmi_reward.chat.errors import ChatError
from llmi_reward.chat.model import Usage
from llmi_schema import ConfigurationError

logger = logging.getLogger(__name__)


class Budget:
    """A limit on tokens, on money, or on both; several clients may share one.

    Before a call, the most it can take is set aside: a token per byte of its text, pictures by their pixels, and its
    `max_tokens`. Where the limit leaves no room for that, the call waits while other calls have something set aside,
    and fails with `ChatError` "budget" once none has. After a call its real usage is counted; a call whose reply was
    lost may have been billed, and counts as the most it could take.

    Args:
        tokens: prompt and completion together.
        money: by the endpoint's `Prices`, in their currency.
        already: what has been used before, for instance `journal.usage()` of a run that goes on.
        already_money: and what it cost.
    """

    def __init__(
        self,
        *,
        tokens: int | None = None,
        money: float | None = None,
        already: Usage | None = None,
        already_money: float = 0.0,
    ) -> None:
        if tokens is None and money is None:
            raise ConfigurationError("a budget limits tokens=, money= or both")
        self.tokens, self.money = tokens, money
        self.used = already or Usage()
        self.spent = already_money
        self._held_tokens = 0
        self._held_money = 0.0
        self._waiting: deque[tuple[int, float, asyncio.Future[None]]] = deque()

    async def reserve(self, most: Usage, prices: Prices | None) -> Reservation:
        """Set the most a call can take aside. Raises `ChatError` "budget" when it does not fit."""
        if self.money is not None and prices is None:
            raise ConfigurationError("a budget in money needs to know prices: Endpoint(prices=Prices(...))")
        tokens, money = most.tokens, prices.cost(most) if prices else 0.0
        self._refuse_hopeless(tokens, money)
        if self._waiting or not self._fits(tokens, money):
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((tokens, money, turn))
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled() and turn.exception() is None:
                    self._release(tokens, money)
                raise
        else:
            self._hold(tokens, money)
        return Reservation(self, most, prices, tokens, money)

    def _refuse_hopeless(self, tokens: int, money: float) -> None:
        if error := self._hopeless(tokens, money):
            raise error

    def _hopeless(self, tokens: int, money: float) -> ChatError | None:
        """It would not fit even if nothing else were under way."""
        if self.used.tokens + tokens > (inf if self.tokens is None else self.tokens):
            left = f"{self.tokens or 0:,} tokens, of which {self.used.tokens:,} are used"
            return ChatError("budget", f"the budget is {left}: a call that can take {tokens:,} was not made")
        if self.spent + money > (inf if self.money is None else self.money):
            left = f"{self.money:.4g}, of which {self.spent:.4g} is spent"
            return ChatError("budget", f"the budget is {left}: a call that can cost {money:.4g} was not made")
        return None

    def _fits(self, tokens: int, money: float) -> bool:
        enough_tokens = self.used.tokens + self._held_tokens + tokens <= (inf if self.tokens is None else self.tokens)
        return enough_tokens and self.spent + self._held_money + money <= (inf if self.money is None else self.money)

    def _hold(self, tokens: int, money: float) -> None:
        self._held_tokens += tokens
        self._held_money += money

    def _release(self, tokens: int, money: float) -> None:
        self._held_tokens -= tokens
        self._held_money = max(0.0, self._held_money - money) if self._held_tokens else 0.0
        while self._waiting:
            tokens, money, turn = self._waiting[0]
            if turn.done():
                pass
            elif error := self._hopeless(tokens, money):
                turn.set_exception(error)
            elif self._fits(tokens, money):
                self._hold(tokens, money)
                turn.set_result(None)
            else:
                return
            self._waiting.popleft()


class Reservation:
    """What is set aside for one call."""

    def __init__(self, budget: Budget, most: Usage, prices: Prices | None, tokens: int, money: float) -> None:
        self._budget, self._most, self._prices = budget, most, prices
        self._tokens, self._money = tokens, money

    def count(self, usage: Usage) -> None:
        """Something was used by one of the call's attempts."""
        budget = self._budget
        budget.used += usage
        budget.spent += self._prices.cost(usage) if self._prices else 0.0
        if usage.tokens > self._most.tokens:
            logger.warning("a call took %d tokens, more than the %d expected", usage.tokens, self._most.tokens)

    def count_most(self) -> None:
        """An attempt's cost is not known: count the most it can be."""
        self.count(self._most)

    def fits_again(self) -> bool:
        """Whether there is room for another attempt after what was counted."""
        return self._budget._fits(0, 0.0)

    def __enter__(self) -> Reservation:
        return self

    def __exit__(self, *_: object) -> None:
        self._budget._release(self._tokens, self._money)
