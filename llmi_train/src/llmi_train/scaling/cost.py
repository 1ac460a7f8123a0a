"""What answering takes: costs, and the allowance that they may not exceed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from llmi_reward.chat import Answer, ChatError, ChatModel, Message, Prices, Usage
from llmi_reward.chat import Budget as Purse
from llmi_reward.chat.model import JsonSchema, as_messages
from llmi_reward.chat.request import most_usage
from llmi_schema import ConfigurationError, system_prompt
from llmi_train.policies import Completion, Policy, Request

Limit = Literal["budget", "deadline"]

_FREE = Prices(0.0, 0.0)
_LONGEST_ANSWER = 2048
_LONGEST_DOCUMENT = 4096
"""Tokens, where neither a model nor a policy says how long its answers can be."""


class Cost(BaseModel):
    """Attributes:
    writes: documents asked of the policy.
    asks: questions asked of judges and repairing models.
    tools: calls of tools, those answered from a cache included.
    tokens: read and written by policy and models, answers from a journal included.
    money: by the prices of policy and models; None where none is known. Tools are not in it.
    seconds: on the clock.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    writes: int = 0
    asks: int = 0
    tools: int = 0
    tokens: int = 0
    money: float | None = None
    seconds: float = 0.0

    @property
    def calls(self) -> int:
        return self.writes + self.asks + self.tools

    def __add__(self, other: Cost) -> Cost:
        return self._with(other, 1)

    def __sub__(self, other: Cost) -> Cost:
        return self._with(other, -1)

    def _with(self, other: Cost, sign: int) -> Cost:
        known = self.money is not None or other.money is not None
        return Cost(
            writes=self.writes + sign * other.writes,
            asks=self.asks + sign * other.asks,
            tools=self.tools + sign * other.tools,
            tokens=self.tokens + sign * other.tokens,
            money=(self.money or 0.0) + sign * (other.money or 0.0) if known else None,
            seconds=self.seconds + sign * other.seconds,
        )


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one question may take; None sets no limit.

    Attributes:
        tokens: of policy and models together. A call that could exceed it is not made.
        money: likewise, by their prices. What runs in this process is free.
        seconds: on the clock. What is not there by then is given up.
    """

    tokens: int | None = None
    money: float | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        for name in ("tokens", "money", "seconds"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ConfigurationError(f"an allowance of {value} {name}: give 0 or more")


class Ledger:
    """Counts what policy and models take, and makes no call that could exceed the allowance.

    Attributes:
        spent: up to now; `seconds` is left to who holds the clock.
    """

    def __init__(self, allowance: Allowance) -> None:
        limited = allowance.tokens is not None or allowance.money is not None
        self.spent = Cost()
        self._purse = Purse(tokens=allowance.tokens, money=allowance.money) if limited else None

    async def write(self, policy: Policy, request: Request) -> Completion:
        """Raises `ChatError` "budget" where the document could be too much, and what the policy raises."""
        prices = prices_of(policy)
        if self._purse is None:
            completion = await policy.write(request)
        else:
            limit = request.max_tokens or _whole(policy, "max_tokens", "max_new_tokens") or _LONGEST_DOCUMENT
            read = most_usage([*request.messages, {"content": system_prompt()}], {}).prompt_tokens
            read += sum(min(16_384, p.width * p.height // 512 + 256) for p in request.pictures)
            most = Usage(read, limit)
            with await self._purse.reserve(most, prices) as reservation:
                try:
                    completion = await policy.write(request)
                except BaseException:  # a document that was begun may be charged for
                    reservation.count_most()
                    raise
                usage = Usage(completion.prompt_tokens, completion.tokens)
                reservation.count(usage if usage.tokens else most)
        tokens = completion.tokens + completion.prompt_tokens
        self.spent += Cost(writes=1, tokens=tokens, money=completion.cost)
        return completion

    async def ask(
        self,
        model: ChatModel,
        messages: Sequence[Message],
        schema: JsonSchema | None,
        sample: int,
        options: Mapping[str, Any] | None,
    ) -> Answer:
        """Raises `ChatError`, "budget" where the answer could be too much."""
        prices = prices_of(model)
        if self._purse is None:
            answer = await model.ask(messages, schema=schema, sample=sample, options=options)
        else:
            known = {**getattr(model, "options", {}), **(options or {})}
            if not {"max_tokens", "max_completion_tokens"} & known.keys():
                known["max_tokens"] = _LONGEST_ANSWER
                options = {**(options or {}), "max_tokens": _LONGEST_ANSWER}
            most = most_usage(messages, known, schema)
            with await self._purse.reserve(most, prices) as reservation:
                try:
                    answer = await model.ask(messages, schema=schema, sample=sample, options=options)
                except ChatError as error:
                    if error.billed:
                        reservation.count_most()
                    raise
                except BaseException:  # an answer that was begun may be charged for
                    reservation.count_most()
                    raise
                # answers from a journal count, too: a run that goes on ends where it would have ended
                reservation.count(answer.usage if answer.usage.tokens else most)
        money = prices.cost(answer.usage) if prices and prices is not _FREE else None
        self.spent += Cost(asks=1, tokens=answer.usage.tokens, money=money)
        return answer

    def tool(self) -> None:
        self.spent += Cost(tools=1)


class Metered:
    """A `ChatModel` whose answers are counted, so that judges can be built on it."""

    def __init__(self, model: ChatModel, ask: Any) -> None:
        self._model = model
        self._ask = ask

    async def ask(
        self,
        messages: str | Sequence[Message],
        *,
        schema: JsonSchema | None = None,
        sample: int = 0,
        options: Mapping[str, Any] | None = None,
    ) -> Answer:
        answer: Answer = await self._ask(self._model, as_messages(messages), schema, sample, options)
        return answer


def prices_of(who: object) -> Prices | None:
    """What its endpoint takes; nothing for who runs in this process. None where an endpoint's prices are not known."""
    endpoint = getattr(who, "endpoint", None)
    if endpoint is None:
        return _FREE
    prices: Prices | None = endpoint.prices
    return prices


def _whole(who: object, *names: str) -> int | None:
    values = (getattr(who, name, None) for name in names)
    return next((value for value in values if isinstance(value, int)), None)
