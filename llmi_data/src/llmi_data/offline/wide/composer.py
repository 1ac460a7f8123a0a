"""Composes wide rows: domain x subject x genre x figures' shape x wordings, each row from its own seed."""

from __future__ import annotations

import random
import re

from llmi_data.offline.drawings import PALETTES, draw
from llmi_data.offline.wide.library import DOMAINS, Domain, Subject, domain, said
from llmi_data.offline.wide.shapes import inline, series, table
from llmi_data.offline.wordings import Wording, Wordings
from llmi_data.plan import Assignment
from llmi_data.row import Message, Origin, Row, Side
from llmi_data.scenario import Scenario

_UNSAID_SHARE = 0.4  # where any number of pictures will do, people often say nothing about it
_BOTH_ANGLES, _DOMAIN_ASK, _BLOCK_SHARE = 0.3, 0.5, 0.45
_FACTS = 6  # alternatives a scenario carries of each kind
_WHEN = ("at dawn", "in heavy snow", "seen from high above", "by lantern light", "a hundred years on", "in a storm")
_NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_NOUNS = (("picture", "pictures"), ("image", "images"), ("illustration", "illustrations"), ("visual", "visuals"))
_OWN_NOUNS = ("picture", "image", "illustration", "drawing")
_ARTICLE = re.compile(r"\b([Aa]) (?=image|illustration)")
_LEADING_WORD = re.compile(r"^(?:the|a|an) ", re.IGNORECASE)


def compose(assignment: Assignment, seed: int, attempt: int = 0) -> Row:
    """One row from its own seed: the same arguments give the same row, whatever was composed before it."""
    a = assignment
    rng = random.Random(f"wide/{seed}/{a.count}/{'+'.join(a.tools)}/{a.side}/{a.domain}/{a.number}/{attempt}")
    field = domain(a.domain or rng.choice(DOMAINS))
    subject = rng.choice(field.on(a.side))
    scenario = _scenario(field, subject, a.side, rng)
    drawn = rng.choice(field.drawings)
    say = _Sayer(a.side, rng)

    block = "code" in a.tools and rng.random() < _BLOCK_SHARE
    slots = {
        "subject": subject.name,
        "thing": _LEADING_WORD.sub("", subject.name),
        "angle": scenario.angle,
        "audience": rng.choice(field.audiences),
        "scene": subject.imagine,
        "title": scenario.series.title,
        "title_": _capital(scenario.series.title),
        "data": inline(scenario.series, subject.figures.sequence, rng),
        "drawn": f"an {drawn}" if drawn[0] in "aeiou" else f"a {drawn}",
        "change": say.pick(said("changes")[scenario.edits[0]]).text if "edit" in a.tools else "",
        "n": _number(a.count, rng),
        "own": rng.choice(_OWN_NOUNS),
        # Only what follows one another has a trend.
        "trend": "trend" if subject.figures.sequence else "order from highest to lowest",
        "vary": "change" if subject.figures.sequence else "compare",
    }
    opening = say(rng.choice(list(said("openings").values())), slots)
    wanted = [say(said("needs")[_purpose(tool, subject, block)], slots) for tool in a.tools]
    if counted := _count(a.count, rng):
        wanted.append(say(counted, slots, plural=a.count != 1))
    rng.shuffle(wanted)
    manner = [
        say(said("details")[kind], slots) for kind in rng.sample(("use", "shape", "manner"), rng.choice((0, 1, 1, 2)))
    ]
    if rng.random() < _DOMAIN_ASK:
        manner.append(say(field.asks, slots))

    text = _laid_out(opening, wanted, manner, rng)
    if block:
        text += "\n\n" + table(scenario.series, rng)
    return Row(
        prompt=(Message(role="user", content=text),),
        images=(draw(drawn, rng.randrange(len(PALETTES))),) if "edit" in a.tools else (),
        image_count=a.count,
        required_tools=a.tools,
        provenance=Origin(
            generator="offline",
            seed=seed,
            side=a.side,
            family=f"{field.name}/{subject.name}",
            topic=subject.name,
            wordings=tuple(wording.id for wording in say.used),
            scenario=scenario,
            domain=field.name,
        ),
    )


class _Sayer:
    """Picks wordings of one side, fills them in, and remembers them."""

    def __init__(self, side: Side, rng: random.Random) -> None:
        self.side = side
        self.rng = rng
        self.used: list[Wording] = []

    def pick(self, wordings: Wordings) -> Wording:
        wording = self.rng.choice(wordings.on(self.side))
        self.used.append(wording)
        return wording

    def __call__(self, wordings: Wordings, slots: dict[str, str], plural: bool = True) -> str:
        one, many = self.rng.choice(_NOUNS)
        many = many if plural else one
        nouns = {"picture": one, "pictures": many, "Pictures": _capital(many), "N": _capital(slots["n"])}
        sentence = self.pick(wordings).text.format(**slots, **nouns)
        return _capital(_ARTICLE.sub(r"\1n ", sentence))


def _scenario(field: Domain, subject: Subject, side: Side, rng: random.Random) -> Scenario:
    others = [other.name for other in field.on(side) if other != subject]
    angle = " and ".join(subject.angles) if rng.random() < _BOTH_ANGLES else rng.choice(subject.angles)
    return Scenario(
        topic=subject.name,
        angle=angle,
        queries=tuple(_LEADING_WORD.sub("", name) for name in (subject.name, *rng.sample(others, len(others))))[
            :_FACTS
        ],
        scenes=(subject.imagine, *(f"{subject.imagine}, {when}" for when in rng.sample(_WHEN, _FACTS - 1))),
        series=series(subject.figures, rng),
        edits=tuple(rng.sample(sorted(said("changes")), _FACTS)),
    )


def _purpose(tool: str, subject: Subject, block: bool) -> str:
    """Which group of wordings asks for a tool."""
    match tool:
        case "search" if subject.person:
            return "person"
        case "code":
            return "code block" if block else "code inline"
        case _:
            return tool


def _count(count: int, rng: random.Random) -> Wordings | None:
    counts = said("counts")
    match count:
        case -1:
            return counts["none"]
        case 0:
            return None if rng.random() < _UNSAID_SHARE else counts["any"]
        case 99:
            return counts["at least one"]
        case _:
            return counts["exactly"]


def _laid_out(opening: str, wanted: list[str], manner: list[str], rng: random.Random) -> str:
    """The sentences as people set them down: in one go, in paragraphs, or as a list."""
    match rng.choice(("prose", "prose", "manner first", "paragraphs", "list")):
        case "list" if len(wanted) + len(manner) > 1:
            return "\n".join((opening, "", *(f"- {sentence}" for sentence in [*wanted, *manner])))
        case "paragraphs":
            return "\n\n".join(filter(None, (opening, " ".join(wanted), " ".join(manner))))
        case "manner first":
            return " ".join((opening, *manner, *wanted))
        case _:
            return " ".join((opening, *wanted, *manner))


def _number(count: int, rng: random.Random) -> str:
    return rng.choice((_NUMBERS[count - 1], str(count))) if 1 <= count <= len(_NUMBERS) else str(count)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
