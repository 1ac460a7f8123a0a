"""Texts as words: what two prompts are compared by."""

from __future__ import annotations

import hashlib
import re
import unicodedata

# Scripts written without spaces are compared sign by sign; everything else by the word.
_WORD = re.compile(
    r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\W\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+"
)
_DIGITS = re.compile(r"\d+")
_ARTICLES = frozenset(("a", "an", "the", "our", "my", "your"))


def words(text: str) -> list[str]:
    """The words in order, in one case and one Unicode form, without punctuation.

    Chinese, Japanese and Thai are taken sign by sign.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return _WORD.findall(text.casefold())


def grams(tokens: list[str], n: int) -> list[str]:
    """Runs of n words; for a shorter text the whole of it."""
    if n == 1 or not tokens:
        return tokens
    return [" ".join(tokens[i : i + n]) for i in range(max(1, len(tokens) - n + 1))]


def masked(text: str) -> str:
    """The text with every figure replaced by 0."""
    return _DIGITS.sub("0", text)


def subject(topic: str) -> str:
    """A topic without its articles: "the old lighthouse" and "old lighthouse" are one subject."""
    return " ".join(word for word in words(topic) if word not in _ARTICLES)


def key(*parts: str | bytes) -> int:
    """64 bits that stand for the parts in their order. Never 0, which is free to mean that there are none."""
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little") + data)
    return int.from_bytes(digest.digest(), "little") or 1
