"""How varied the offline generator is once numbers and names no longer tell rows apart.

    python benchmarks/data_variety.py --rows 6000

Every row is made anonymous, so that only its words speak:

- numbers: every run of digits, with its separators, and the words from zero to twelve become 0;
- names: the scenario's subject and everything it could be found by, the months and weekdays, and any word with a
  capital letter that does not open a sentence, a line or a list's item become NAME, neighbours as one;
- provenance and pictures are taken away, and every row is given the same labels, because rows about stated other
  topics, with other labels or other pictures count as other tasks, however alike their words.

The project's own curation, with its defaults, then removes exact and near duplicates. What stays is counted in rows,
in the scenarios they came from, and in distinct masked texts; the plain figures, nothing masked, stand beside it.
"""

from __future__ import annotations

import argparse
import re
import time
from typing import Any

from results import record, show

from llmi_data import Message, Plan, Row, generate
from llmi_data.curation import CurationSettings, curate

BAR = {"rows left": 4000, "scenarios left": 200}
STRICTER = (0.5, 0.4)
"""Likenesses from which rows count as near duplicates, below curation's own 0.64."""

_WORDS = "zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
_NUMBER = re.compile(rf"\d[\d.,:]*\d|\d|\b(?:{_WORDS})\b", re.IGNORECASE)
# Not after the start, a full stop, a colon or a list's dash: there a capital is no sign of a name.
_CAPITAL = re.compile(r"(?<=[\w,;()|=\"'] )[^\W\d_a-zß-öø-ÿ][\w'’-]*")
_NAMES = re.compile(r"NAME(?:(?:[ -]| of (?:the )?| de (?:la )?)NAME)+")


def masked(row: Row) -> str:
    """The row's text without numbers and names."""
    text = row.text
    scenario = row.provenance.scenario if row.provenance else None
    if scenario:
        for name in sorted({scenario.topic, *scenario.queries}, key=len, reverse=True):
            text = re.sub(rf"\b{re.escape(name)}\b", "NAME", text, flags=re.IGNORECASE)
    text = _CAPITAL.sub("NAME", _NUMBER.sub("0", text))
    return _NAMES.sub("NAME", text)


def anonymous(row: Row, number: int) -> Row:
    """The masked text and nothing else, under an id by which the row is found again."""
    return Row(id=str(number), prompt=(Message(role="user", content=masked(row)),), image_count=0)


def measure(rows: list[Row]) -> dict[str, Any]:
    """Rows, scenarios and masked texts, before and after duplicates are removed."""
    plain = curate(rows)
    masks = [anonymous(row, number) for number, row in enumerate(rows)]
    bare = curate(masks)
    left = [rows[int(row.id)] for row in bare.kept]
    return {
        "rows": len(rows),
        "scenarios": len(_scenarios(rows)),
        "distinct masked texts": len({masked(row) for row in rows}),
        "rows left, nothing masked": len(plain.kept),
        "rows left": len(left),
        "scenarios left": len(_scenarios(left)),
        "fewest rows left of a scenario": min(_scenarios(left).values()),
        "removed": dict(bare.report.removed),
        **{f"rows left at likeness {near}": _left(masks, near) for near in STRICTER},
    }


def _left(masks: list[Row], near: float) -> int:
    return len(curate(masks, CurationSettings(near=near)).kept)


def _scenarios(rows: list[Row]) -> dict[str, int]:
    """How many rows are about each subject."""
    found: dict[str, int] = {}
    for row in rows:
        if row.provenance:
            found[row.provenance.topic] = found.get(row.provenance.topic, 0) + 1
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    plans = {
        "wide": Plan.wide(rows=options.rows, seed=options.seed),
        "demo": Plan.demo(rows=options.rows, seed=options.seed),
    }
    figures = {}
    for name, plan in plans.items():
        begun = time.perf_counter()
        rows = list(generate(plan))
        made = time.perf_counter() - begun
        figures[name] = {**measure(rows), "seconds to generate": made}
    columns = [name for name in figures["wide"] if name != "removed"]
    show("Variety", ["", *figures], [[column, *(found[column] for found in figures.values())] for column in columns])
    record("data-variety", figures, rows=options.rows, seed=options.seed, bar=BAR)
    for name, least in BAR.items():
        if figures["wide"][name] < least:
            raise SystemExit(f"{name}: {figures['wide'][name]}, and at least {least} are wanted")


if __name__ == "__main__":
    main()
