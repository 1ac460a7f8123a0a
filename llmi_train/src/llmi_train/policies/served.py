"""`ServedPolicy`: a model behind an OpenAI-compatible endpoint. Loads neither torch nor transformers.

```python
policy = ServedPolicy(Endpoint("http://localhost:8000/v1", "Qwen/Qwen3-30B-A3B"), engine="vllm")
async with policy:
    completion = await policy.write(Request([{"role": "user", "content": "A page on lighthouses"}]))
```
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

from llmi_reward.chat import Answer, Budget, ChatClient, ChatError, Endpoint, Journal, Retries, picture_part
from llmi_reward.chat.streaming import stream
from llmi_schema import RowConstraint, document_from_segments, document_grammar, probe, repair, request_parameters
from llmi_schema.engines import Engine
from llmi_train.policies.errors import WritingError
from llmi_train.policies.held import Held
from llmi_train.policies.messages import instructed, with_pictures
from llmi_train.policies.policy import Completion, Messages, Request
from llmi_train.policies.segments import SegmentReader
from llmi_train.policies.transport import HttpTransport

log = logging.getLogger(__name__)


class ServedPolicy:
    """Writes through an endpoint: vLLM, SGLang, OpenAI, Azure, Anthropic's and Gemini's OpenAI-compatible routes.

    Args:
        endpoint: the server and the model, with `Prices` where cost is to be known.
        engine: how a constraint is enforced: `vllm` and `sglang` take a grammar, `openai` a JSON schema whose answer is
            mended to the count. None: the endpoint enforces nothing, and a constrained document is mended by
            `llmi_schema.repair`. Before the first constrained document a server is asked once whether it obeys.
        instruct: teach the tags in a system message where the conversation has none.
        max_tokens: the longest answer, unless a request says otherwise.
        options: fields of every API request, over what is set here; None leaves a field out. With
            `max_completion_tokens` in it, limits go by that name.
        concurrency, deadline_seconds, attempt_seconds, retries, budget, journal: see `ChatClient`.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        engine: Engine | None = None,
        instruct: bool = True,
        max_tokens: int = 4096,
        options: Mapping[str, Any] | None = None,
        concurrency: int = 64,
        deadline_seconds: float = 1800.0,
        attempt_seconds: float = 600.0,
        retries: Retries | None = None,
        budget: Budget | None = None,
        journal: Journal | str | Path | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.engine = engine
        self.instruct = instruct
        self.max_tokens = max_tokens
        self.options = dict(options or {})
        self.chat = ChatClient(
            endpoint,
            concurrency=concurrency,
            options={"temperature": None, "max_tokens": None},
            deadline_seconds=deadline_seconds,
            attempt_seconds=attempt_seconds,
            retries=retries,
            budget=budget,
            journal=journal,
            transport=HttpTransport,
        )
        self._obeys: asyncio.Task[None] | None = None
        self._limit = "max_completion_tokens" if "max_completion_tokens" in self.options else "max_tokens"
        self._takes_temperature = True

    @property
    def identity(self) -> str:
        place = self.endpoint
        taught = sha256(instructed([], None, 0)[0]["content"].encode()).hexdigest()[:12] if self.instruct else None
        settings = {
            "server": place.base_url.rstrip("/"),
            "azure": place.azure_api_version,
            "engine": self.engine,
            "instructions": taught,
            "max_tokens": self.max_tokens,
            "options": self.options,
        }
        return f"{place.model} {json.dumps(settings, sort_keys=True)}"

    async def write(self, request: Request) -> Completion:
        """The whole document. Raises `ChatError`, `WritingError` or `ConfigurationError` when there is none."""
        await self._check(request.constraint)
        answer = await self._ask(self._messages(request), lambda: self._options(request), request.seed)
        return self._completion(answer, self._document(answer, request.constraint))

    async def stream(self, request: Request) -> AsyncGenerator[str | Completion]:
        """Pieces of text, then the completion.

        Under a constraint that the server does not enforce by itself, text comes as far as it is certain to stay. A
        connection that breaks off in the middle raises `ChatError`: what was written cannot be taken back.
        """
        await self._check(request.constraint)
        row, out = request.constraint, ""
        held = Held(row) if row is not None and self.engine in (None, "openai") else None
        reader = SegmentReader(row.language) if row is not None and self.engine == "openai" else None
        answer: Answer | None = None
        while answer is None:
            options = self._options(request)
            asked = stream(self.chat, self._messages(request), sample=request.seed, options=options)
            try:
                async with aclosing(asked) as pieces:
                    async for piece in pieces:
                        if isinstance(piece, Answer):
                            answer = piece
                            break
                        text = reader.feed(piece) if reader else piece
                        text = held.feed(text) if held else text
                        if text:
                            out += text
                            yield text
            except ChatError as error:  # one that can be mended comes before the first piece
                if not self._adapt(error, options):
                    raise
        text = self._document(answer, row)
        if not text.startswith(out):
            raise WritingError(f"{self!r} did not keep to the constraint while it streamed: choose another engine")
        if rest := text[len(out) :]:
            yield rest
        yield self._completion(answer, text)

    async def aclose(self) -> None:
        """End what is under way, and the connections."""
        if self._obeys is not None and self._obeys.get_loop() is asyncio.get_running_loop():
            self._obeys.cancel()
            await asyncio.wait([self._obeys])
        await self.chat.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"ServedPolicy({self.endpoint.model!r} at {self.endpoint.base_url})"

    async def _ask(self, messages: Messages, options: Callable[[], dict[str, Any]], sample: int = 0) -> Answer:
        while True:
            sent = options()
            try:
                return await self.chat.ask(messages, sample=sample, options=sent)
            except ChatError as error:
                if not self._adapt(error, sent):
                    raise

    def _messages(self, request: Request) -> Messages:
        messages = with_pictures(request.messages, request.pictures, picture_part)
        return instructed(messages, request.constraint, len(request.pictures)) if self.instruct else messages

    def _options(self, request: Request) -> dict[str, Any]:
        options: dict[str, Any] = {"temperature": request.temperature}
        if request.constraint is not None and self.engine is not None:
            parameters = request_parameters(self.engine, request.constraint)
            options |= parameters.pop("extra_body", {}) | parameters
        return self._limited(options, request.max_tokens)

    def _limited(self, options: dict[str, Any], max_tokens: int | None) -> dict[str, Any]:
        """With the user's own fields over them, and the limit by the name the endpoint knows."""
        own = {**options, self._limit: self.max_tokens, **self.options}
        if not self._takes_temperature:
            own.pop("temperature", None)
        return own if max_tokens is None else {**own, self._limit: max_tokens}

    def _adapt(self, error: ChatError, sent: Mapping[str, Any]) -> bool:
        """Whether what was sent can be sent in another form: OpenAI's reasoning models know neither `max_tokens` nor a
        temperature.
        """
        if error.reason != "rejected":
            return False
        if "max_completion_tokens" in str(error) and "max_tokens" in sent:
            self._limit = "max_completion_tokens"
            return True
        if "temperature" in str(error) and "temperature" in sent and "temperature" not in self.options:
            log.warning("%r takes no temperature: its own is used", self)
            self._takes_temperature = False
            return True
        return False

    async def _check(self, row: RowConstraint | None) -> None:
        """Once, and before anything is paid for: does the server enforce constraints, or ignore them silently?"""
        if row is None or self.engine is None:
            return
        document_grammar(row)  # raises for a constraint that nothing can satisfy
        if not _of_use(self._obeys):
            self._obeys = asyncio.ensure_future(self._probe(self.engine))
        if self._obeys is not None:
            await asyncio.shield(self._obeys)

    async def _probe(self, engine: Engine) -> None:
        test = probe(engine)
        parameters = dict(test.parameters)
        limit = parameters.pop("max_tokens")
        fields = parameters.pop("extra_body", {}) | parameters
        answer = await self._ask(test.messages, lambda: self._limited(fields, limit))
        if not test.enforced(answer.text):
            raise WritingError(
                f"{self!r} ignores constraints for the engine {engine!r} (vLLM takes them from 0.12 on): "
                "update the server, choose its real engine, or none"
            )

    def _document(self, answer: Answer, row: RowConstraint | None) -> str:
        """The answer as a document of the constraint's language."""
        if row is None:
            return answer.text
        match self.engine:
            case None:
                return repair(answer.text, row)
            case "openai" if answer.finish == "length":
                return repair(SegmentReader(row.language).feed(answer.text), row)
            case "openai":
                return repair(document_from_segments(answer.text, row.language), row)
            case _:
                grammar = document_grammar(row)
                if answer.finish == "length" and grammar.valid_prefix(answer.text) == answer.text:
                    return answer.text + grammar.close(answer.text)
                return answer.text if grammar.accepts(answer.text) else repair(answer.text, row)

    def _completion(self, answer: Answer, text: str) -> Completion:
        prices = self.endpoint.prices
        return Completion(
            text=text,
            finished=answer.finish != "length",
            tokens=answer.usage.completion_tokens,
            prompt_tokens=answer.usage.prompt_tokens,
            cost=prices.cost(answer.usage) if prices and answer.usage.tokens else None,
        )


def _of_use(probe: asyncio.Task[None] | None) -> bool:
    """Whether a probe has been passed, or is under way in this event loop."""
    if probe is None:
        return False
    if probe.done():
        return not probe.cancelled() and probe.exception() is None
    return probe.get_loop() is asyncio.get_running_loop()
