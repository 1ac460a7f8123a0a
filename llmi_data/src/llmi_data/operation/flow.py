"""`flow`: many rows at once through one async step, in order, stopping in good order.

Nothing paid for is lost: where a step has to stop, what is under way is waited for, so that its answers reach the
journal.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from llmi_data.errors import StoppedError

if TYPE_CHECKING:
    from llmi_reward.chat import ChatError

logger = logging.getLogger("llmi_data")

Item = TypeVar("Item")
Result = TypeVar("Result")

PATIENCE = 20
"""So many rows in a row without a usable answer, and the step stops: the fault is not theirs."""

_REMEDIES = {
    "unreachable": "start the server, or correct its address",
    "timeout": "the server is overloaded or the answers are long: lower the concurrency",
    "rate_limited": "lower the concurrency, or wait",
    "server_error": "look at the server's own log",
    "rejected": "check the key, the model's name and its options",
    "refused": "the model declines these requests: use another model, or other domains",
    "cut_off": "allow longer answers with the option max_tokens",
    "bad_answer": "the model does not keep to the form it is asked for: serve it with structured output (vLLM and "
    "SGLang have it; hosted models mostly call it json_schema), or use another model",
    "bad_reply": "the address is that of something else than a chat model; it usually ends with /v1",
    "budget": "raise the budget",
}

FailureKind = Literal["no answer", "no usable answer"]


def kind_of(error: ChatError) -> FailureKind:
    """Whether there was no answer, so that asking again may bring one, or one that cannot be used, which the journal
    holds and would only repeat.
    """
    return "no usable answer" if error.reason in ("refused", "cut_off", "bad_answer") else "no answer"


async def flow(
    items: Iterable[Item],
    work: Callable[[Item], Awaitable[Result]],
    failed: Callable[[Item, ChatError], Result],
    *,
    concurrency: int,
    patience: int = PATIENCE,
    each: Callable[[], None] | None = None,
) -> list[Result]:
    """The result for every item, in the items' order.

    Args:
        work: what is done with one item. A `ChatError` it raises costs that item.
        failed: what stands in its place then.
        concurrency: most items at a time.
        patience: how many items in a row may fail so before the step stops.
        each: called after every item.

    Raises `StoppedError` when the model's budget is used up, when patience is, or on Ctrl-C; whatever else `work`
    raises stops it too.
    """
    run = _Run(iter(items), work, failed, patience, each)
    with _stopping_on_interrupt(run):
        workers = [asyncio.create_task(run.work_off()) for _ in range(concurrency)]
        try:
            await asyncio.gather(*workers)
        except BaseException:
            # The first failure stops the others from taking a next row; what they have paid for they still write down.
            run.stop = True
            await asyncio.gather(*workers, return_exceptions=True)
            raise
    if run.interrupted:
        raise StoppedError("stopped by Ctrl-C, after the answers under way had come in; run it again to go on")
    if run.results and run.answered == 0 and run.last_failure is not None:
        raise _hopeless(run.last_failure, len(run.results))
    return [run.results[place] for place in sorted(run.results)]


class _Run(Generic[Item, Result]):
    def __init__(
        self,
        items: Iterator[Item],
        work: Callable[[Item], Awaitable[Result]],
        failed: Callable[[Item, ChatError], Result],
        patience: int,
        each: Callable[[], None] | None,
    ) -> None:
        self._items = enumerate(items)
        self._work, self._failed, self._patience, self._each = work, failed, patience, each
        self._failures = 0
        self.results: dict[int, Result] = {}
        self.answered = 0
        self.last_failure: ChatError | None = None
        self.stop = False
        self.interrupted = False

    async def work_off(self) -> None:
        from llmi_reward.chat import ChatError

        while not self.stop and (taken := next(self._items, None)) is not None:
            place, item = taken
            try:
                self.results[place] = await self._work(item)
            except ChatError as error:
                self._count_failure(error)
                self.results[place] = self._failed(item, error)
            else:
                self._failures = 0
                self.answered += 1
            if self._each:
                self._each()
            await asyncio.sleep(0)  # work that never waits would leave Ctrl-C unheard

    def _count_failure(self, error: ChatError) -> None:
        self.last_failure = error
        self._failures += 1
        if error.reason == "budget":
            raise StoppedError(f"{error}; {_REMEDIES['budget']} and run it again to go on")
        if self._failures >= self._patience:
            raise _hopeless(error, self._failures)


def _hopeless(error: ChatError, times: int) -> StoppedError:
    remedy = _REMEDIES.get(error.reason, "see the message")
    rows = "the only row" if times == 1 else f"{times} rows in a row"
    return StoppedError(
        f"no usable answer for {rows}, the last time because of this: {error}. Remedy: {remedy}; then run it again to "
        "go on"
    )


@contextmanager
def _stopping_on_interrupt(run: _Run[Item, Result]) -> Iterator[None]:
    """The first Ctrl-C lets what is under way finish; the second is Python's own."""
    loop = asyncio.get_running_loop()
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)

    def on_interrupt() -> None:
        logger.warning("stopping once the answers under way are in; Ctrl-C again stops at once")
        run.stop = run.interrupted = True
        _restore(loop, before)

    loop.add_signal_handler(signal.SIGINT, on_interrupt)
    try:
        yield
    finally:
        _restore(loop, before)


def _restore(loop: asyncio.AbstractEventLoop, handler: object) -> None:
    loop.remove_signal_handler(signal.SIGINT)
    signal.signal(signal.SIGINT, handler)  # type: ignore[arg-type]  # what getsignal gave, None aside
