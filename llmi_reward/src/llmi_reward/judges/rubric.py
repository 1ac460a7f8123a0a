"""Rubrics: what a judge is asked, in a versioned TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Self

from llmi_schema import ConfigurationError

LOWEST, HIGHEST = 1, 5


@dataclass(frozen=True, slots=True)
class Criterion:
    """One question, answered with 1 to 5; `scale` describes the five marks from the lowest."""

    name: str
    question: str
    scale: tuple[str, ...] = ()
    weight: float = 1.0


@dataclass(frozen=True, slots=True, repr=False)
class Rubric:
    """What a judge is asked.

    ```toml
    name = "tone"
    version = 1
    task = "You judge the tone of a text."

    [[criteria]]
    name = "warmth"
    weight = 1.0
    question = "Is the text friendly?"
    scale = ["hostile", "cold", "neutral", "friendly", "warm"]
    ```

    Criteria are asked for in their order; their weights make one value of the marks. The wording is part of every
    request, so a journal never mixes up two versions.
    """

    name: str
    version: int
    task: str
    criteria: tuple[Criterion, ...]

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a rubric file. Raises `ConfigurationError` that says what is wrong with it."""
        try:
            return cls._read(Path(path).read_text(encoding="utf-8"), str(path))
        except OSError as error:
            raise ConfigurationError(f"the rubric {path} cannot be read: {error}") from error

    @staticmethod
    def shipped(name: str) -> Rubric:
        """One of the rubrics of this package: "llm", "mllm" or "pairwise"."""
        return _shipped(name)

    def weighted(self, **weights: float) -> Self:
        """The same rubric with other weights: `Rubric.shipped("llm").weighted(text=1.5, image=0.5)`."""
        if unknown := weights.keys() - {c.name for c in self.criteria}:
            raise ConfigurationError(f"the rubric {self} has no criterion {', '.join(sorted(unknown))}")
        changed = (replace(c, weight=weights.get(c.name, c.weight)) for c in self.criteria)
        return replace(self, criteria=tuple(changed))._checked(str(self))

    def value(self, marks: Mapping[str, float]) -> float:
        """The weighted mean of the marks, brought from 1..5 to 0..1."""
        total = 0.0
        weight = 0.0
        for criterion in self.criteria:
            total += criterion.weight * marks[criterion.name]
            weight += criterion.weight
        return (total / weight - 1) / 4

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"

    def __repr__(self) -> str:
        return f"Rubric({str(self)!r})"

    @classmethod
    def _read(cls, text: str, where: str) -> Self:
        try:
            content = tomllib.loads(text)
            criteria = tuple(_criterion(entry) for entry in content.pop("criteria"))
            rubric = cls(criteria=criteria, **content)
        except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
            raise ConfigurationError(
                f"the rubric {where} is not in order ({error}): it has name, version, task and [[criteria]] "
                "with name, question, and optionally scale and weight"
            ) from error
        return rubric._checked(where)

    def _checked(self, where: str) -> Self:
        names = [c.name for c in self.criteria]
        problems = [
            (not names, "has no criteria"),
            (len(set(names)) < len(names), "has two criteria of one name"),
            (not all(name.isidentifier() for name in names), "has a criterion whose name is no plain word"),
            (any(len(c.scale) not in (0, HIGHEST) for c in self.criteria), "has a scale without exactly five marks"),
            (any(c.weight < 0 for c in self.criteria), "has a negative weight"),
            (not sum(c.weight for c in self.criteria) > 0, "has no positive weight"),
        ]
        for wrong, what in problems:
            if wrong:
                raise ConfigurationError(f"the rubric {where} {what}")
        return self


def _criterion(entry: Mapping[str, Any]) -> Criterion:
    return Criterion(**{**entry, "scale": tuple(entry.get("scale", ())), "weight": float(entry.get("weight", 1.0))})


@cache
def _shipped(name: str) -> Rubric:
    folder = files("llmi_reward.judges") / "rubrics"
    names = sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))
    if name not in names:
        raise ConfigurationError(f"there is no rubric {name!r} in this package, only {', '.join(names)}")
    return Rubric._read((folder / f"{name}.toml").read_text(encoding="utf-8"), name)
