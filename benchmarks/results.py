"""Where the benchmarks put what they measured: one dated JSON file per run, and a table on the terminal."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

RESULTS = Path(os.environ.get("LLMI_BENCHMARK_RESULTS") or Path(__file__).parent / "results")
"""`make bench` sets the variable: what it measures at small sizes is not put beside what was measured at full ones."""
_PACKAGES = ("torch", "transformers", "trl", "outlines", "llguidance", "xgrammar", "matplotlib", "pydantic")


def record(name: str, figures: Mapping[str, Any], **context: Any) -> Path:
    """Write `figures` to `results/<date>-<name>.json`, beside the machine and the versions they were measured on.

    Args:
        name: the benchmark, with its size where it has several: `sandbox-soak`. A later run of the day replaces it.
        context: what the figures depend on: sizes, options.
    """
    RESULTS.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    path = RESULTS / f"{now:%Y-%m-%d}-{name}.json"
    entry = {"measured": f"{now:%Y-%m-%dT%H:%MZ}", "machine": _machine(), "context": context, "figures": figures}
    path.write_text(json.dumps(entry, indent=1, default=str) + "\n")
    return path


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table; figures are given three significant digits."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, justify="left" if column == columns[0] else "right")
    for row in rows:
        table.add_row(*(f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in row))
    Console().print(table)


def _machine() -> dict[str, Any]:
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "cores": os.cpu_count(),
        "processor": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
        "packages": versions,
    }
