"""Documents that answer a row's prompt, right or sloppily: what the tiny model is warmed up on.

A sloppy author mostly understands the prompt, announces how many pictures there will be and what each will show, and
then does something else: a picture more or less, another tool, sometimes a broken tag. A model that imitates such
documents knows the language and has everything to learn about doing what was asked; that is left to reinforcement
learning.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import cycle, islice

from llmi_data import Row, Scenario
from llmi_schema import (
    CodeCall,
    CodeParams,
    DiffusionCall,
    DiffusionParams,
    EditCall,
    EditParams,
    SearchCall,
    SearchParams,
    ToolCall,
)

_NUMBERS = ("No", "One", "Two", "Three", "Four", "Five", "Six")
_ORDINALS = ("First", "Second", "Third", "Fourth", "Fifth", "Sixth")
_SHOWS = {
    "search": "the real thing",
    "diffusion": "an imagined scene",
    "code": "the figures",
    "edit": "your picture changed",
}
_CHARTS = ("plot", "pie", "stem", "hist")

# How often things go wrong, as shares of `sloppiness`, which itself is how often a tool is not the announced one.
_MISUNDERSTOOD = 0.15
_MISCOUNTED = 0.5
_BROKEN = 0.15


def demonstration(row: Row, rng: random.Random, *, sloppiness: float = 0.8) -> str:
    """A document for the row, written from its scenario.

    Args:
        row: a row of the offline generator (it carries its scenario).
        sloppiness: how often the author does not do what it announced: 0 writes right documents, 1 never follows.
    """
    scenario = _scenario(row)
    usable = ["search", "diffusion", "code"] + (["edit"] if row.images else [])
    announced = _understood(row, usable, rng, _MISUNDERSTOOD * sloppiness)
    done = [rng.choice(usable) if rng.random() < sloppiness else tool for tool in announced]
    if rng.random() < _MISCOUNTED * sloppiness:
        done = done[:-1] if done and rng.random() < 0.5 else [*done, rng.choice(usable)]
    shows = [_SHOWS[tool] for tool in announced] + [_SHOWS[tool] for tool in done[len(announced) :]]
    parts = [_announcement([_SHOWS[tool] for tool in announced])]
    for ordinal, show, call in zip(_ORDINALS, shows, _calls(done, scenario, len(row.images), rng), strict=False):
        tag = call.to_tag()
        parts += [f"{ordinal}, {show}:", _broken(tag, rng) if rng.random() < _BROKEN * sloppiness else tag]
    parts.append("That is all.")
    return " ".join(parts)


def outline(document: str) -> str:
    """The first sentence of a demonstration, which holds all that was understood of the prompt."""
    return document[: document.index(".") + 1]


def _announcement(shows: Sequence[str]) -> str:
    """Says what will follow. The number is the first word, where a model learns soonest to take it from the prompt."""
    if not shows:
        return "Words alone."
    verb = "picture follows" if len(shows) == 1 else "pictures follow"
    return f"{_NUMBERS[len(shows)]} {verb}: {', '.join(shows)}."


def _scenario(row: Row) -> Scenario:
    if row.provenance is None or row.provenance.scenario is None:
        raise ValueError(f"row {row.id} does not carry its scenario: demonstrations need rows of the offline generator")
    return row.provenance.scenario


def _understood(row: Row, usable: Sequence[str], rng: random.Random, mistakes: float) -> list[str]:
    """The tools the author means to use, one per picture, in order."""
    count = row.constraint.count
    if count.maximum is not None:
        wanted = count.minimum
    else:
        wanted = rng.choice((1, 2) if count.minimum or row.required_tools else (0, 1, 2))
    if rng.random() < mistakes:
        wanted = max(0, wanted + rng.choice((-1, 1)))
    right = list(row.required_tools) or list(usable)
    tools = list(islice(cycle(rng.sample(right, len(right))), wanted))
    return [rng.choice(usable) if rng.random() < mistakes else tool for tool in tools]


def _calls(tools: Sequence[str], scenario: Scenario, input_images: int, rng: random.Random) -> list[ToolCall]:
    """One call per tool; calls of one tool differ, so that each delivers a picture of its own."""
    queries, scenes, edits = iter(scenario.queries), iter(scenario.scenes), iter(scenario.edits)
    charts = cycle(_charts(scenario, rng))
    calls: list[ToolCall] = []
    for tool in tools:
        match tool:
            case "search":
                query = next(queries, scenario.topic)
                calls.append(SearchCall(description=_SHOWS[tool], params=SearchParams(query=query)))
            case "diffusion":
                scene = next(scenes, scenario.topic)
                calls.append(DiffusionCall(description=_SHOWS[tool], params=DiffusionParams(prompt=scene)))
            case "code":
                calls.append(CodeCall(description=_SHOWS[tool], params=CodeParams(code=next(charts))))
            case "edit":
                change = next(edits, "black and white")
                index = 0 if input_images else len(calls) - 1
                calls.append(EditCall(description=_SHOWS[tool], params=EditParams(img_index=index, prompt=change)))
    return calls


def _charts(scenario: Scenario, rng: random.Random) -> list[str]:
    """Snippets that draw the scenario's first figures, each in another way."""
    values = list(scenario.series.values[:3])
    return [f"plt.{chart}({values})" for chart in rng.sample(_CHARTS, len(_CHARTS))]


def _broken(tag: str, rng: random.Random) -> str:
    """The tag with one of the faults models make."""
    return rng.choice(
        (
            tag.replace('"source"', '"tool"'),
            tag.replace('"description"', '"caption"'),
            tag.replace("}}</imgen>", "}</imgen>"),
        )
    )
