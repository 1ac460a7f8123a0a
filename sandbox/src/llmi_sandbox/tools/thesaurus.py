"""Other words for the words of a query, from a small list of synonyms (`thesaurus.txt`)."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from importlib.resources import files
from itertools import pairwise


def stem(word: str) -> str:
    """A word without the ending of its plural, so that `cacti` aside most forms meet."""
    for ending, instead in (("ies", "y"), ("ches", "ch"), ("shes", "sh"), ("sses", "ss"), ("xes", "x")):
        if word.endswith(ending) and len(word) > len(ending) + 1:
            return word[: -len(ending)] + instead
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3 else word


def others(words: list[str]) -> list[str]:
    """Synonyms of the words and of pairs of neighbours, phrases included, without the words themselves."""
    groups = _groups()
    known = {stem(word) for word in words}
    found: dict[str, None] = {}
    pairs = [f"{first} {stem(second)}" for first, second in pairwise(words)]
    for term in [*map(stem, words), *pairs]:
        for group in groups.get(term, ()):
            found.update(dict.fromkeys(other for other in group if stem(other) not in known and other != term))
    return list(found)


@cache
def _groups() -> dict[str, list[tuple[str, ...]]]:
    groups: defaultdict[str, list[tuple[str, ...]]] = defaultdict(list)
    for line in files("llmi_sandbox.tools").joinpath("thesaurus.txt").read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            group = tuple(term.replace("_", " ") for term in line.split())
            for term in group:
                first, space, last = term.rpartition(" ")
                groups[f"{first}{space}{stem(last)}"].append(group)
    return dict(groups)
