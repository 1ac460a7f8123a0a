"""How formulas are written down: labels of contributions, digits of numbers."""

from __future__ import annotations

from collections.abc import Sequence


def distinct(labels: list[str]) -> tuple[tuple[str, ...], list[int]]:
    """The labels without repetition, and where each one given is among them."""
    found = {label: place for place, label in enumerate(dict.fromkeys(labels))}
    return tuple(found), [found[label] for label in labels]


def gather(shares: Sequence[float], places: Sequence[int]) -> Sequence[float]:
    """Shares of equal labels added up."""
    total = [0.0] * (max(places) + 1)
    for share, place in zip(shares, places, strict=True):
        total[place] += share
    return total


def join(a: str, b: str) -> str:
    """The label of a product of two contributions; "1" is a constant's."""
    return b if a == "1" else a if b == "1" else f"{a}*{b}"


def digits(value: float) -> str:
    """As short as it can be written without becoming another number."""
    short = f"{value:g}"
    return short if float(short) == value else repr(value)
