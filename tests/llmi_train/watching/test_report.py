"""The page: whole, self-contained, readable in a browser, and written while a run goes on."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import chromium
import pytest
from runs_on_disk import entries, keep_completions, write_log
from typer.testing import CliRunner

from llmi_sandbox import Toolkit
from llmi_schema import ConfigurationError
from llmi_train.cli import app
from llmi_train.recipe import Recipe
from llmi_train.watching import read_curves, read_record, write_record, write_report
from llmi_train.watching.record import record_of


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, toolkit: Toolkit) -> Path:
    run = tmp_path_factory.mktemp("runs") / "foxes"
    write_log(run, [{"unscored": 0.4, **entry} if entry["step"] > 50 else entry for entry in entries()])
    keep_completions(run, toolkit)
    recipe = Recipe(model="m", data=Path("d"), output_dir=run, env={"SERP_API_KEY": "hush", "LEVEL": "3"})
    write_record(run, record_of(recipe, reward="format * (0.6 * count + 0.4 * tool)"))
    return run


@pytest.fixture(scope="module")
def page(run: Path) -> Path:
    return write_report(run, run / "page.html")


def test_it_holds_what_a_person_wants_to_know(page: Path) -> None:
    html = page.read_text()
    for words in (
        "the reward in training went from",
        "format * (0.6 * count + 0.4 * tool)",
        "Tools that deliver",
        "Groups without a difference",
        "Entropy",
        "Step 10",
        "The worst and the best of step 20",
        "advantage +1.10",
        "cut off at the token limit",
    ):
        assert words in html, words
    assert "hush" not in html


def test_pictures_are_the_delivered_ones(page: Path, browser: chromium.Browser) -> None:
    """Two tags brought pictures; the failed one and the ones claimed in the text bring none."""
    browser.open(page)
    sizes = browser.images()
    assert (0, 0) not in sizes
    assert [asked for asked in browser.requests if not asked.startswith(("file:", "data:"))] == []
    assert browser.complaints == []
    html = page.read_text()
    assert "is missing: the call failed" in html
    assert "fox.png" in html
    assert html.count('class="picture"') == 3 * 2 + 1  # two answers of three steps, and the best of the last


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_is_wider_than_the_window(page: Path, browser: chromium.Browser, width: int) -> None:
    browser.open(page, width=width, height=900)
    assert browser.evaluate("document.documentElement.scrollWidth") <= width


def test_the_command_warns_and_writes(run: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    write_log(bad, [{"step": step, "reward": 0.5, "unscored": 0.5} for step in range(1, 11)])
    result = CliRunner().invoke(app, ["report", str(bad)])
    assert result.exit_code == 0, result.output
    assert "Many answers have no score: 50% of the answers" in result.output
    assert "Many answers have no score" in (bad / "report.html").read_text()


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"there is no log of a run"):
        write_report(tmp_path)


def test_a_line_that_is_being_written_and_a_single_step(tmp_path: Path) -> None:
    write_log(tmp_path, entries()[:1])
    with (tmp_path / "log.jsonl").open("a") as log:
        log.write('{"reward": 0.')
    assert read_curves(tmp_path).steps == (1,)
    assert "1 steps" in write_report(tmp_path).read_text()


def test_a_picture_whose_file_is_gone_does_not_cost_the_page(run: Path, tmp_path: Path) -> None:
    short = tmp_path / "short"
    write_log(short, entries()[:1])
    shutil.copytree(run / "completions", short / "completions")
    shutil.rmtree(short / "completions" / "pictures")
    assert "its pictures are gone" in write_report(short).read_text()


def test_a_failed_rendering_leaves_the_old_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_log(tmp_path, [{"step": 1, "reward": 0.5}])
    before = write_report(tmp_path).read_bytes()

    def full(*args: Any, **kwargs: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ConfigurationError, match="disk full"):
        write_report(tmp_path)
    assert (tmp_path / "report.html").read_bytes() == before


def test_what_is_secret_is_not_kept_and_a_resume_keeps_the_start(run: Path, tmp_path: Path) -> None:
    record = read_record(run)
    assert record is not None
    assert record.recipe["env"] == {"SERP_API_KEY": "(hidden)", "LEVEL": "3"}
    assert record.environment["trl"]
    (tmp_path / "run.json").write_text(json.dumps(vars(record) | {"started": "2026-01-01", "evaluation": {"x": 1}}))
    write_record(tmp_path, record)
    again = read_record(tmp_path)
    assert again is not None
    assert (again.started, again.evaluation) == ("2026-01-01", {"x": 1})


class TestCallback:
    """The page during a run, by a process of its own."""

    @pytest.fixture
    def run(self, tmp_path: Path, run: Path) -> Path:
        write_log(tmp_path, [{"step": step, "reward": 0.5} for step in range(1, 11)])
        shutil.copy(run / "run.json", tmp_path)
        return tmp_path

    def make(self, run: Path, **settings: Any) -> Any:
        from llmi_train.watching.callback import RunReport

        record = read_record(run)
        assert record is not None
        (run / "report.html").unlink(missing_ok=True)
        return RunReport(run, record, **settings)

    def test_during_and_after(self, run: Path) -> None:
        report = self.make(run, every=5, seconds=0)
        state = SimpleNamespace(is_world_process_zero=True, global_step=4)
        report.on_train_begin(None, state, None)
        report.on_log(None, state, None)
        assert not report._busy()
        state.global_step = 5
        report.on_log(None, state, None)
        deadline = time.monotonic() + 60
        while report._busy() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert (run / "report.html").stat().st_size > 10_000
        (run / "report.html").unlink()
        report.on_train_end(None, state, None)
        assert (run / "report.html").exists()

    def test_one_process_of_a_group_does_it(self, run: Path) -> None:
        report = self.make(run, every=1, seconds=0)
        other = SimpleNamespace(is_world_process_zero=False, global_step=1)
        report.on_train_begin(None, other, None)
        report.on_log(None, other, None)
        report.on_train_end(None, other, None)
        assert not (run / "report.html").exists()

    def test_a_page_that_cannot_be_written_does_not_end_the_run(self, run: Path) -> None:
        if os.getuid() == 0:
            report = self.make(run)
            report._run = run / "not there"
        else:
            report = self.make(run / "not there")
        report.on_train_end(None, SimpleNamespace(is_world_process_zero=True, global_step=1), None)
