"""Does local search find a picture by words that its caption does not use?

    python benchmarks/search_recall.py

One hundred queries for the fifty drawings of the offline gallery, two for each; none of them shares a content word with
the caption it looks for (checked when this runs). Measured three ways: by captions alone without synonyms, by captions
alone with them, and as the gallery is, with keywords. Who wrote the queries knew the captions and the gallery's
keywords, so that the last figure flatters; the first two say what a folder of your own captions gains.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

from results import record, show

from llmi_sandbox import gallery
from llmi_sandbox.tools.search_index import Captioned, CaptionIndex

QUERIES = Path(__file__).parents[1] / "tests" / "sandbox" / "paraphrases.json"
_SMALL = {"a", "an", "the", "of", "in", "on", "at", "for", "with", "and", "to", "it", "by", "over", "our"}


def words(text: str) -> set[str]:
    return {word.rstrip("s") for word in re.findall(r"\w+", text.lower())} - _SMALL


def recall(index: CaptionIndex, queries: dict[str, list[str]], at: int) -> float:
    """The share of queries whose picture is among the first `at` results."""
    wanted = [(name, query) for name, asked in queries.items() for query in asked]
    found = sum(any(hit.name.split()[0] == name for hit in index.find(query, at)) for name, query in wanted)
    return found / len(wanted)


def indexes() -> dict[str, CaptionIndex]:
    pictures = gallery()
    bare: list[Captioned] = [replace(picture, keywords="") for picture in pictures]
    return {
        "captions alone": CaptionIndex(bare, synonyms=False),
        "captions and synonyms": CaptionIndex(bare),
        "captions, keywords and synonyms": CaptionIndex(pictures),
    }


def main() -> None:
    queries: dict[str, list[str]] = json.loads(QUERIES.read_text())
    captions = {picture.name.split()[0]: picture.caption for picture in gallery()}
    shared = {query: words(query) & words(captions[name]) for name, asked in queries.items() for query in asked}
    if borrowed := {query: common for query, common in shared.items() if common}:
        raise SystemExit(f"these queries use their caption's own words: {borrowed}")
    rows = [[name, recall(index, queries, 1), recall(index, queries, 5)] for name, index in indexes().items()]
    show("100 paraphrased queries, 50 pictures", ["", "recall@1", "recall@5"], rows)
    print(record("search-recall", {name: {"at 1": one, "at 5": five} for name, one, five in rows}))


if __name__ == "__main__":
    main()
