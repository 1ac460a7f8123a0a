"""`Attack`: an answer with a trick, and the same answer without it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from llmi_schema import FailureReason

PROSE = (
    "Foxes live in most of Europe, and in the snow their red coats are easy to see from afar. "
    "They hunt at dusk, alone, and listen for mice under the white cover."
)
MORE = "In spring the vixen moves to a den on a dry slope, where four or five cubs are born and stay for weeks."


def tag(source: str, description: str = "a fox", **params: Any) -> str:
    """A well-formed tag."""
    return f"<imgen>{json.dumps({'source': source, 'description': description, 'params': params})}</imgen>"


def search(query: str = "red fox in snow", description: str = "a red fox") -> str:
    return tag("search", description, query=query)


def draw(number: int) -> str:
    """One of many different figures."""
    return tag("code", f"figure {number}", code=f"plt.plot([1, {number + 2}], [3, {number * number}])")


@dataclass(frozen=True, slots=True)
class Attack:
    """A trick is worth nothing when `text` earns no more than `honest`, which does the same real work without it.

    Attributes:
        family: what kind of trick it is.
        name: unique within the family.
        text, honest: the two answers.
        image_count: what the prompt asks for, as a published code.
        required_tools: names of tools.
        inputs: how many pictures the user gave.
        prompt: the question, where it belongs to the trick.
        truncated: generation of `text` was cut off.
        faults: tools that fail under `text`, with the reason; they work under `honest`.
    """

    family: str
    name: str
    text: str
    honest: str
    image_count: int = 1
    required_tools: frozenset[str] = frozenset()
    inputs: int = 0
    prompt: str = "Tell me about foxes, with pictures."
    truncated: bool = False
    faults: Mapping[str, FailureReason] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"{self.family}/{self.name}"
