"""`Fallback`: several tools for one kind of call, the first that answers wins.

```python
search = Fallback([LocalSearch.from_folder("pictures/"), WebSearch(Openverse()), WebSearch(WikimediaCommons())])
```
"""

from __future__ import annotations

from collections.abc import Sequence

from llmi_sandbox.managed import Answer, Managed
from llmi_sandbox.retries import RetryPolicy
from llmi_sandbox.tools.base import Closeable, Identified, Tool, Varied
from llmi_schema import ConfigurationError, Picture, ToolCall, ToolResult

DEADLINE = 25.0

_PATIENT = RetryPolicy(attempts=2)


class Fallback:
    """Asks its tools in order until one delivers a picture.

    Each has a deadline, a second attempt and a breaker of its own, so that one that is down costs nothing after a few
    calls. A call the first tool finds fault with (`bad_call`) goes no further. When none delivers, the answer is
    `unavailable` if any of them was or broke (nobody knows what it would have found), else the first one's failure.

    Args:
        deadline_seconds: for each tool.

    Raises ConfigurationError when there are no tools.
    """

    def __init__(
        self, tools: Sequence[Tool], *, deadline_seconds: float = DEADLINE, retry: RetryPolicy = _PATIENT
    ) -> None:
        if not tools:
            raise ConfigurationError("a fallback needs at least one tool")
        self._tools = tools
        self._deadline_seconds, self._retry = deadline_seconds, retry
        self._managed = [Managed(_name(tool), tool, deadline_seconds, retry) for tool in tools]

    @property
    def identity(self) -> str:
        """Changes with the tools and their order. A tool without an identity makes every answer its own."""
        return "fallback/" + " | ".join(
            tool.identity if isinstance(tool, Identified) else f"{type(tool).__qualname__} {id(tool)}"
            for tool in self._tools
        )

    async def __call__(self, call: ToolCall, pictures: Sequence[Picture]) -> ToolResult:
        failures: list[Answer] = []
        for managed in self._managed:
            answer = await managed.answer(call, pictures)
            attempts = sum(failure.result.attempts for failure in failures) + answer.result.attempts
            if answer.result.ok or answer.result.reason == "bad_call":
                return answer.result.model_copy(update={"attempts": attempts})
            failures.append(answer)
        message = "; ".join(dict.fromkeys(failure.result.message for failure in failures))
        down = any(failure.broke or failure.result.reason in ("unavailable", "timeout") for failure in failures)
        reason = "unavailable" if down else failures[0].result.reason
        return ToolResult.failed(reason or "crashed", message, attempts=attempts)

    def variant(self, number: int) -> Fallback:
        """Each tool's `number`-th choice; tools that have no choice are left out. Itself where none has."""
        varied = [tool.variant(number) for tool in self._tools if isinstance(tool, Varied)]
        return Fallback(varied, deadline_seconds=self._deadline_seconds, retry=self._retry) if varied else self

    def close(self) -> None:
        for tool in self._tools:
            if isinstance(tool, Closeable):
                tool.close()


def _name(tool: Tool) -> str:
    return str(getattr(tool, "name", "")) or type(tool).__name__
