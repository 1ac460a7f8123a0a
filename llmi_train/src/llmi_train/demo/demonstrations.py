"""Documents that answer a row's prompt: what the tiny model is warmed up on.

They are by authors of two kinds. A careful one announces how many pictures there will be, numbers them and keeps its
word. A careless one never read the prompt: it draws as many pictures as it likes with whatever tool, and breaks most of
its tags. A model that imitates them knows the language and can be either; which of the two is worth being is left to
reinforcement learning.
"""

from __future__ import annotations

import random
import re
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
    Text,
    ToolCall,
    parse,
)

_NUMBERS = ("No", "One", "Two", "Three", "Four", "Five", "Six")
_SHOWS = {
    "search": "a real view",
    "diffusion": "an imagined scene",
    "code": "exact figures",
    "edit": "your picture changed",
}
_CHARTS = ("plot", "pie", "stem", "hist")
_CARELESS = "Here you are."
_MOST = 3  # pictures of a careless author

_SLIPS = 0.03  # how often a careful author gets a number or a tool wrong
_BROKEN = 0.6  # how often a careless author's tag is broken


def demonstration(row: Row, rng: random.Random, *, careful: bool = True) -> str:
    """A document for the row, made of its scenario's facts.

    Args:
        row: a row of the offline generator (it carries its scenario).
        careful: whether the author does what the prompt asks for.
    """
    scenario = _scenario(row)
    usable = ["search", "diffusion", "code"] + (["edit"] if row.images else [])
    tools = _understood(row, usable, rng) if careful else rng.choices(usable, k=rng.randint(1, _MOST))
    parts = [_announcement(len(tools)) if careful else _CARELESS]
    for number, call in enumerate(_calls(tools, scenario, len(row.images), rng), 1):
        tag = call.to_tag()
        show = f"{number} of {len(tools)}, {call.description}:" if careful else f"{call.description.capitalize()}:"
        parts += [show, _broken(tag, rng) if not careful and rng.random() < _BROKEN else tag]
    parts.append("That is all.")
    return " ".join(parts)


def outline(document: str) -> str:
    """A demonstration without its tags: all that was understood of the prompt, in few words."""
    return " ".join(segment.source.strip() for segment in parse(document).segments if isinstance(segment, Text))


def request(row: Row) -> str:
    """The prompt without what the text shall be about: the sentences that say which pictures are wanted."""
    scenario = _scenario(row)
    subject = (scenario.angle, f"about {scenario.topic}")
    sentences = re.split(r"(?<=[.!?]) ", row.text)
    return " ".join(s for s in sentences if not any(words in s for words in subject)) or row.text


def _announcement(pictures: int) -> str:
    """Says what will follow. The number is the first word, where a model learns soonest to take it from the prompt."""
    return f"{_NUMBERS[pictures]} {'picture follows' if pictures == 1 else 'pictures follow'}."


def _scenario(row: Row) -> Scenario:
    if row.provenance is None or row.provenance.scenario is None:
        raise ValueError(f"row {row.id} does not carry its scenario: demonstrations need rows of the offline generator")
    return row.provenance.scenario


def _understood(row: Row, usable: Sequence[str], rng: random.Random) -> list[str]:
    """The tools a careful author means to use, one per picture: what is required, then others, so that no two pictures
    are alike."""
    count = row.constraint.count
    wanted = count.minimum if count.maximum is not None else max(1, len(row.required_tools))
    if rng.random() < _SLIPS:
        wanted = max(0, wanted + rng.choice((-1, 1)))
    order = [*row.required_tools, *(tool for tool in usable if tool not in row.required_tools)]
    tools = list(islice(cycle(order), wanted))
    return [rng.choice(usable) if rng.random() < _SLIPS else tool for tool in tools]


def _calls(tools: Sequence[str], scenario: Scenario, input_images: int, rng: random.Random) -> list[ToolCall]:
    """One call per tool; calls of one tool differ, so that each delivers a picture of its own."""
    queries, things, edits = iter(scenario.queries), iter(scenario.queries), iter(scenario.edits)
    charts = cycle(_charts(scenario, rng))
    calls: list[ToolCall] = []
    for tool in tools:
        match tool:
            case "search":
                query = next(queries, scenario.topic)
                calls.append(SearchCall(description=_SHOWS[tool], params=SearchParams(query=query)))
            case "diffusion":
                thing = next(things, scenario.topic)
                params = DiffusionParams(prompt=f"{thing} in a dream")
                calls.append(DiffusionCall(description=_SHOWS[tool], params=params))
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
