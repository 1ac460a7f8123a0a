"""The hundred broken snippets of `snippets/*.toml`: a plot, and one defect in it that a model might have written."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Snippet:
    """Attributes:
    kind: how the broken one ends, in the words of `llmi_sandbox.CodeResult.kind`.
    says: what its message contains.
    """

    name: str
    broken: str
    fixed: str
    kind: str
    says: str


def load_snippets() -> list[Snippet]:
    snippets = []
    for file in sorted((Path(__file__).parent / "snippets").glob("*.toml")):
        for plot in tomllib.loads(file.read_text(encoding="utf-8"))["plot"]:
            fixed = plot["code"]
            for defect in plot["broken"]:
                if fixed.count(defect["old"]) != 1:
                    raise ValueError(f"{plot['name']}: {defect['old']!r} must stand in it once")
                broken = fixed.replace(defect["old"], defect["new"])
                snippets.append(
                    Snippet(f"{plot['name']}: {defect['name']}", broken, fixed, defect["kind"], defect["says"])
                )
    return snippets
