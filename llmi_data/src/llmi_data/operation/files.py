"""What steps write beside their rows: the assignments and rows that went, each with its reason, a JSON line each."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from llmi_data.generation import Lost
from llmi_data.jsonl import write_lines
from llmi_data.validation import Dropped


def write_lost(path: str | Path, lost: Iterable[Lost]) -> int:
    """One line per assignment that came to nothing: `reason`, `detail`, `assignment`."""
    entries = ({"reason": one.reason, "detail": one.detail, "assignment": asdict(one.assignment)} for one in lost)
    return write_lines(path, (json.dumps(entry, ensure_ascii=False) for entry in entries))


def write_dropped(path: str | Path, dropped: Iterable[Dropped]) -> int:
    """One line per row that did not stay: `reason`, `detail`, `row`."""
    entries = (
        {"reason": drop.reason, "detail": drop.detail, "row": drop.row.model_dump(mode="json")} for drop in dropped
    )
    return write_lines(path, (json.dumps(entry, ensure_ascii=False) for entry in entries))
