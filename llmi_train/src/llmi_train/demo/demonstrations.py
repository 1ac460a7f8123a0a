"""Documents that answer a row's prompt, right or sloppily: what the tiny model is warmed up on.

Sloppy ones have a picture too many or too few, often the wrong tool, sometimes a broken tag. A model that imitates
them knows the tag language and the vocabulary, and has everything left to learn about *which* tool and *how many*;
that is what reinforcement learning then teaches it.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import cycle, islice

from llmi_data import Row, Scenario
from llmi_schema import CodeCall, DiffusionCall, EditCall, SearchCall, ToolCall

_NUMBERS = ("no", "one", "two", "three", "four", "five")
_ORDINALS = ("First", "Second", "Third", "Fourth", "Fifth")
_ENDINGS = ("That is all.", "Thank you for reading.", "Now you know.")
_CHARTS = ("bar", "plot", "scatter", "step", "barh")


def demonstration(row: Row, rng: random.Random, *, sloppiness: float = 0.5) -> str:
    """A document for the row, written from its scenario.

    Args:
        row: a row of the offline generator (it carries its scenario).
        sloppiness: 0 writes right documents; at 1 the count is rarely and the tools are never chosen from the labels.
    """
    scenario = _scenario(row)
    tools = _choose_tools(row, rng, sloppiness)
    calls = _calls(tools, scenario, input_images=len(row.images), rng=rng)
    parts = [_opening(scenario.topic, len(calls))]
    for ordinal, call in zip(_ORDINALS, calls, strict=False):
        tag = call.to_tag()
        parts += [f"{ordinal}:", _broken(tag, rng) if rng.random() < 0.15 * sloppiness else tag]
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


def _choose_tools(row: Row, rng: random.Random, sloppiness: float) -> list[str]:
    """The tools of the document's tags, in order."""
    count = row.constraint.count
    wanted = rng.choice((1, 2)) if count.maximum is None else count.minimum
    if not count.minimum and count.maximum is None and not row.required_tools:
        wanted = rng.choice((0, 1, 2))
    if rng.random() < sloppiness:
        wanted = max(0, wanted + rng.choice((-1, 1)))
    usable = ["search", "diffusion", "code"] + (["edit"] if row.images else [])
    right = list(row.required_tools) or usable
    chosen = list(islice(cycle(rng.sample(right, len(right))), wanted))
    return [rng.choice(usable) if rng.random() < sloppiness else tool for tool in chosen]


def _calls(tools: Sequence[str], scenario: Scenario, input_images: int, rng: random.Random) -> list[ToolCall]:
    """One call per tool; calls of one tool differ, so that each delivers a picture of its own."""
    queries, scenes, edits = iter(scenario.queries), iter(scenario.scenes), iter(scenario.edits)
    charts = iter(rng.sample(_CHARTS, len(_CHARTS)))
    calls: list[ToolCall] = []
    for tool in tools:
        match tool:
            case "search":
                query = next(queries, scenario.topic)
                calls.append(SearchCall(description=query, params={"query": query}))
            case "diffusion":
                scene = next(scenes, scenario.topic)
                calls.append(DiffusionCall(description=scenario.topic, params={"prompt": scene}))
            case "code":
                calls.append(CodeCall(description=scenario.series.title, params={"code": _chart(scenario, next(charts))}))
            case "edit":
                change = next(edits, "black and white")
                index = 0 if input_images else len(calls) - 1
                calls.append(EditCall(description=change, params={"img_index": index, "prompt": change}))
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
