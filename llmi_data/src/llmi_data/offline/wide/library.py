"""The data files read: `scenarios/<domain>.yaml` and `wordings/*.yaml`.

A scenario is three lines of a domain's file, under `scenarios` for training rows or `held_out` for test rows:

    - about: the Panama Canal; how its locks lift a ship; who dug it
      imagine: ships climbing a staircase of waterfalls
      figures: tickets sold for our canal evening; months; 40-300

`about` is a thing of this name that exists and can be seen, then two indirect questions about it. `figures` is what the
user counted, its labels (one by one, or `months`, `years`, `quarters`, `weekdays`, `seasons`) and the range of its
whole numbers. `person: true` marks people.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from llmi_data.offline.wordings import Wordings, wordings
from llmi_data.row import Side

DOMAINS = (
    *("architecture", "arts", "business", "cooking", "crafts", "education", "engineering", "environment", "farming"),
    *("health", "history", "law", "music", "science", "space", "sports", "transport", "travel", "wildlife"),
)

SEQUENCES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "months": (
        "in",
        (
            *("January", "February", "March", "April", "May", "June", "July"),
            *("August", "September", "October", "November", "December"),
        ),
    ),
    "years": ("in", tuple(str(year) for year in range(2017, 2027))),
    "quarters": ("in", ("the first quarter", "the second quarter", "the third quarter", "the last quarter")),
    "weekdays": ("on", ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")),
    "seasons": ("in", ("spring", "summer", "autumn", "winter")),
}
"""Labels that follow one another, and what stands before one of them: 120 in March."""


@dataclass(frozen=True)
class Figures:
    """What was counted, between which whole numbers, under which labels.

    `sequence` names the labels' entry in `SEQUENCES`; None where they were listed one by one.
    """

    title: str
    labels: tuple[str, ...]
    low: int
    high: int
    sequence: str | None


@dataclass(frozen=True)
class Subject:
    """A scenario: one thing, what may be asked about it, what may be imagined, and figures."""

    name: str
    angles: tuple[str, ...]
    imagine: str
    figures: Figures
    person: bool


@dataclass(frozen=True)
class Domain:
    """A field: its subjects by side, who its readers are, which drawings its users attach, what they ask for."""

    name: str
    audiences: tuple[str, ...]
    drawings: tuple[str, ...]
    asks: Wordings
    train: tuple[Subject, ...]
    test: tuple[Subject, ...]

    def on(self, side: Side) -> tuple[Subject, ...]:
        return self.train if side == "train" else self.test


@cache
def domain(name: str) -> Domain:
    """One of `DOMAINS`, read from its file."""
    value = _yaml("scenarios", name)
    return Domain(
        name=name,
        audiences=_items(value["audiences"]),
        drawings=_items(value["drawings"]),
        asks=_of(f"ask/{name}", value["asks"]),
        train=tuple(map(_subject, value["scenarios"])),
        test=tuple(map(_subject, value["held_out"])),
    )


def subjects(side: Side) -> tuple[Subject, ...]:
    """Those of every domain."""
    return tuple(subject for name in DOMAINS for subject in domain(name).on(side))


@cache
def said(name: str) -> Mapping[str, Wordings]:
    """The wordings of one file, by their purpose."""
    return {purpose: _of(f"wide {name}/{purpose}", value) for purpose, value in _yaml("wordings", name).items()}


def _of(purpose: str, value: Mapping[str, str]) -> Wordings:
    return wordings(purpose, value["train"], value["held_out"])


def _subject(value: Mapping[str, Any]) -> Subject:
    name, *angles = _items(value["about"])
    title, labels, between = _items(value["figures"])
    low, high = map(int, between.split("-"))
    sequence = labels if labels in SEQUENCES else None
    listed = SEQUENCES[labels][1] if sequence else tuple(label.strip() for label in labels.split(","))
    figures = Figures(title, listed, low, high, sequence)
    return Subject(name, tuple(angles), value["imagine"], figures, value.get("person", False))


def _items(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split(";"))


def _yaml(folder: str, name: str) -> Any:
    import yaml

    text = files("llmi_data.offline.wide").joinpath(folder, f"{name}.yaml").read_text(encoding="utf-8")
    return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe loaders
