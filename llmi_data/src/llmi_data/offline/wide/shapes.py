"""Exact figures as people write them into a prompt: within a sentence, or as a block below it."""

from __future__ import annotations

import random

from llmi_data.offline.wide.library import SEQUENCES, Figures
from llmi_data.scenario import Series


def series(figures: Figures, rng: random.Random) -> Series:
    """Draw the figures: of labels that follow one another a stretch, of others all, in any order."""
    labels = figures.labels
    if figures.sequence is None:
        labels = tuple(rng.sample(labels, len(labels)))
    elif len(labels) > 4:
        length = rng.randint(4, min(8, len(labels)))
        start = len(labels) - length if figures.sequence == "years" else rng.randint(0, len(labels) - length)
        labels = labels[start : start + length]
    values = tuple(rng.randint(figures.low, figures.high) for _ in labels)
    return Series(title=figures.title, labels=labels, values=values)


def inline(series: Series, sequence: str | None, rng: random.Random) -> str:
    """The figures in a sentence, without their title."""
    pairs = list(zip(series.labels, series.values, strict=True))
    before = SEQUENCES[sequence][0] if sequence else ""
    shapes = [
        _joined([f"{label} {value}" for label, value in pairs]) if sequence != "years" else "",
        _joined([f"{value} ({label})" for label, value in pairs]),
        ", ".join(f"{label} = {value}" for label, value in pairs),
        _joined([f"{value} {before} {label}" for label, value in pairs]) if before else "",
        f"{', '.join(str(value) for _, value in pairs)} from {pairs[0][0]} to {pairs[-1][0]}" if before else "",
    ]
    return rng.choice([shape for shape in shapes if shape])


def table(series: Series, rng: random.Random) -> str:
    """The figures as a block of lines under their title."""
    pairs = list(zip(series.labels, series.values, strict=True))
    match rng.choice(("list", "Markdown", "comma-separated", "aligned")):
        case "list":
            return "\n".join((f"{_heading(series)}:", *(f"- {label}: {value}" for label, value in pairs)))
        case "Markdown":
            head = (f"| | {series.title} |", "|---|---|")
            return "\n".join((*head, *(f"| {label} | {value} |" for label, value in pairs)))
        case "comma-separated":
            # A title with a comma in it would be two columns.
            title = f'"{series.title}"' if "," in series.title else series.title
            return "\n".join((f"entry,{title}", *(f"{label},{value}" for label, value in pairs)))
        case _:
            width = max(len(label) for label in series.labels)
            return "\n".join((_heading(series), *(f"{label:<{width}}  {value}" for label, value in pairs)))


def _heading(series: Series) -> str:
    return series.title[0].upper() + series.title[1:]


def _joined(parts: list[str]) -> str:
    return f"{', '.join(parts[:-1])} and {parts[-1]}"
