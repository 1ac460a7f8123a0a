"""`Curves`: what a run logged, by name and step."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmi_schema import ConfigurationError

LOG = "log.jsonl"


@dataclass(frozen=True)
class Curves:
    """Values per logged step.

    Attributes:
        steps: optimiser steps, growing.
        series: by name, one value per step; None where nothing was measured.
    """

    steps: tuple[int, ...]
    series: Mapping[str, tuple[float | None, ...]]

    @classmethod
    def of(cls, entries: Iterable[Mapping[str, Any]]) -> Curves:
        """From the trainer's log history. Of a step that was logged twice, as after a resume, the later one counts.

        The summary at the end of a run, which repeats means over all of it, and evaluations are left out.
        """
        by_step: dict[int, Mapping[str, Any]] = {}
        for number, entry in enumerate(entries, 1):
            if "train_runtime" not in entry and not any(key.startswith("eval_") for key in entry):
                by_step[int(entry.get("step", number))] = entry
        steps = tuple(sorted(by_step))
        names = dict.fromkeys(name for step in steps for name, value in by_step[step].items() if _is_number(value))
        names.pop("step", None)
        return cls(steps, {name: tuple(_number(by_step[step].get(name)) for step in steps) for name in names})

    def known(self, name: str) -> list[float]:
        """The values of a series that were measured, in order; none for a name that was never logged."""
        return [value for value in self.series.get(name, ()) if value is not None]

    def named(self, prefix: str, suffix: str = "") -> dict[str, tuple[float | None, ...]]:
        """All series between a prefix and a suffix, by what is between."""
        return {
            name[len(prefix) : len(name) - len(suffix)]: values
            for name, values in self.series.items()
            if name.startswith(prefix) and name.endswith(suffix) and len(name) > len(prefix) + len(suffix)
        }

    def __len__(self) -> int:
        return len(self.steps)


def read_curves(run: str | Path) -> Curves:
    """The curves of a run's folder, while it goes on or after. A last line that is being written is left out.

    Raises `ConfigurationError` when the folder holds no log.
    """
    path = Path(run) / LOG
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ConfigurationError(f"{path}: there is no log of a run ({error.strerror}); name its output_dir") from error
    entries = []
    for line in lines:
        try:
            entries.append(json.loads(line))
        except ValueError:
            continue
    return Curves.of(entry for entry in entries if isinstance(entry, dict))


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _number(value: Any) -> float | None:
    """A loss that is no number any more is kept as infinity, which charts leave out and advice does not."""
    if not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else math.inf
