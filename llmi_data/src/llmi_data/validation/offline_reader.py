"""A rule-based blind reader: lexicon and number words, no model and no network.

It knows English, not the offline generator: it imports nothing of it and is given a `Question` alone. It is a
stand-in for a second model, good at plainly put prompts; what it cannot settle it calls unclear.
"""

from __future__ import annotations

import re

from llmi_data.row import Question, Reading
from llmi_data.validation.reader import UnclearError
from llmi_schema import ImageCount


class OfflineReader:
    """Reads count and tools from the prompt's words and from whether pictures are attached."""

    name = "offline-rules-1"

    def read(self, question: Question) -> Reading:
        """What the question asks for. Raises `UnclearError` when it asks for two different things."""
        text, own = _mark_own_pictures(question.text.lower())
        if own and not question.pictures:
            raise UnclearError("it speaks of a picture the user gave, but none is attached")
        count, note = _count(text)
        tools = _tools(text, question)
        if count == ImageCount.none() and tools:
            raise UnclearError(f"it wants no pictures and yet something to see ({', '.join(sorted(tools))})")
        return Reading(image_count=count.encode(), required_tools=tuple(tools), note=note)


def _phrases(*patterns: str) -> re.Pattern[str]:
    """Any of the patterns, as whole words."""
    return re.compile("|".join(rf"\b(?:{pattern})\b" for pattern in patterns))


_PICTURE = "(?:pictures?|images?|illustrations?|photos?|photographs?|drawings?|visuals?)"
_GIVEN = "(?:attached|enclosed|given|supplied|provided|uploaded|sent|included here)"
_OWN = _phrases(
    rf"(?:(?:my|our|own|the|this|that|an?) )*{_GIVEN} {_PICTURE}",
    rf"(?:the|my|this|that|our)(?: own)? {_PICTURE} (?:that )?(?:(?:i|we) )?(?:(?:have|had|has been|was|is) )?"
    rf"(?:{_GIVEN}|gave|upload|attach)",
    rf"(?:i|we)(?: have|'ve)? {_GIVEN} (?:an?|my|our|the) {_PICTURE}",
    rf"{_PICTURE} of (?:mine|ours)",
)
_OWN_MARK = "«own»"

_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_VALUES = {word: value for value, word in enumerate(_WORDS, 1)} | {
    "single": 1,
    "pair of": 2,
    "couple of": 2,
    "duo of": 2,
    "trio of": 3,
    "triptych of": 3,
    "quartet of": 4,
    "quintet of": 5,
    "half a dozen": 6,
    "dozen": 12,
}
_NUMBER = rf"(?:{'|'.join(sorted(_VALUES, key=len, reverse=True))}|\d{{1,4}})"
_COUNTED = re.compile(
    rf"\b(?P<number>{_NUMBER}) (?:(?:different|distinct|separate|good|clear|small|fine) )*{_PICTURE}\b"
)
_ROUGHLY = _phrases(
    rf"(?:about|around|roughly|perhaps|maybe|approximately|some|up to|at most) {_NUMBER}",
    rf"{_PICTURE} (?:or so|more or less|or two)",
)
_AT_LEAST = _phrases(
    "at least (?:an?|one)",
    "one (?:or more|or several)",
    rf"one {_PICTURE} or (?:more|several)",
    "minimum of one",
    "(?:no|not) (?:fewer|less) than one",
)
_NONE = _phrases(
    rf"(?:no|without|without any|without a|zero|not a single) (?:single |additional )?{_PICTURE}",
    rf"(?:do not|don't|never|must not) (?:use|add|include|want|need|show|put in|insert) (?:any |a )?{_PICTURE}",
    rf"(?:leave out|omit|skip|avoid) (?:any |all |the )?{_PICTURE}|leave (?:any |all |the )?{_PICTURE} out",
    rf"{_PICTURE} are (?:not wanted|unwanted|unwelcome)",
    "(?:words|text|prose) (?:only|alone)",
    "(?:only|just) (?:words|text|prose)",
    "plain text",
)
_ANY = _phrases(
    "if (?:it helps|they help|you (?:like|wish|want|please)|useful|needed)",
    "where they help|up to you|your choice|feel free|may be added|optional",
    "you (?:decide|choose|may|can)|for you to decide",
    "welcome|as many|as few|not (?:needed|required|necessary)",
)
_ABOUT_PICTURES = _phrases(_PICTURE, r"illustrat\w+")

_REAL = _phrases(
    "real(?:ly)?|truly|actual(?:ly)?|authentic",
    "true (?:view|likeness|face)",
    "as it (?:is|stands|looks)",
    "looks? like",
)
_SIGHT = _phrases("sees?|seen|shows?|shown|view|looks?|sight|appears?|visible")
_IMAGINED = _phrases(
    r"imagin\w+|dream(?:s|like|y|t)?|invent(?:ed|s)?|fantas\w+|fairy[- ]tale|make-believe|mythical",
    "(?:nobody|no one) has (?:ever )?seen",
    "as (?:if )?in a story",
)
_FIGURES = re.compile(r"(?<![\w.])\d[\d,.]*\b")
_COMPARE = _phrases(
    r"compar\w+|figures|numbers|trends?|highest|lowest", "at a glance", r"how [^.]* chang\w+", "side by side"
)
_CHANGE = _phrases(
    r"black and white|monochrome|gr[ae]yscale|sepia|colou?rs?|tint\w*|negative|invert\w*",
    r"bright\w*|dark\w*|lighter|blur\w*|sharp\w*",
    r"turned|rotat\w+|flip\w+|mirror\w*|on its side|upside down",
    r"crop\w*|trim\w*|border\w*|framed?|resized?|smaller|larger|remov\w+",
)


def _mark_own_pictures(text: str) -> tuple[str, bool]:
    """Put a mark where the user's own pictures are meant, so that they are not counted as wanted ones."""
    marked, times = _OWN.subn(_OWN_MARK, text)
    late = re.subn(rf"\bmy (?:own )?{_PICTURE} (?=is attached|is enclosed)", f"{_OWN_MARK} ", marked)
    return late[0], bool(times or late[1])


def _sentences(text: str, marks: str = ".!?") -> list[str]:
    return [s for s in re.split(rf"(?<=[{marks}])\s+|\n+", text) if s.strip()]


def _count(text: str) -> tuple[ImageCount, str]:
    """The one count the sentences agree on, and a note when it was put loosely."""
    found: dict[ImageCount, str] = {}
    loosely = ""
    for sentence in _sentences(text, ".!?;"):
        counted = _COUNTED.search(sentence)
        if _AT_LEAST.search(sentence):
            found.setdefault(ImageCount.at_least_one(), sentence)
        elif _NONE.search(sentence):
            found.setdefault(ImageCount.none(), sentence)
        elif counted and _ROUGHLY.search(sentence):
            loosely = f"puts the count loosely: {sentence.strip()}"
        elif counted:
            found.setdefault(_exactly(counted["number"]), sentence)
        elif _ABOUT_PICTURES.search(sentence) and _ANY.search(sentence):
            found.setdefault(ImageCount.any(), sentence)
    if len(found) > 1:
        raise UnclearError("it asks for different counts: " + " / ".join(s.strip() for s in found.values()))
    return next(iter(found), ImageCount.any()), loosely


def _exactly(number: str) -> ImageCount:
    value = _VALUES.get(number)
    if value is None:
        value = int(number)
    if value > 98:
        raise UnclearError(f"{value} pictures have no published code")
    return ImageCount.exactly(value) if value else ImageCount.none()


def _tools(text: str, question: Question) -> set[str]:
    tools: set[str] = set()
    for sentence in _sentences(text):
        if _IMAGINED.search(sentence):
            tools.add("diffusion")
        elif _REAL.search(sentence) and _SIGHT.search(sentence):
            tools.add("search")
        if question.pictures and _OWN_MARK in sentence and _CHANGE.search(sentence):
            tools.add("edit")
    if len(_FIGURES.findall(_COUNTED.sub(" ", text))) >= 3 and _COMPARE.search(text):
        tools.add("code")
    return tools
