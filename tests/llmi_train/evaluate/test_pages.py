"""The reports, and the commands as a user types them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from reciting import Recites
from typer.testing import CliRunner

from llmi_sandbox import Toolkit
from llmi_schema import CodeCall, CodeParams
from llmi_train.cli import app
from llmi_train.evaluate import ProjectBenchmark, project_tasks, run_benchmark, write_comparison, write_report

TASKS = project_tasks()[:4]
BROKEN = CodeCall(description="nothing", params=CodeParams(code="raise ValueError('no data')")).to_tag()


def said(*arguments: str | Path) -> Any:
    return CliRunner().invoke(app, list(map(str, arguments)))


@pytest.fixture
async def runs(tmp_path: Path, toolkit: Toolkit) -> tuple[Path, Path]:
    """Two evaluations; of the second one document is worse and one is missing."""

    def good(prompt: str) -> str | None:
        return next(task for task in TASKS if task.prompt == prompt).good()

    def worse(prompt: str) -> str | None:
        if prompt == TASKS[3].prompt:
            return None
        if prompt == TASKS[1].prompt:
            return f"{TASKS[1].violation(1)}\n\n{BROKEN} <script>alert(1)</script>"
        return good(prompt)

    for name, say in (("first", good), ("second", worse)):
        await run_benchmark(ProjectBenchmark.load(limit=4), Recites(say, name), toolkit, tmp_path / name)
    return tmp_path / "first", tmp_path / "second"


def loads_nothing(html: str) -> bool:
    sources = re.findall(r'<(?:img|source|script|link|iframe)[^>]*(?:src|srcset|href)="([^"]*)"', html)
    return all(source.startswith("data:") for source in sources) and "<script" not in html


def links_lead_somewhere(html: str) -> bool:
    anchors = re.findall(r' id="([^"]+)"', html)
    wanted = set(re.findall(r'href="#([^"]+)"', html))
    return bool(wanted) and wanted <= set(anchors) and len(anchors) == len(set(anchors))


def test_a_report_says_what_failed_first_and_loads_nothing(runs: tuple[Path, Path]) -> None:
    html = write_report(runs[1]).read_text(encoding="utf-8")
    assert loads_nothing(html)
    assert links_lead_somewhere(html)
    assert "These marks were given by rules" in html
    failures = re.findall(r"<tr>.*?</tr>", html[html.index(">Failures<") : html.index('id="overview"')], re.DOTALL)
    assert f"#task-{TASKS[3].id}" in failures[1]
    assert "the model is not at home" in failures[1]
    assert any("figure 3, code" in row and "ValueError: no data" in row for row in failures)
    assert html.index(">Failures<") < html.index('id="documents"')
    sections = re.findall(r'id="(task-[^"]+)"', html)
    assert sections[:2] == [f"task-{TASKS[3].id}", f"task-{TASKS[1].id}"]
    assert "mx" in html  # hatched
    assert ":focus-visible" in html
    assert html.index('class="jump"') < html.index("Scores")
    assert "What the tools did" in html
    assert "licence" in html


def test_a_comparison_shows_documents_side_by_side_where_they_differ(runs: tuple[Path, Path], tmp_path: Path) -> None:
    difference = write_comparison(*runs, tmp_path / "both.html")
    assert (difference.better, difference.worse, difference.equal, difference.tasks) == (0, 1, 2, 4)
    html = (tmp_path / "both.html").read_text(encoding="utf-8")
    assert loads_nothing(html)
    assert links_lead_somewhere(html)
    assert html.count("sides full") == 2  # the worse one, and the one that is missing
    assert "Some judgements are missing" in html
    assert "No difference is shown" in html
    assert html.count('<details class="fold" open>') == 1  # the worst pair of which both are there
    assert re.search(r'<td class="m "[^>]*>0</td>', html)  # no change has no colour


def test_compare_on_the_command_line(runs: tuple[Path, Path], tmp_path: Path) -> None:
    result = said("compare", *runs, "-o", tmp_path / "page.html")
    assert result.exit_code == 0, result.output
    assert "0 tasks better, 1 worse, 2 equal" in result.output
    assert (tmp_path / "page.html").exists()


@pytest.mark.parametrize(
    ("bench", "problem"),
    [("opening", "opening:PATH"), ("else:x", "opening:PATH"), ("isg:nowhere", "no file of ISG-Bench")],
)
def test_a_benchmark_that_is_none_is_explained(bench: str, problem: str, tmp_path: Path) -> None:
    result = said("evaluate", "--bench", bench, "-m", "m@http://127.0.0.1:9/v1", "-o", tmp_path / "run")
    assert result.exit_code == 1
    assert problem in result.output


def test_a_model_that_is_away_leaves_all_missing_and_says_so(tmp_path: Path) -> None:
    result = said(
        *("evaluate", "-m", "m@http://127.0.0.1:9/v1", "--limit", "1", "-o", tmp_path / "run"),
        "--tools",
        "nowhere.toml",
    )
    assert result.exit_code == 1
    assert "nowhere.toml" in result.output
