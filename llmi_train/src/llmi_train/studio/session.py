"""A studio and its sessions: each writes one document and keeps what its page shows."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, field

from llmi_reward import Reward, Sample, Score
from llmi_sandbox.report import request as asked_block
from llmi_sandbox.report.live import live_input
from llmi_sandbox.running import Caller
from llmi_schema import ConfigurationError, Constraint, LLMIError
from llmi_train.policies import Policy, Request
from llmi_train.studio.board import Board
from llmi_train.studio.view import View
from llmi_train.writing import Writing, Written

log = logging.getLogger(__name__)

KEPT = 50
"""Sessions a studio remembers; the oldest that has ended makes room for a new one."""
AT_ONCE = 8
"""Sessions that may write at a time."""


@dataclass(frozen=True)
class Studio:
    """What a studio works with.

    Attributes:
        reward: scores each document at its end; None leaves it out.
        prices: of one attempt of a tool, by the tool's name, where that is known.
        currency: before every price.
        model, tools, reward_name: how the page names them.
    """

    policy: Policy
    toolkit: Caller
    reward: Reward | None = None
    prices: Mapping[str, float] = field(default_factory=dict)
    currency: str = ""
    model: str = ""
    tools: str = ""
    reward_name: str | None = None


class Session:
    """One document: it is written whether or not somebody looks.

    Attributes:
        id: cannot be guessed.
        written: the document, once there is one.
    """

    def __init__(self, studio: Studio, request: Request, constraint: Constraint) -> None:
        self.id = secrets.token_urlsafe(12)
        self.board = Board()
        self.written: Written | None = None
        self._studio = studio
        self._request = request
        self._constraint = constraint
        self._writing = Writing(studio.policy, request, studio.toolkit)
        self._view = View(self.board, studio.prices, studio.currency)
        self._task = asyncio.create_task(self._run())

    @property
    def prompt(self) -> str:
        content = self._request.messages[-1]["content"]
        return content if isinstance(content, str) else ""

    @property
    def running(self) -> bool:
        return not self._task.done()

    def stop(self) -> None:
        """Ask for no more; what is there stays."""
        self._writing.stop()

    async def end(self) -> None:
        """Stop at once, and wait until nothing of it runs."""
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _run(self) -> None:
        try:
            self._show_request()
            async with aclosing(self._writing.events()) as events:
                async for event in events:
                    self._view.take(event)
            self.written = self._writing.written
            if self.written is not None:
                self._view.finished(self.written)
                self._view.scored(await self._score(self.written))
                self._end(self.written.problem)
        except LLMIError as error:
            self._end(str(error))
        except Exception:  # whatever it is, the page must not wait for it, and other sessions go on
            log.exception("a session failed")
            self._end("the studio failed; its log says how")
        finally:
            self._view.close()
            self.board.close()

    def _show_request(self) -> None:
        self.board.put("asked", {"kind": "asked", "html": asked_block(self.prompt, self._constraint)})
        if self._request.pictures:
            shown = "".join(live_input(picture, n) for n, picture in enumerate(self._request.pictures, 1))
            self.board.put("given", {"kind": "given", "html": shown})
        self.board.put("place", {"kind": "place", "place": "text"})

    async def _score(self, written: Written) -> Score | None:
        if self._studio.reward is None:
            return None
        truncated = written.completion is None or not written.completion.finished
        sample = Sample(written.messages, written.rendered, self._constraint, split="test", truncated=truncated)
        try:
            return await self._studio.reward(sample)
        except LLMIError as error:
            return Score.unscored(str(error))

    def _end(self, problem: str | None) -> None:
        words = "Finished" if problem is None else "Stopped" if problem == "stopped" else "Not finished"
        self.board.put(
            "end",
            {
                "kind": "end",
                "id": self.id,
                "words": words,
                "problem": problem if problem != "stopped" else None,
                "saved": self.written is not None,
            },
        )


class Sessions:
    """The sessions of a studio, newest first."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._sessions: dict[str, Session] = {}

    def begin(self, request: Request, constraint: Constraint) -> Session:
        """Raises `ConfigurationError` when as many are being written as may be."""
        if sum(session.running for session in self._sessions.values()) >= AT_ONCE:
            raise ConfigurationError(f"{AT_ONCE} documents are being written: wait for one, or stop one")
        for old in list(self._sessions.values())[: max(0, len(self._sessions) - KEPT + 1)]:
            if not old.running:
                del self._sessions[old.id]
        session = Session(self._studio, request, constraint)
        self._sessions[session.id] = session
        return session

    def find(self, name: str) -> Session | None:
        return self._sessions.get(name)

    def listed(self) -> list[dict[str, object]]:
        return [
            {"id": session.id, "prompt": session.prompt[:200], "running": session.running}
            for session in reversed(self._sessions.values())
        ]

    async def end(self) -> None:
        await asyncio.gather(*(session.end() for session in self._sessions.values()))
