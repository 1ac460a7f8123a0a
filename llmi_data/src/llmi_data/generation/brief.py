"""From an assignment to the messages that ask a model for it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from llmi_data.generation.ingredients import Ingredients, draw
from llmi_data.generation.pictures import Pictures
from llmi_data.plan import Assignment
from llmi_data.wording import fill, version, ways
from llmi_schema import DEFAULT_LANGUAGE, ImageCount

if TYPE_CHECKING:
    from llmi_schema import Picture

HERE = "llmi_data.generation"

_ORDER = {
    "search": "the reader must get to see how one particular real thing, which you name, truly looks; an imagined view "
    "of it would not do",
    "diffusion": "the reader must get to see a scene that is made up and exists nowhere; describe it in the request",
    "code": "the request states at least three exact figures with what they stand for, and the reader must be able to "
    "compare them at a glance or see how they change",
}
_OWN_CHANGED = (
    "one of the user's attached pictures must appear in the text, changed in a definite way that keeps its subject: "
    "the request says which picture it is by what it shows, and what becomes of it"
)
_EARLIER_CHANGED = (
    "one picture of the text must appear a second time, changed in a definite way that keeps its subject; the request "
    "says what becomes of it"
)
_NUMBER = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def prepared(
    assignment: Assignment, seed: int, pictures: Pictures | None = None
) -> tuple[Ingredients, tuple[Picture, ...]]:
    """What a row is composed around, and the pictures its user attaches: drawings unless others are given.

    It follows from the assignment and the seed alone. Raises `InputPictureError` where there are no pictures to attach.
    """
    rng = random.Random(f"{seed}/{assignment}")
    ingredients = draw(assignment, rng)
    if assignment.modality == "text":
        return ingredients, ()
    return ingredients, (pictures or Pictures.drawn()).pick(assignment.side, rng)


def instructions(assignment: Assignment, pictures: int) -> str:
    """The system prompt: it differs with the form of the answer alone, so that servers can keep it in their cache."""
    fields = ""
    if assignment.tools:
        names = ", ".join(f'"{tool}"' for tool in assignment.tools)
        fields = (
            f'- "needs": an object with the keys {names}: for each, the words of the request that make it unavoidable, '
            "copied letter by letter"
        )
        if "edit" in assignment.tools and pictures:
            fields += '; and "picture": which of the user\'s pictures is to be changed, counted from 0'
        fields += "."
    return fill(HERE, "write", ways=ways(), fields=fields)


def brief(assignment: Assignment, ingredients: Ingredients, pictures: int) -> str:
    """What is wanted of this one request."""
    others = [tool for tool in DEFAULT_LANGUAGE.tools if tool not in assignment.tools]
    return fill(
        HERE,
        "brief",
        number=str(assignment.number + 1),
        language=assignment.language,
        domain=ingredients.domain,
        occasion=ingredients.occasion,
        voice=ingredients.voice,
        count=_count(assignment.count),
        needs="\n".join(f"- {tool}: {_order(tool, pictures)}" for tool in assignment.tools)
        or "- nothing: words alone would do, as far as the subject goes",
        others=", ".join(others) or "nothing is left out",
        pictures=_attached(pictures),
    )


def messages(assignment: Assignment, ingredients: Ingredients, pictures: Sequence[Picture]) -> list[dict[str, Any]]:
    """Chat messages that ask for one row."""
    from llmi_reward.chat import picture_part, text_part

    text = brief(assignment, ingredients, len(pictures))
    content: Any = text
    if pictures:
        content = [text_part(text)]
        for number, picture in enumerate(pictures):
            content += [text_part(f"Picture {number}:"), picture_part(picture)]
    return [
        {"role": "system", "content": instructions(assignment, len(pictures))},
        {"role": "user", "content": content},
    ]


def briefs_version() -> str:
    """Changes with the instructions; kept with every row."""
    return version(HERE, "write", "brief")


def _order(tool: str, pictures: int) -> str:
    if tool == "edit":
        return _OWN_CHANGED if pictures else _EARLIER_CHANGED
    return _ORDER.get(tool, "it must be unavoidable")


def _count(code: int) -> str:
    match ImageCount.decode(code):
        case count if count == ImageCount.none():
            return "the request says plainly that the text must hold no pictures"
        case count if count == ImageCount.any():
            return "the request says nothing about the number of pictures, or says that it is up to the writer"
        case count if count == ImageCount.at_least_one():
            return "the request says that at least one picture is wanted, and that there may be more"
        case _:
            spelled = f"{_NUMBER[code]} ({code})" if code < len(_NUMBER) else str(code)
            plural = "picture is" if code == 1 else "pictures are"
            return f"the request says plainly that exactly {spelled} {plural} wanted in all"


def _attached(pictures: int) -> str:
    if not pictures:
        return "none; the request does not speak of any"
    many = "one picture is attached" if pictures == 1 else f"{pictures} pictures are attached, numbered from 0"
    return (
        f"{many}, shown below; the request speaks of {'it' if pictures == 1 else 'them'} as attached, by what is seen"
    )
