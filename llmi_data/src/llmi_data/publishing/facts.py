"""`Facts`: what the card is written from, and what both its halves need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from llmi_data.publishing.figures import FIGURES
from llmi_data.publishing.funnel import Stage
from llmi_data.publishing.record import Record
from llmi_data.publishing.tables import Table
from llmi_data.row import Row
from llmi_data.summary import Summary

NOT_RECORDED = "not recorded"
_WIDTHS = {"cells": 640, "funnel": 720}  # pixels; the page is some 850 wide


@dataclass(frozen=True)
class Facts:
    """What the card is written from.

    Attributes:
        figures: names of the pictures that were drawn.
        examples: a row of each configuration, and the file its picture was written to.
        named: rows in which the rules find a tool named.
        about: the author's own words.
    """

    repo: str
    title: str
    licence: str | None
    rows: Sequence[Row]
    summary: Summary
    tables: Sequence[Table]
    stages: Sequence[Stage]
    record: Record
    named: int
    figures: frozenset[str] = frozenset()
    examples: Mapping[str, tuple[Row, str | None]] = field(default_factory=dict)
    about: str | None = None


def figure(facts: Facts, name: str, title: str) -> str:
    if name not in facts.figures:
        return ""
    return f'<img src="{FIGURES}/{name}.png" alt="{title}" width="{_WIDTHS.get(name, 820)}">'
