"""What can be told of a text by its words alone: their order, their topic, which pictures they speak of."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise


def _list(text: str) -> list[str]:
    return text.split()


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_WORD = re.compile(r"[A-Za-z][A-Za-z'-]*|[0-9]+(?:\.[0-9]+)?")
_DETERMINERS = _set("a an the my your his her its our their this these those every each")
_PREPOSITIONS = _set("of in on at to for with from by into through about between as than")
_JOINING = _set("and or but so that which who")
_VERBS = _set("is are was were be has have will can should must do does")
_SMALL = _DETERMINERS | _PREPOSITIONS | _JOINING | _VERBS
_COMMON = _SMALL | _set(
    "it you we they i he she them us me here there not no one two three four five six all please write text piece "
    "picture pictures image images illustration illustrations show shows shown see let say tell people reader make "
    "first second third fourth fifth sixth follow follows exactly include what how when where why like real"
)
_ORDINALS = {word: i for i, word in enumerate(_list("first second third fourth fifth sixth"))}
NUMBERS = {word: i for i, word in enumerate(_list("no one two three four five six seven eight nine ten"))}

_KINDS: dict[str, str] = {
    "chart": r"figures?|numbers?|charts?|graphs?|plots?|data|statistics|compare|change[sd]? (?:is|are) easy",
    "scene": r"imagin\w+|invent\w*|dream\w*|fantas\w+|fairy tale|unreal|nobody has ever seen|tale",
    "real": r"real\w*|true view|as it (?:is|stands|looks)|looks today|in life|photo\w*",
    "changed": r"(?:my|your|attached|given|own) (?:\w+ )?(?:picture|image|illustration|photo)\w*|attached|changed",
}


def words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]


def content_words(text: str) -> set[str]:
    """Words that carry a topic, without plural endings."""
    return {_stem(word) for word in words(text) if len(word) > 2 and word not in _COMMON}


def kinds_of_pictures(text: str) -> set[str]:
    """Which kinds of pictures a text speaks of: `chart`, `scene`, `real`, `changed`."""
    lower = text.lower()
    return {kind for kind, pattern in _KINDS.items() if re.search(rf"\b(?:{pattern})\b", lower)}


def wants_no_picture(request: str) -> bool:
    pattern = r"no (?:picture|image|illustration)s?|without (?:any )?(?:picture|image|illustration)s?|words only"
    return re.search(rf"\b(?:{pattern}|text alone|leave out (?:all )?images)", request.lower()) is not None


def announced_pictures(text: str) -> int | None:
    """The number of pictures a text says it has, if it says one."""
    found = re.search(r"\b(no|one|two|three|four|five|six|seven|eight|nine|ten|\d+) pictures?\b", text.lower())
    if found is None:
        return None
    return NUMBERS.get(found[1]) if found[1] in NUMBERS else int(found[1])


def order(text: str) -> float:
    """How much the order of the words is that of English sentences, 0 to 1.

    Looks at what shuffling destroys: sentences begin with a capital and end after a word that can end one, small
    words stand before what they belong to, capitals stand at beginnings, ordinals count upwards.
    """
    right = wrong = 0
    for sentence in re.split(r"(?<=[.!?:])\s+", text.strip()):
        found = _WORD.findall(sentence)
        if not found:
            continue
        checks = [
            found[0][0].isupper() or found[0][0].isdigit(),
            sentence[-1] in ".!?:",
            found[-1].lower() not in _SMALL - _VERBS,
        ]
        lower = [word.lower() for word in found]
        checks += [_may_follow(a, b) for a, b in pairwise(lower) if a in _SMALL or b in _SMALL]
        checks += [False for word in found[1:] if word.lower() in _COMMON and word[0].isupper() and word != "I"]
        right += sum(checks)
        wrong += len(checks) - sum(checks)
    ordinals = [_ORDINALS[word] for word in words(text) if word in _ORDINALS]
    for a, b in pairwise(ordinals):
        right, wrong = (right + 1, wrong) if a < b else (right, wrong + 2)
    return right / (right + wrong) if right + wrong else 0.0


def variety(text: str) -> float:
    """The share of three-word runs that are not repeated; 1 for short texts."""
    found = words(text)
    runs = [tuple(found[i : i + 3]) for i in range(len(found) - 2)]
    return len(set(runs)) / len(runs) if runs else 1.0


def share(needed: Iterable[str], there: set[str]) -> float:
    """How much of what is needed is there; 1 where nothing is."""
    needed = set(needed)
    return len(needed & there) / len(needed) if needed else 1.0


def _may_follow(first: str, second: str) -> bool:
    if first in _DETERMINERS:
        return second not in _SMALL
    if first in _PREPOSITIONS:
        return second not in _PREPOSITIONS | _VERBS
    return not (first in _JOINING and second in _JOINING - {"that"})


def _stem(word: str) -> str:
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word
