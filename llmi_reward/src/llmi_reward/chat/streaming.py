"""An answer as it is written: `ChatClient.ask`, with its journal, budget, limits and retries, piece by piece.

```python
async with aclosing(stream(chat, "Name a river.")) as pieces:
    async for piece in pieces: ...        # str, str, ..., Answer
```
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext
from typing import Any, Protocol, cast

from llmi_reward.chat.budget import Reservation
from llmi_reward.chat.client import ChatClient, _after, _Live, _merged
from llmi_reward.chat.errors import ChatError
from llmi_reward.chat.events import EventReader, StreamedAnswer
from llmi_reward.chat.model import Answer, Message, as_messages
from llmi_reward.chat.reply import Reply, read
from llmi_reward.chat.request import ChatRequest, build
from llmi_reward.chat.transport import LARGEST_REPLY, Transport, too_large
from llmi_schema import ConfigurationError


class OpenReply(Protocol):
    """A reply whose body is still coming."""

    status: int
    retry_after: float | None
    is_event_stream: bool

    def chunks(self) -> AsyncIterator[bytes]:
        """The body. Raises `ChatError` "unreachable" when it breaks off."""
        ...


class StreamingTransport(Transport, Protocol):
    """A transport that can hand over a reply before all of it is there.

    Attributes:
        takes_usage: the server lets itself be asked to count tokens; set to False once it does not.
    """

    takes_usage: bool

    def open(self, body: bytes) -> AbstractAsyncContextManager[OpenReply]: ...


async def stream(
    chat: ChatClient,
    messages: str | Sequence[Message],
    *,
    sample: int = 0,
    options: Mapping[str, Any] | None = None,
) -> AsyncGenerator[str | Answer]:
    """Pieces of an answer as they come, then the `Answer` they add up to.

    What is asked again before its first piece is what `ask` asks again. Once a piece is out nothing is: an answer that
    breaks off raises `ChatError`, and counts in the budget as the most it could cost. An answer is journaled under the
    key it has for `ask`, and one that is there comes in one piece. `attempt_seconds` bounds the wait for each piece.

    The client's transport must be a `StreamingTransport`.
    """
    live = chat._here()
    if not hasattr(live.transport, "open"):
        raise ConfigurationError(f"{type(live.transport).__name__} cannot stream: give ChatClient another transport=")
    request = build(chat.endpoint, as_messages(messages), _merged(chat.options, options), None, sample)
    answer = chat.journal.find(request.key) if chat.journal else None
    if answer is not None:
        chat.statistics.replayed += 1
        yield answer.text
    else:
        if chat.budget is not None and not request.most.completion_tokens:
            raise ConfigurationError("a budget needs to know how long an answer can be: set the option max_tokens")
        held = await chat.budget.reserve(request.most, chat.endpoint.prices) if chat.budget else None
        with held or nullcontext():
            try:
                async with aclosing(_attempts(chat, live, request, held)) as pieces:
                    async for piece in pieces:
                        if isinstance(piece, Answer):
                            answer = piece
                        else:
                            yield piece
            except ChatError as error:
                chat._note(error)
                raise
        if answer is None:
            raise ChatError("bad_reply", "the stream ended without an answer")
        if (journal := chat.journal) is not None:
            await journal.add(request.key, answer)
        chat.statistics.answered += 1
    if answer.refusal is not None:
        chat._note(refused := ChatError("refused", f"the model declined to answer: {answer.refusal[:300]}"))
        raise refused
    yield answer


async def _attempts(
    chat: ChatClient, live: _Live, request: ChatRequest, held: Reservation | None
) -> AsyncGenerator[str | Answer]:
    ticket = live.limiter.ticket()
    until: float | None = None
    attempt = 0
    while True:
        begun = False
        async with await live.limiter.enter(ticket) as place:
            until = until or live.loop.time() + chat.deadline_seconds
            attempt += 1
            chat.statistics.sent += 1
            billed = True  # also when the caller breaks off
            try:
                async with aclosing(_once(chat, live, request, until)) as pieces:
                    async for piece in pieces:
                        if isinstance(piece, Answer):
                            billed = False
                            if held is not None:
                                held.count(piece.usage if piece.usage.tokens else request.most)
                            place.answered()
                            yield piece
                            return
                        begun = True
                        yield piece
            except ChatError as error:
                failure = error
                billed = error.billed
                if error.reason == "rate_limited":
                    place.rejected(error.retry_after)
            finally:
                if billed and held is not None:
                    held.count_most()
        pause = None if begun else chat.retries.pause(failure, attempt)
        if pause is None or live.loop.time() + pause >= until:
            raise _after(failure, attempt)
        if held is not None and not held.fits_again():
            raise _after(ChatError("budget", f"no budget is left for another attempt after: {failure}"), attempt)
        await asyncio.sleep(pause)


async def _once(chat: ChatClient, live: _Live, request: ChatRequest, until: float) -> AsyncGenerator[str | Answer]:
    """One attempt. Servers that do not know `stream_options` are asked again without."""
    transport = cast(StreamingTransport, live.transport)
    for usage in (True, False) if transport.takes_usage else (False,):
        async with transport.open(_streaming(request.body, usage=usage)) as reply:
            chunks = reply.chunks()
            if reply.status != 200 or not reply.is_event_stream:
                whole = b"".join([chunk async for chunk in _in_time(chat, live, chunks, until)])
                if usage and reply.status in (400, 422) and b"stream_options" in whole:
                    transport.takes_usage = False
                    continue
                answer = read(Reply(reply.status, whole, reply.retry_after))  # a server that does not stream
                if answer.text and answer.refusal is None:
                    yield answer.text
                yield answer
                return
            events, streamed = EventReader(), StreamedAnswer()
            async for chunk in _in_time(chat, live, chunks, until):
                for event in events.feed(chunk):
                    if text := streamed.take(event):
                        yield text
            if not streamed.complete:
                raise ChatError("unreachable", "the stream broke off before the answer's end", billed=True)
            yield streamed.answer()
            return


async def _in_time(chat: ChatClient, live: _Live, chunks: AsyncIterator[bytes], until: float) -> AsyncIterator[bytes]:
    """The chunks, none waited for longer than an attempt may take, nor beyond the deadline."""
    size = 0
    while True:
        seconds = min(chat.attempt_seconds, until - live.loop.time())
        try:
            async with asyncio.timeout(seconds):
                chunk = await anext(chunks, None)
        except TimeoutError:
            raise ChatError("timeout", f"nothing came for {seconds:.3g} s", billed=True) from None
        if chunk is None:
            return
        size += len(chunk)
        if size > LARGEST_REPLY:
            raise too_large()
        yield chunk


def _streaming(body: bytes, *, usage: bool) -> bytes:
    options = b'"stream_options":{"include_usage":true},' if usage else b""
    return b'{"stream":true,' + options + body[1:]
