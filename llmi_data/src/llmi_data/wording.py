"""The instructions that models are given: text files beside the code that sends them, filled in here."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib.resources import files
from string import Template

from llmi_schema import DEFAULT_LANGUAGE, Language

WAYS = {
    "search": "find a picture of something real: a person, place, building, animal, artwork, product, event",
    "diffusion": "have a picture made of something that is only imagined, and that nobody could have photographed",
    "code": "have a figure drawn from exact numbers or other data, such as a chart or a diagram",
    "edit": "have a picture changed that is already there: one the user gave, or an earlier one of the text",
}
"""What each tool is for, as models that write and read prompts are told. They never see what is behind a name."""


def ways(language: Language = DEFAULT_LANGUAGE) -> str:
    """A line per tool."""
    purposes = {name: call.purpose for name, call in zip(language.tools, language.calls, strict=True)}
    return "\n".join(f"- {name}: {WAYS.get(name, purpose)}" for name, purpose in purposes.items())


@cache
def _text(package: str, name: str) -> str:
    return files(package).joinpath("prompts", f"{name}.md").read_text(encoding="utf-8")


def fill(package: str, name: str, **slots: str) -> str:
    """The instructions in `prompts/<name>.md` of a package, their slots filled."""
    return Template(_text(package, name)).substitute(slots).strip()


def version(package: str, *names: str) -> str:
    """Six digits that change whenever the instructions do."""
    return sha256("\0".join(_text(package, name) for name in names).encode()).hexdigest()[:6]
