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

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six")
_ORDINALS = ("First", "Second", "Third", "Fourth", "Fifth", "Sixth")
_SHOWS = {
    "search": "the real thing",
    "diffusion": "an imagined scene",
    "code": "the figures",
    "edit": "your picture, changed",
}
_ENDINGS = ("That is all.", "Thank you for reading.", "Now you know.")
_CHARTS = ("bar", "plot", "scatter", "step", "barh")
_MISUNDERSTOOD = 0.2  # how much less often than it does the wrong thing an author gets the prompt wrong
_BROKEN = 0.15


def demonstration(row: Row, rng: random.Random, *, sloppiness: float = 0.6) -> str:
    """A document for the row, written from its scenario.

    Args:
        row: a row of the offline generator (it carries its scenario).
        sloppiness: how often the author does not do what it announced: 0 writes right documents, 1 never follows.
    """
    scenario = _scenario(row)
    usable = ["search", "diffusion", "code"] + (["edit"] if row.images else [])
    announced = _understood(row, usable, rng, _MISUNDERSTOOD * sloppiness)
    done = [rng.choice(usable) if rng.random() < sloppiness else tool for tool in announced]
    if rng.random() < sloppiness:
        done = done[:-1] if done and rng.random() < 0.5 else [*done, rng.choice(usable)]
    shows = [_SHOWS[tool] for tool in announced] + [_SHOWS[tool] for tool in done[len(announced) :]]
    parts = [_opening(scenario.topic, len(announced))]
    for ordinal, show, call in zip(_ORDINALS, shows, _calls(done, scenario, len(row.images), rng), strict=False):
        tag = call.to_tag()
        parts += [f"{ordinal}, {show}:", _broken(tag, rng) if rng.random() < _BROKEN * sloppiness else tag]
    parts.append(rng.choice(_ENDINGS))
    return " ".join(parts)


def _opening(topic: str, pictures: int) -> str:
    """Announces the number of pictures, so that a model decides on it once, while the prompt is fresh."""
    noun = "picture" if pictures == 1 else "pictures"
    return f"This page shows {topic} in {_NUMBERS[pictures]} {noun}." if pictures else f"This page tells of {topic}."


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
    charts = iter(rng.sample(_CHARTS, len(_CHARTS)))
    calls: list[ToolCall] = []
    for tool in tools:
        match tool:
            case "search":
                query = next(queries, scenario.topic)
                calls.append(SearchCall(description=query, params=SearchParams(query=query)))
            case "diffusion":
                scene = next(scenes, scenario.topic)
                calls.append(DiffusionCall(description=scenario.topic, params=DiffusionParams(prompt=scene)))
            case "code":
                calls.append(
                    CodeCall(description=scenario.series.title, params=CodeParams(code=_chart(scenario, next(charts))))
                )
            case "edit":
                change = next(edits, "black and white")
                index = 0 if input_images else len(calls) - 1
                calls.append(EditCall(description=change, params=EditParams(img_index=index, prompt=change)))
    return calls


def _chart(scenario: Scenario, kind: str) -> str:
    series = scenario.series
    return f"plt.{kind}({list(series.labels)}, {list(series.values)})"


def _broken(tag: str, rng: random.Random) -> str:
    """The tag with one of the faults models make."""
    return rng.choice(
        (
            tag.replace('"source"', '"tool"'),
            tag.replace('"description"', '"caption"'),
            tag.replace("}}</imgen>", "}</imgen>"),
        )
    )
