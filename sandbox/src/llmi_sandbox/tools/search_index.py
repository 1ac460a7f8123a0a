"""The full-text index behind `LocalSearch`: SQLite, in memory.

Words are stemmed, accents ignored, results ranked by bm25. Other words for the query's (`thesaurus.py`) count too, for
less, so that "hound" finds a dog. When all that finds nothing, words of nearly the same letters do: a misspelt query
still finds its picture.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from PIL import Image

from llmi_sandbox.tools.thesaurus import others

_FILLERS = frozenset(
    re.findall(
        r"\w+",
        """a an and are as at be by for from in into is it its near next of off on onto or over s that the their this to
        under up upon very was with without some one two image images photo photos photograph photographs picture
        pictures pic illustration drawing depicting showing shows show displaying featuring view shot scene close
        closeup beautiful famous typical real high quality resolution detailed""",
    )
)
"""Words that say nothing about the subject: a query made of them alone finds nothing."""

_SYNONYM = 0.6  # what a match by another word is worth
_CONSIDERED = 100  # matches that are ranked
_SHORTEST_MISSPELT = 5  # letters
_ALIKE = 0.75  # share of two words' letters that must be common, in order, for one to be the other misspelt


@dataclass(frozen=True, slots=True)
class Captioned:
    """One picture that can be found; `load` decodes it when it is needed."""

    name: str
    caption: str
    load: Callable[[], Image.Image]
    keywords: str = ""
    licence: str | None = None
    attribution: str | None = None
    source_url: str | None = None


class CaptionIndex:
    """Finds pictures by their captions and keywords, from any thread.

    Args:
        pictures: what can be found.
        synonyms: False leaves the query's words as they are.
    """

    def __init__(self, pictures: Sequence[Captioned], *, synonyms: bool = True) -> None:
        self._pictures = pictures
        self._synonyms = synonyms
        self._lock = threading.Lock()
        self._database = sqlite3.connect(":memory:", check_same_thread=False)
        rows = [(row, picture.caption, picture.keywords) for row, picture in enumerate(pictures)]
        for table, tokenizer in (("captions", "porter unicode61 remove_diacritics 2"), ("letters", "trigram")):
            self._database.execute(
                f"CREATE VIRTUAL TABLE {table} USING fts5(caption, keywords, tokenize='{tokenizer}')"
            )
            self._database.executemany(f"INSERT INTO {table}(rowid, caption, keywords) VALUES (?, ?, ?)", rows)  # noqa: S608
        content = [[p.name, p.caption, p.keywords, p.licence, p.attribution, p.source_url] for p in pictures]
        self.digest = hashlib.sha256(json.dumps([synonyms, content]).encode()).hexdigest()[:16]

    def find(self, query: str, limit: int) -> list[Captioned]:
        """The best matches, best first."""
        spoken = [word for word in re.findall(r"\w+", query.lower()) if word not in _FILLERS]
        if not spoken:
            return []
        words = list(dict.fromkeys(spoken))
        scores = self._matches("captions", words)
        if self._synonyms and (similar := others(spoken)):
            for row, score in self._matches("captions", similar).items():
                scores[row] = scores.get(row, 0.0) + _SYNONYM * score
        if not scores:
            scores = self._misspelt(words)
        best = sorted(scores, key=lambda row: (-scores[row], row))[:limit]
        return [self._pictures[row] for row in best]

    def _matches(self, table: str, terms: Sequence[str]) -> dict[int, float]:
        """Rows that hold any of the terms, and how well."""
        # quoted, each term is matched as itself: a query cannot hold full-text operators
        match = " OR ".join(f'"{term}"' for term in terms)
        with self._lock:
            rows = self._database.execute(
                f"SELECT rowid, -bm25({table}, 3.0, 1.0) AS score FROM {table} "  # noqa: S608 - the table is ours
                f"WHERE {table} MATCH ? ORDER BY score DESC, rowid LIMIT {_CONSIDERED}",
                (match,),
            ).fetchall()
        return dict(rows)

    def _misspelt(self, words: Sequence[str]) -> dict[int, float]:
        """Rows with words that share most of their letters with one of the query's."""
        found: dict[int, float] = {}
        for word in words:
            if len(word) < _SHORTEST_MISSPELT:
                continue
            triples = {word[i : i + 3] for i in range(len(word) - 2)}
            for row in self._matches("letters", sorted(triples)):
                picture = self._pictures[row]
                for other in re.findall(r"\w+", f"{picture.caption} {picture.keywords}".lower()):
                    alike = SequenceMatcher(None, word, other, autojunk=False).ratio()
                    if alike >= _ALIKE:
                        found[row] = max(found.get(row, 0.0), alike)
        return found
