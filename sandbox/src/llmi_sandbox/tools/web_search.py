"""`WebSearch`: find a picture on the network, and trust nothing about it.

A provider (see `web_providers.py`) names candidates, best first. Several are downloaded at once; the first that is a
picture of an acceptable size with something to see on it is the answer, and the other downloads are cancelled.

```python
search = WebSearch(Openverse())
result = await search(call, ())
result.picture.provenance.licence   # 'CC BY-SA 2.0'
```
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from PIL import Image

from llmi_sandbox.errors import PictureError, ProviderError
from llmi_sandbox.pictures import PictureLimits, decode, encode, is_blank
from llmi_sandbox.tools.base import wrong_call
from llmi_sandbox.tools.race import Lost, race
from llmi_sandbox.web import Web
from llmi_schema import Picture, Provenance, SearchCall, ToolCall, ToolResult

LONGEST_CREDIT = 400
LONGEST_QUERY = 300

_QUERIES_KEPT = 64


@dataclass(frozen=True, slots=True)
class Candidate:
    """A picture that a provider names.

    Attributes:
        links: where its bytes may be, best first: the original, then a smaller copy.
        width: as the provider says, if it does; checked again on the picture itself.
    """

    links: tuple[str, ...]
    licence: str | None = None
    attribution: str | None = None
    source_url: str | None = None
    width: int | None = None
    height: int | None = None


class Provider(Protocol):
    """Somebody who knows pictures."""

    @property
    def name(self) -> str:
        """For provenance and messages."""
        ...

    @property
    def identity(self) -> str:
        """All that its answers depend on besides the query."""
        ...

    async def find(self, web: Web, query: str) -> list[Candidate]:
        """Candidates, best first; [] when there are none. Raises `ProviderError`. Runs in the network's loop."""
        ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which pictures are acceptable, and how hard they are looked for.

    Attributes:
        shortest_side: pixels; smaller pictures are passed over.
        longest_side: pixels; larger ones are scaled down to it.
        widest: longest side by shortest side; banners and strips are passed over.
        candidates: how many of the provider's best are tried at most.
        abreast: how many are downloaded at a time.
        grace: seconds that better-ranked downloads get once one picture is there.
    """

    shortest_side: int = 200
    longest_side: int = 1536
    widest: float = 4.0
    candidates: int = 12
    abreast: int = 4
    grace: float = 0.5


class WebSearch:
    """Answers `search` calls through one provider.

    `no_result` when the provider knows nothing or nothing it names is acceptable; a raised `ProviderError` when it
    cannot be asked; `unavailable` when candidates could not be fetched for reasons that may pass.

    Args:
        web: the network; one of its own unless given, closed with the tool.
        limits: what may be decoded.
    """

    def __init__(
        self,
        provider: Provider,
        *,
        web: Web | None = None,
        wanted: Wanted | None = None,
        limits: PictureLimits | None = None,
    ) -> None:
        self._provider = provider
        self._web = web if web is not None else Web()
        self._owns_web = web is None
        self._wanted = wanted or Wanted()
        self._limits = limits or PictureLimits()
        self._passed_over = 0
        self._asked: dict[str, asyncio.Future[list[Candidate]]] = {}
        self.name = provider.name
        self.identity = f"search/web/1/{provider.identity}/{self._wanted}"

    async def __call__(self, call: ToolCall, pictures: Sequence[Picture]) -> ToolResult:
        if not isinstance(call, SearchCall):
            return wrong_call("search", call)
        query = " ".join(call.params.query.split())[:LONGEST_QUERY]
        if not query:
            return ToolResult.failed("bad_call", "the query is empty")
        return await self._web.run(self._search(query))

    def variant(self, number: int) -> WebSearch:
        """The same search without the provider's `number` best candidates; the provider is not asked again for it."""
        if number == 0:
            return self
        variant = copy(self)
        variant._passed_over = self._passed_over + number
        variant.identity = f"{self.identity}/without {number}"
        return variant

    def close(self) -> None:
        if self._owns_web:
            self._web.close()

    async def _find(self, query: str) -> list[Candidate]:
        """What the provider names. Variants make do with what was named last. Runs in the network's loop."""
        known = self._asked.get(query) if self._passed_over else None
        if known is not None:
            if not known.done():
                await asyncio.wait([known])
            if not known.cancelled() and known.exception() is None:
                return known.result()
        asked = self._asked[query] = asyncio.ensure_future(self._provider.find(self._web, query))
        while len(self._asked) > _QUERIES_KEPT:
            self._asked.pop(next(iter(self._asked)))
        return await asked

    async def _search(self, query: str) -> ToolResult:
        name = self._provider.name
        named = await self._find(query)
        first = self._passed_over
        candidates = [c for c in named if c.links and self._may_fit(c)][first : first + self._wanted.candidates]
        if not candidates:
            return ToolResult.failed("no_result", f"{name} knows no fitting picture for {query!r}")
        attempts = [partial(self._fetch, query, candidate) for candidate in candidates]
        outcome = await race(attempts, abreast=self._wanted.abreast, grace=self._wanted.grace)
        if not isinstance(outcome, Lost):
            return ToolResult(picture=outcome)
        reasons = "; ".join(dict.fromkeys(str(error) for error in outcome.errors[:3]))
        message = f"{name} names {len(candidates)} pictures for {query!r}, none of them usable: {reasons}"
        if any(error.transient for error in outcome.errors):
            raise ProviderError(message, transient=False)
        return ToolResult.failed("no_result", message)

    def _may_fit(self, candidate: Candidate) -> bool:
        if not candidate.width or not candidate.height:
            return True
        short, long = sorted((candidate.width, candidate.height))
        return short >= self._wanted.shortest_side and long <= short * self._wanted.widest

    async def _fetch(self, query: str, candidate: Candidate) -> Picture:
        error: ProviderError | None = None
        for link in candidate.links[:2]:
            try:
                download = await self._web.download(link)
                origin = self._origin(query, candidate)
                return await self._web.decode(partial(self._picture, download.data, origin))
            except ProviderError as failure:
                error = failure if error is None or failure.transient else error
        raise error or ProviderError("no link", reason="no_result")

    def _picture(self, data: bytes, origin: Provenance) -> Picture:
        """Raises `ProviderError` for bytes that are no acceptable picture."""
        wanted = self._wanted
        try:
            image = decode(data, limits=self._limits)
        except PictureError as error:
            raise ProviderError(str(error), reason="no_result") from None
        short, long = sorted(image.size)
        if short < wanted.shortest_side or long > short * wanted.widest:
            raise ProviderError(f"it is {image.width} x {image.height} pixels", reason="no_result")
        if is_blank(image):
            raise ProviderError("it is blank", reason="no_result")
        if long > wanted.longest_side:
            image.thumbnail((wanted.longest_side, wanted.longest_side), Image.Resampling.LANCZOS)
        return encode(image, origin)

    def _origin(self, query: str, candidate: Candidate) -> Provenance:
        return Provenance(
            tool="search",
            provider=self._provider.name,
            request=query,
            licence=_short(candidate.licence),
            attribution=_short(candidate.attribution),
            source_url=candidate.source_url,
        )


def _short(text: str | None) -> str | None:
    """One line of a length that fits below a picture, or None."""
    words = " ".join((text or "").split()) or None
    return words if words is None or len(words) <= LONGEST_CREDIT else f"{words[: LONGEST_CREDIT - 1]}…"
