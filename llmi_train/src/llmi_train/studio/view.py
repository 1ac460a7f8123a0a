"""What a session's events look like: HTML blocks from the one stack, put on the board."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from llmi_reward import Score
from llmi_sandbox.report import Marks, document_view
from llmi_sandbox.report.live import (
    live_call,
    live_figure,
    live_marks,
    live_prose,
    live_thought,
    live_waiting,
)
from llmi_schema import BadTag, Tag, ToolResult
from llmi_train.studio.board import Board
from llmi_train.writing import Answered, Called, Event, Inside, Thinking, Written, Wrote

PAUSE = 0.08
"""Seconds between two pictures of prose that grows: as often as an eye can use, and no work in between."""


class View:
    """Turns events into blocks. Block 0 is the prose before the first figure, block 1 that figure, and so on.

    Args:
        prices: of one attempt of a tool, by the tool's name.
        currency: before a price.
    """

    def __init__(self, board: Board, prices: Mapping[str, float], currency: str) -> None:
        self._board = board
        self._prices = prices
        self._currency = currency
        self._at = 0
        self._prose = ""
        self._drawing: asyncio.TimerHandle | None = None
        self._places: dict[int, int] = {}

    def take(self, event: Event) -> None:
        match event:
            case Wrote(text):
                self._prose += text
                if self._drawing is None:
                    self._drawing = asyncio.get_running_loop().call_later(PAUSE, self._draw)
            case Inside(place):
                self._board.put("place", {"kind": "place", "place": place})
            case Thinking(source):
                self._block(live_thought(source))
            case Called(tag):
                self._places[tag.index] = self._block("" if isinstance(tag, BadTag) else live_waiting(tag))
                self._call(tag, None)
            case Answered(tag, result):
                self._answered(tag, result)

    def finished(self, written: Written) -> None:
        """The whole document, as it will be saved, and its figures."""
        self.close()
        self._board.put("document", {"kind": "document", "html": document_view(written.rendered, level=2)})
        self._board.put("facts", {"kind": "facts", "facts": self._facts(written)})

    def scored(self, score: Score | None) -> None:
        if score is not None:
            marks = Marks(score.value, score.components, score.reason or "")
            self._board.put("score", {"kind": "score", "html": live_marks(marks)})

    def close(self) -> None:
        """Draw what is waiting to be drawn."""
        if self._drawing is not None:
            self._draw()

    def _draw(self) -> None:
        if self._drawing is not None:
            self._drawing.cancel()
            self._drawing = None
        self._put(self._at, live_prose(self._prose))

    def _block(self, html: str) -> int:
        """A block of its own after the prose; more prose comes in the next."""
        self.close()
        place = self._at + 1
        self._put(place, html)
        self._at += 2
        self._prose = ""
        return place

    def _put(self, at: int, html: str, *, arrived: bool = False) -> None:
        self._board.put(f"block {at}", {"kind": "block", "at": at, "html": html, "arrived": arrived})

    def _answered(self, tag: Tag | BadTag, result: ToolResult) -> None:
        if tag.index not in self._places:  # only the end of the text told that there was a tag
            self._places[tag.index] = self._block("")
        self._put(self._places[tag.index], live_figure(tag, result), arrived=result.ok)
        self._call(tag, result)

    def _call(self, tag: Tag | BadTag, result: ToolResult | None) -> None:
        price = None if result is None else self._price(tag, result)
        html = live_call(tag, result, price=price, currency=self._currency)
        self._board.put(f"call {tag.index}", {"kind": "call", "index": tag.index, "html": html})

    def _price(self, tag: Tag | BadTag, result: ToolResult) -> float | None:
        if isinstance(tag, BadTag) or tag.tool not in self._prices:
            return None
        return 0.0 if result.cached else self._prices[tag.tool] * result.attempts

    def _facts(self, written: Written) -> list[tuple[str, str]]:
        rendered, completion = written.rendered, written.completion
        facts = [("pictures", f"{len(rendered.delivered)} of {len(rendered.results)} tags")]
        if completion is not None and completion.tokens:
            facts.append(("tokens", f"{completion.tokens:,}"))
        facts += [("writing", f"{written.writing_seconds:.1f} s"), ("in all", f"{written.seconds:.1f} s")]
        paid = [self._price(tag, result) for tag, result in zip(rendered.document.tags, rendered.results, strict=True)]
        if any(price is not None for price in paid):
            facts.append(("tools' cost", f"{self._currency}{sum(price or 0.0 for price in paid):.4g}"))
        if completion is not None and completion.cost is not None:
            facts.append(("model's cost", f"{self._currency}{completion.cost:.4g}"))
        return facts
