"""`ChatClient`: a `ChatModel` behind HTTP, made of the small parts beside this file."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from llmi_reward.chat.budget import Budget, Reservation
from llmi_reward.chat.endpoint import Endpoint
from llmi_reward.chat.errors import ChatError
from llmi_reward.chat.flight import Flights
from llmi_reward.chat.journal import Journal
from llmi_reward.chat.limiter import Limiter
from llmi_reward.chat.model import Answer, JsonSchema, Message, as_messages
from llmi_reward.chat.reply import Reply, read
from llmi_reward.chat.request import ChatRequest, build
from llmi_reward.chat.retry import Retries
from llmi_reward.chat.transport import OpenAITransport, Transport
from llmi_schema import ConfigurationError, SystemRequirementError

logger = logging.getLogger(__name__)

_OTHER_FILES = 100
DEFAULT_OPTIONS: Mapping[str, Any] = {"max_tokens": 1024, "temperature": 0.0}


@dataclass(slots=True)
class Statistics:
    """What a client has done: answers paid for and replayed, requests sent, failures by reason."""

    answered: int = 0
    replayed: int = 0
    sent: int = 0
    failures: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Live:
    """What belongs to one event loop."""

    loop: asyncio.AbstractEventLoop
    transport: Transport
    limiter: Limiter
    flights: Flights[Answer] = field(default_factory=Flights)


class ChatClient:
    """Asks a model on an OpenAI-compatible server or Azure OpenAI.

    ```python
    async with ChatClient(Endpoint("http://localhost:8000/v1", "Qwen/Qwen3-4B"), journal="answers.sqlite") as chat:
        answer = await chat.ask("Name a river.")
    ```

    Nothing is opened before the first call. A client may be made once and used in several event loops, one after the
    other or side by side: each has connections and a `concurrency` of its own.

    Args:
        endpoint: the server and the model.
        concurrency: most requests in flight per event loop; fewer while the server turns requests away.
        options: fields of every request; `max_tokens` 1024 and `temperature` 0 unless set. A value of None leaves
            the field out, for servers that do not take it.
        deadline_seconds: for one answer over all attempts, from when it is first sent. Waiting for a free place among
            one's own requests does not count.
        attempt_seconds: for one attempt.
        retries: how often, and how long apart.
        budget: stops calls before it is exceeded; may be shared with other clients in the same event loop.
        journal: answers are kept there and read from there; a path is opened and closed with the client.
        transport: how requests travel, for servers that speak otherwise.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        concurrency: int = 64,
        options: Mapping[str, Any] | None = None,
        deadline_seconds: float = 300.0,
        attempt_seconds: float = 120.0,
        retries: Retries | None = None,
        budget: Budget | None = None,
        journal: Journal | str | Path | None = None,
        transport: Callable[[Endpoint], Transport] = OpenAITransport,
    ) -> None:
        if concurrency < 1:
            raise ConfigurationError(f"concurrency={concurrency}: at least one request must be allowed in flight")
        self.endpoint = endpoint
        self.concurrency = concurrency
        self.options = _merged(DEFAULT_OPTIONS, options)
        self.deadline_seconds = deadline_seconds
        self.attempt_seconds = attempt_seconds
        self.retries = retries or Retries()
        self.budget = budget
        self.statistics = Statistics()
        self._journal = journal
        self._owns_journal = not isinstance(journal, Journal)
        self._transport = transport
        self._takes_schema = True
        self._lives: list[_Live] = []

    async def ask(
        self,
        messages: str | Sequence[Message],
        *,
        schema: JsonSchema | None = None,
        sample: int = 0,
        options: Mapping[str, Any] | None = None,
    ) -> Answer:
        """One answer; see `ChatModel.ask`. Equal requests under way at the same time are sent once."""
        live = self._here()
        request = build(self.endpoint, as_messages(messages), _merged(self.options, options), schema, sample)
        journal = self.journal
        answer = journal.find(request.key) if journal else None
        if answer is None:
            try:
                answer = await live.flights.join(request.key, lambda: self._fetch(live, request))
            except ChatError as error:
                self._note(error)
                raise
            except asyncio.CancelledError:
                caller = asyncio.current_task()
                if caller is not None and not caller.cancelling():  # not the caller was cancelled but the request
                    raise ChatError("closed", f"{self!r} was closed while it was asked") from None
                raise
        else:
            self.statistics.replayed += 1
        if answer.refusal is not None:
            self._note(refused := ChatError("refused", f"the model declined to answer: {answer.refusal[:300]}"))
            raise refused
        return answer

    @property
    def journal(self) -> Journal | None:
        """The open journal, if there is one."""
        if isinstance(self._journal, str | Path):
            self._journal = Journal(self._journal)
        return self._journal

    async def aclose(self) -> None:
        """Stop what is under way in this event loop, and let go of its connections and of the client's own journal."""
        loop = asyncio.get_running_loop()
        lives, self._lives = self._lives, []
        for live in lives:
            if live.loop is loop:
                await live.flights.cancel_all()
                live.limiter.close()
                await live.transport.close()
        if isinstance(self._journal, Journal) and self._owns_journal:
            path = self._journal.path
            await asyncio.to_thread(self._journal.close)
            self._journal = path

    async def __aenter__(self) -> ChatClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"ChatClient({self.endpoint.model!r} at {self.endpoint.base_url})"

    def __getstate__(self) -> dict[str, Any]:
        """Settings travel to other processes, connections do not."""
        journal = self._journal.path if isinstance(self._journal, Journal) else self._journal
        return {**self.__dict__, "_lives": [], "_journal": journal, "_owns_journal": True}

    def _here(self) -> _Live:
        """What belongs to the running loop, made on first use."""
        loop = asyncio.get_running_loop()
        for live in self._lives:
            if live.loop is loop:
                return live
        _need_open_files(self.concurrency)
        live = _Live(loop, self._transport(self.endpoint), Limiter(self.concurrency, self.deadline_seconds))
        self._lives = [*(other for other in self._lives if not other.loop.is_closed()), live]
        return live

    async def _fetch(self, live: _Live, request: ChatRequest) -> Answer:
        """Paid for, written down, and only then told."""
        if self.budget is None:
            answer = await self._attempts(live, request, None)
        elif not request.most.completion_tokens:
            raise ConfigurationError("a budget needs to know how long an answer can be: set the option max_tokens")
        else:
            with await self.budget.reserve(request.most, self.endpoint.prices) as reservation:
                answer = await self._attempts(live, request, reservation)
                reservation.count(answer.usage if answer.usage.tokens else request.most)
        if (journal := self.journal) is not None:
            await journal.add(request.key, answer)
        self.statistics.answered += 1
        return answer

    async def _attempts(self, live: _Live, request: ChatRequest, reservation: Reservation | None) -> Answer:
        ticket = live.limiter.ticket()
        until: float | None = None
        failure: ChatError | None = None
        attempt = 0
        while True:
            async with await live.limiter.enter(ticket) as place:
                until = until or live.loop.time() + self.deadline_seconds
                if failure is not None and live.loop.time() >= until:
                    raise _after(failure, attempt)
                attempt += 1
                if (journal := self.journal) is not None:
                    journal.require_room()
                try:
                    answer = read(await self._send(live, request, until))
                except ChatError as error:
                    failure = error
                    if error.reason == "rate_limited":
                        place.rejected(error.retry_after)
                    if error.billed and reservation is not None:
                        reservation.count_most()
                else:
                    place.answered()
                    return answer
            pause = self.retries.pause(failure, attempt)
            if pause is None or live.loop.time() + pause >= until:
                raise _after(failure, attempt)
            if reservation is not None and not reservation.fits_again():
                raise _after(ChatError("budget", f"no budget is left for another attempt after: {failure}"), attempt)
            logger.debug("attempt %d: %s; again in %.2f s", attempt, failure, pause)
            await asyncio.sleep(pause)

    async def _send(self, live: _Live, request: ChatRequest, until: float) -> Reply:
        seconds = min(self.attempt_seconds, until - live.loop.time())
        body = request.body if self._takes_schema or request.plain is None else request.plain
        self.statistics.sent += 1
        try:
            async with asyncio.timeout(seconds):
                reply = await live.transport.send(body)
                if reply.status in (400, 422) and body is not request.plain and _about_schema(reply.body):
                    logger.info("%r takes no JSON schema: answers are checked here alone", self)
                    self._takes_schema = False
                    reply = await live.transport.send(request.plain or request.body)
        except TimeoutError:
            raise ChatError("timeout", f"no reply within {seconds:.3g} s", billed=True) from None
        return reply

    def _note(self, error: ChatError) -> None:
        self.statistics.failures[error.reason] = self.statistics.failures.get(error.reason, 0) + 1


def _merged(base: Mapping[str, Any], over: Mapping[str, Any] | None) -> dict[str, Any]:
    merged = {**base, **(over or {})}
    if "max_completion_tokens" in merged and "max_tokens" not in (over or {}):
        merged.pop("max_tokens", None)  # two names of one limit; servers that know the newer refuse both
    return {name: value for name, value in merged.items() if value is not None}


def _need_open_files(connections: int) -> None:
    """Raises `SystemRequirementError` when this process may not open so many connections."""
    import resource

    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = connections + _OTHER_FILES
    if allowed != resource.RLIM_INFINITY and allowed < needed:
        raise SystemRequirementError(
            f"{connections} requests in flight need {needed} open files, and this process may open {allowed}: "
            f"type `ulimit -n {needed}` first, or lower concurrency="
        )


def _about_schema(body: bytes) -> bool:
    text = body.lower()
    return any(word in text for word in (b"response_format", b"json_schema", b"json schema", b"guided"))


def _after(failure: ChatError, attempts: int) -> ChatError:
    if attempts == 1:
        return failure
    return ChatError(failure.reason, f"{failure} (after {attempts} attempts)", billed=failure.billed)
