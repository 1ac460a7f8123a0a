"""What a tool is: one async callable.

```python
async def blue_square(call: ToolCall, pictures: Sequence[Picture]) -> ToolResult:
    return ToolResult(picture=encode(Image.new("RGB", (64, 64), "navy"), provenance))

toolkit = Toolkit({"diffusion": blue_square})
```

A tool answers with a `ToolResult`: a picture, or a reason with a sentence. What it raises becomes a failed
result too (`Toolkit.call` says which), so that one call never costs its neighbours. Optional attributes tell the
toolkit more:

- `identity: str` names all that the answer depends on besides the call (provider, model, settings). Equal calls of
  tools with equal identities are run once. A tool without one is run every time.
- `close()` gives back what the tool holds: processes, connections, files.
- `variant(number) -> Tool`, where one call has several good answers: the next search result, another seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from llmi_schema import Picture, ToolCall, ToolResult


class Tool(Protocol):
    """Turns one call into a picture or a reason.

    It may be called from several event loops and threads, at once or one after the other.
    """

    async def __call__(self, call: ToolCall, pictures: Sequence[Picture], /) -> ToolResult:
        """Answer one call.

        Args:
            call: the tag's content.
            pictures: what the call works on: for an edit, the one picture it changes; else empty.
        """
        ...


@runtime_checkable
class Identified(Protocol):
    """A tool whose equal calls have interchangeable answers."""

    @property
    def identity(self) -> str: ...


@runtime_checkable
class Closeable(Protocol):
    """A tool that holds something until it is closed. Closing twice is harmless."""

    def close(self) -> None: ...


@runtime_checkable
class Varied(Protocol):
    """A tool whose calls have several good answers: search results by rank, generated pictures by seed."""

    def variant(self, number: int) -> Tool:
        """A tool that answers like this one with its `number`-th choice; 0 is this tool's own answer.

        It shares what this tool holds and needs no closing. Its identity, where this tool has one, names the number.
        """
        ...


def wrong_call(tool: str, call: ToolCall) -> ToolResult:
    """The answer of a tool that was registered under a name whose calls it does not understand."""
    return ToolResult.failed(
        "unavailable", f"the {tool} tool does not answer {call.source!r} calls: register it under another name"
    )
