"""How far a blind reader and the labels agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence

from pydantic import BaseModel, ConfigDict

from llmi_data.row import Reading


class Confusion(BaseModel):
    """How often rows labelled one way were read another."""

    model_config = ConfigDict(frozen=True)

    labelled: str
    read: str
    rows: int


class Agreement(BaseModel):
    """Shares are of the rows compared (None when there were none); kappa corrects them for chance (Cohen 1960).

    Kappa is None where it is undefined: nothing compared, or one value throughout.
    """

    model_config = ConfigDict(frozen=True)

    compared: int
    share: float | None
    count_share: float | None
    count_kappa: float | None
    tools_share: float | None
    tools_kappa: float | None
    count_confusion: tuple[Confusion, ...]
    tools_confusion: tuple[Confusion, ...]


def agreement(pairs: Iterable[tuple[Reading, Reading]]) -> Agreement:
    """Compare (label, reading) pairs."""
    pairs = list(pairs)
    counts = [(label.image_count, read.image_count) for label, read in pairs]
    tools = [(label.required_tools, read.required_tools) for label, read in pairs]
    both = [equal_count and equal_tools for equal_count, equal_tools in zip(_equal(counts), _equal(tools), strict=True)]
    return Agreement(
        compared=len(pairs),
        share=_share(both),
        count_share=_share(_equal(counts)),
        count_kappa=cohen_kappa(counts),
        tools_share=_share(_equal(tools)),
        tools_kappa=cohen_kappa(tools),
        count_confusion=_confusion(counts),
        tools_confusion=_confusion([(" + ".join(a) or "none", " + ".join(b) or "none") for a, b in tools]),
    )


def cohen_kappa(pairs: Sequence[tuple[Hashable, Hashable]]) -> float | None:
    """Agreement beyond chance: 1 is perfect, 0 is chance; None where chance alone would agree always."""
    if not pairs:
        return None
    n = len(pairs)
    observed = sum(a == b for a, b in pairs) / n
    first, second = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    chance = sum(first[value] * second[value] for value in first) / n**2
    return None if chance == 1 else (observed - chance) / (1 - chance)


def _equal(pairs: Sequence[tuple[Hashable, Hashable]]) -> list[bool]:
    return [a == b for a, b in pairs]


def _share(flags: Sequence[bool]) -> float | None:
    return sum(flags) / len(flags) if flags else None


def _confusion(pairs: Sequence[tuple[Hashable, Hashable]]) -> tuple[Confusion, ...]:
    table = Counter((str(a), str(b)) for a, b in pairs)
    return tuple(Confusion(labelled=a, read=b, rows=rows) for (a, b), rows in sorted(table.items()))
