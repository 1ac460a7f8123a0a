"""How much of each package the tests go through, branch by branch.

    python tests/branches.py                          # make coverage: all tests but the slow ones
    python tests/branches.py tests/llmi_schema        # what these tests go through

Counted are the two ways out of every condition, also in processes that tests start, and in those of the sandbox, which
`confined.py` counts. Tests of quickness are left out, for measuring slows everything down. `runs/coverage/data` is what
`coverage html` takes. The status is 1 when a test fails, or when all tests were run and a package is below its bar.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import confined
import coverage
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
DATA = ROOT / "runs" / "coverage" / "data"
MARKS = ROOT / "runs" / "coverage" / "confined"
CONFINED = ROOT / "sandbox" / "src" / "llmi_sandbox" / "code"
BARS = {"llmi_schema": 90, "llmi_reward": 90, "llmi_sandbox": 90, "llmi_data": None, "llmi_train": None}
"""The least share of branches, in percent."""
LEFT_OUT = "not (quick or full_disk_is_named or does_not_fit_on_the_disk)"
"""Measuring slows everything down, and its own file meets the limits that stand for a full disk."""
WORST = 12
"""Files that are named because most of their branches are missed."""


def measure(tests: list[str]) -> int:
    """Run tests, leave what they went through in `DATA`, and return pytest's status."""
    confined.prepare(MARKS, CONFINED)
    DATA.unlink(missing_ok=True)
    path = os.pathsep.join(filter(None, (str(MARKS), os.environ.get("PYTHONPATH"))))
    sources = [f"--cov={package}" for package in BARS]
    options = ["-q", "-n", "2", "--dist", "loadgroup", "-m", "not slow", "-k", LEFT_OUT]
    kinds = ["--cov-branch", "--cov-report="]
    command = [sys.executable, "-m", "pytest", *options, *sources, *kinds, *tests]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": path}).returncode


def write_report(path: Path) -> None:
    """All that was counted, as coverage's JSON."""
    counted = coverage.Coverage(data_file=DATA, config_file=str(ROOT / "pyproject.toml"))
    counted.load()
    counted.get_data().add_arcs(confined.marked(MARKS, CONFINED))
    counted.save()
    ours = str(ROOT / "*" / "src" / "*")  # tests make packages of these names elsewhere
    counted.json_report(outfile=str(path), include=[ours], ignore_errors=True)  # a file may be gone by now


def by_package(report: Path) -> tuple[dict[str, Counter[str]], list[tuple[int, str]]]:
    """Branches and lines of each package, there and gone through; and the files with the most missed branches."""
    found: dict[str, Counter[str]] = {package: Counter() for package in BARS}
    missed = []
    for name, file in json.loads(report.read_text())["files"].items():
        package = next((package for package in BARS if f"/{package}/" in f"/{name}"), None)
        if package:
            found[package].update({key: value for key, value in file["summary"].items() if isinstance(value, int)})
            missed.append((file["summary"]["missing_branches"], name))
    return found, sorted(missed, reverse=True)[:WORST]


def share(found: Counter[str], covered: str, there: str) -> float:
    return 100 * found[covered] / found[there] if found[there] else 100.0


def main() -> None:
    tests = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        status = measure(tests)
        if not DATA.exists():
            raise SystemExit(status or 1)
        write_report(report := Path(folder) / "coverage.json")
        packages, worst = by_package(report)
    table = Table("package", "branches", "gone through", "%", "bar", "lines, %", title="Branch coverage")
    below = []
    for package, found in packages.items():
        branches = share(found, "covered_branches", "num_branches")
        bar = BARS[package]
        if bar is not None and branches < bar:
            below.append(package)
        lines = share(found, "covered_lines", "num_statements")
        counts = (str(found["num_branches"]), str(found["covered_branches"]))
        table.add_row(package, *counts, f"{branches:.1f}", "" if bar is None else f"{bar}", f"{lines:.1f}")
    console = Console()
    console.print(table)
    console.print("Most missed branches:", *(f"  {count:4} {name}" for count, name in worst), sep="\n", highlight=False)
    raise SystemExit(status or int(bool(below) and not tests))


if __name__ == "__main__":
    main()
