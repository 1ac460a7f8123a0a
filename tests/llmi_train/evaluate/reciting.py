"""Policies that recite, tools that always deliver, and a judge that recites a transcript."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llmi_reward.chat import Answer, ChatError
from llmi_schema import ConfigurationError
from llmi_train.evaluate.project.tasks import ProjectTask
from llmi_train.policies import Completion, Request


@dataclass
class Recites:
    """Writes what `say` makes of the user's words; None is a failure."""

    say: Callable[[str], str | None]
    identity: str = "recites"
    asked: int = 0

    async def write(self, request: Request) -> Completion:
        self.asked += 1
        text = self.say(str(request.messages[-1]["content"]))
        if text is None:
            raise ConfigurationError("the model is not at home")
        return Completion(text, True, len(text) // 4)

    async def stream(self, request: Request) -> Any:
        yield await self.write(request)


@dataclass
class Replays:
    """Answers each criterion of a task with its recorded mark; None has it fail."""

    task: ProjectTask
    marks: Sequence[int | None]
    reason: str = "recorded"
    asked: int = 0

    async def ask(
        self, messages: Any, *, schema: Any = None, sample: int = 0, options: Mapping[str, Any] | None = None
    ) -> Answer:
        self.asked += 1
        content = messages[-1]["content"]
        last = content if isinstance(content, str) else content[-1]["text"]
        criterion = next(n for n, one in enumerate(self.task.criteria) if f"criterion]]\n{one.text}\n" in last)
        mark = self.marks[criterion]
        if mark is None:
            raise ChatError("unreachable", "nobody answers")
        return Answer(json.dumps({"reason": self.reason, "score": mark}))
