"""The benchmarks as a whole: each has its place in `make bench`, and no figure that is quoted is typed."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
BENCHMARKS = ROOT / "benchmarks"
NOT_RUN = {
    "all": "runs the others",
    "figures": "shows what they found",
    "mutation": "is about the tests, and takes long",
}
"""Commands that `make bench` leaves out, and why."""


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import all as bench

    return bench


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import figures

    return figures


def test_every_benchmark_is_run(bench: Any) -> None:
    commands = {path.stem for path in BENCHMARKS.glob("*.py") if '__name__ == "__main__"' in path.read_text()}
    assert {command.split(".py")[0] for command in bench.SMALL.values()} == commands - NOT_RUN.keys()


def test_every_benchmark_has_the_options_it_is_given(bench: Any) -> None:
    for name, command in bench.SMALL.items():
        script, *options = command.split()
        text = (BENCHMARKS / script).read_text()
        for option in (option for option in options if option.startswith("--")):
            written = option in text or f"{option[2:].replace('-', '_')}: " in text  # typer makes options of arguments
            assert written, f"{name}: {script} has no {option}"


def test_one_that_fails_costs_no_other(
    bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(bench, "HERE", tmp_path)
    monkeypatch.setattr(bench, "SMALL", {"bad": "bad.py", "endless": "endless.py", "good": "good.py"})
    monkeypatch.setattr(bench, "LONGEST", 3.0)
    (tmp_path / "bad.py").write_text("raise SystemExit('a benchmark that fails')")
    (tmp_path / "endless.py").write_text("import time; time.sleep(60)")
    (tmp_path / "good.py").write_text(
        "import json, os, pathlib\n"
        "path = pathlib.Path(os.environ['LLMI_BENCHMARK_RESULTS'], '2026-01-02-data-speed.json')\n"
        "path.write_text(json.dumps({'measured': '2026-01-02T03:04Z', 'figures': {'seconds': 2.5}}))\n"
    )
    output = tmp_path / "output"
    output.mkdir()
    assert bench.run_all(list(bench.SMALL), output) == 1
    assert "a benchmark that fails" in (output / "bad.log").read_text()
    page = (output / "index.html").read_text()
    assert "ended with status 1" in page
    assert "was ended after 3 s" in page
    assert "| 4,000 rows curated in | 2.50 s |  | ≤ 5 |" in (output / "figures.md").read_text()


def test_what_is_quoted_is_what_was_recorded(figures: Any) -> None:
    found = figures.read()
    assert len(found) > 30
    told = "the recorded figures have changed; write the pages anew: python benchmarks/figures.py"
    assert (figures.RESULTS / "README.md").read_text(encoding="utf-8") == figures.readme(found), told
    page = figures.LIMITS.read_text(encoding="utf-8")
    assert page.count(figures.BEGIN) == page.count(figures.END) == 1
    assert figures.limits(page, found) == page, told


@pytest.mark.parametrize(
    ("way", "value", "met"), [("≤", 4.9, True), ("≤", 5.1, False), ("≥", 5.1, True), ("≥", 4.9, False)]
)
def test_a_missed_bar_is_said_to_be_missed(figures: Any, way: str, value: float, met: bool) -> None:
    figure = figures.Figure("some", "something takes", "s", float, way, 5)
    finding = figures.Finding(figure, value, "2026-01-02")
    assert finding.met is met
    assert (finding.share_of_bar > 1) is met
    page = figures.limits(f"{figures.BEGIN}\n{figures.END}", [finding])
    assert ("something takes" in page) is not met


def test_changes_are_small_and_leave_out_what_nobody_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import mutation

    source = '"""A module."""\n__all__ = ["less"]\ndef less(a: int = 1) -> bool:\n    """Less."""\n    return a < 2\n'
    made = []
    for number in range(len(list(mutation.changes(ast.parse(source))))):
        tree = ast.parse(source)
        list(mutation.changes(tree))[number][1]()
        made.append(re.sub(r"\s+", " ", ast.unparse(ast.fix_missing_locations(tree))))
    expected = ["a: int=2", "a: int=0", "a <= 2", "a < 3", "a < 1", "return None"]
    assert sorted(next(text for text in expected if text in change) for change in made) == sorted(expected)
    assert all('"""Less."""' in change and "__all__ = ['less']" in change for change in made)


def test_what_is_called_unobservable_is_still_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import mutation

    modules = {key.partition(":")[0] for key in mutation.UNOBSERVABLE}
    every = [mutant for group in mutation.GROUPS for mutant in mutation.mutants(group) if mutant.module in modules]
    assert mutation.UNOBSERVABLE.keys() <= {mutation.without_line(mutant.make()[1]) for mutant in every}
