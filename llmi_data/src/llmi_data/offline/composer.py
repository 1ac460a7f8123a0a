"""The offline generator: composes prompts from scenarios and wordings, each row from its own seed.

`generate` serves every plan; what is composed here is about the demo's scenarios, and `wide` composes the rest.

No model and no network: it serves the demo, the tests and anyone without a key. Prompts are implicit: they say what
the reader needs to see, never with which tool.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

from llmi_data.errors import PlanError
from llmi_data.offline import wide
from llmi_data.offline.drawings import PALETTES, SUBJECTS, draw
from llmi_data.offline.families import FAMILIES, Family, Figures, subject
from llmi_data.offline.wordings import (
    ANY_PICTURES,
    AT_LEAST_ONE,
    CHANGES,
    EXACTLY,
    GROUPS,
    NEEDS,
    NO_PICTURES,
    OPENINGS,
    TONES,
    Wording,
    Wordings,
)
from llmi_data.plan import Assignment, Plan
from llmi_data.row import Message, Origin, Row, Side
from llmi_data.scenario import Scenario, Series

GENERATOR = "offline"

_VAGUE_SHARE = 0.03  # people are sometimes unclear, and a validation that never meets it proves nothing
_UNSAID_SHARE = 0.4  # where any number of pictures will do, people often say nothing about it
_GROUP_SHARE = 0.2
_SHORTEST, _LONGEST = 25, 60  # words; below the first a sentence on tone is added
_LONGEST_WIDE = 160
_FACTS = 6  # alternatives a scenario carries of each kind
_ATTEMPTS = 50

_NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_NOUNS = (("picture", "pictures"), ("image", "images"), ("illustration", "illustrations"))
_ARTICLE = re.compile(r"\b([Aa]) (?=image|illustration)")
_LEADING_WORD = re.compile(r"^(the|our) ")


def generate(plan: Plan) -> Iterator[Row]:
    """Compose the plan's rows, all different, in the plan's order.

    Raises `PlanError` when a cell asks for more different prompts than there are.
    """
    seen: set[str] = set()
    composed, longest = (compose, _LONGEST) if plan.scenarios == "demo" else (wide.compose, _LONGEST_WIDE)
    for assignment in plan.expand():
        for attempt in range(_ATTEMPTS):
            row = composed(assignment, plan.seed, attempt)
            if row.id not in seen and len(row.text.split()) <= longest:
                break
        else:
            kind = f"{assignment.count} pictures with {', '.join(assignment.tools) or 'no tool'}"
            raise PlanError(f"the offline generator ran out of new prompts for {kind}: plan fewer rows of that kind")
        seen.add(row.id)
        yield row


def compose(assignment: Assignment, seed: int, attempt: int = 0) -> Row:
    """One row about the demo's scenarios, from its own seed: the same arguments give the same row, always."""
    count, tools, side = assignment.count, assignment.tools, assignment.side
    rng = random.Random(f"{seed}/{count}/{'+'.join(tools)}/{side}/{assignment.number}/{attempt}")
    family = rng.choice([f for f in FAMILIES if f.held_out == (side == "test")])
    scenario, figures = _scenario(family, 4 if len(tools) < 2 else 3, rng)
    prompt = _Prompt(side, rng)

    sayings = [NEEDS[tool] for tool in tools]
    rng.shuffle(sayings)
    how_many = _count_wordings(count, rng)
    vague = _vague_one([*sayings, how_many], rng)

    change = prompt.pick(CHANGES[scenario.edits[0]]) if "edit" in tools else None
    slots = {
        "audience": family.audience,
        "topic": scenario.topic,
        "thing": _thing(scenario.topic),
        "angle": scenario.angle,
        "scene": scenario.scenes[0],
        "data": _data(scenario.series, figures),
        "change": change.text if change else "",
        "n": rng.choice((_number(count), str(count))),
    }
    opening = prompt.say(OPENINGS, slots)
    needs = [prompt.say(saying, slots, vague=saying is vague) for saying in sayings]
    counted = [prompt.say(how_many, slots, plural=count != 1, vague=how_many is vague)] if how_many else []
    sentences = rng.choice(([opening, *needs, *counted], [opening, *counted, *needs], [*counted, opening, *needs]))
    if sum(len(s.split()) for s in sentences) < _SHORTEST:
        sentences.append(prompt.say(TONES, slots))

    return Row(
        prompt=(Message(role="user", content=" ".join(sentences)),),
        images=(draw(rng.choice(sorted(SUBJECTS)), rng.randrange(len(PALETTES))),) if "edit" in tools else (),
        image_count=count,
        required_tools=tools,
        provenance=Origin(
            generator=GENERATOR,
            seed=seed,
            side=side,
            family=family.name,
            topic=scenario.topic,
            wordings=tuple(w.id for w in prompt.used),
            scenario=scenario,
        ),
    )


class _Prompt:
    """Picks wordings of one side and remembers them."""

    def __init__(self, side: Side, rng: random.Random) -> None:
        self.side = side
        self.rng = rng
        self.used: list[Wording] = []

    def pick(self, wordings: Wordings, vague: bool = False) -> Wording:
        wording = self.rng.choice(wordings.vague_on(self.side) if vague else wordings.on(self.side))
        self.used.append(wording)
        return wording

    def say(self, wordings: Wordings, slots: dict[str, str], plural: bool = True, vague: bool = False) -> str:
        one, many = self.rng.choice(_NOUNS)
        nouns = {"picture": one, "pictures": many if plural else one}
        sentence = self.pick(wordings, vague).text.format(**slots, **nouns)
        sentence = _ARTICLE.sub(r"\1n ", sentence)
        return sentence[0].upper() + sentence[1:]


def _scenario(family: Family, values: int, rng: random.Random) -> tuple[Scenario, Figures]:
    """Draw the facts, with so many values in the series."""
    topics = rng.sample(family.topics, len(family.topics))
    figures = rng.choice(family.figures)
    series = Series(
        title=figures.title,
        labels=figures.labels[:values],
        values=tuple(rng.sample(range(figures.low, figures.high + 1), values)),
    )
    scenario = Scenario(
        topic=topics[0],
        angle=rng.choice(family.angles),
        queries=tuple(subject(topic) for topic in topics[:_FACTS]),
        scenes=tuple(f"{topics[0]} {scene}" for scene in rng.sample(family.scenes, len(family.scenes)))[:_FACTS],
        series=series,
        edits=tuple(rng.sample(sorted(CHANGES), _FACTS)),
    )
    return scenario, figures


def _count_wordings(count: int, rng: random.Random) -> Wordings | None:
    match count:
        case -1:
            return NO_PICTURES
        case 0:
            return None if rng.random() < _UNSAID_SHARE else ANY_PICTURES
        case 99:
            return AT_LEAST_ONE
        case _:
            return GROUPS[count] if count in GROUPS and rng.random() < _GROUP_SHARE else EXACTLY


def _vague_one(wordings: list[Wordings | None], rng: random.Random) -> Wordings | None:
    """Which part of the prompt, seldom and at most one, is put so that a careful reader may take it otherwise."""
    candidates = [w for w in wordings if w and w.vague]
    return rng.choice(candidates) if candidates and rng.random() < _VAGUE_SHARE else None


def _thing(topic: str) -> str:
    return _LEADING_WORD.sub("", topic)


def _number(count: int) -> str:
    return _NUMBERS[count - 1] if 1 <= count <= len(_NUMBERS) else str(count)


def _data(series: Series, figures: Figures) -> str:
    parts = [
        f"{value} {figures.preposition} {label}" for label, value in zip(series.labels, series.values, strict=True)
    ]
    return f"{series.title} were {', '.join(parts[:-1])} and {parts[-1]}"
