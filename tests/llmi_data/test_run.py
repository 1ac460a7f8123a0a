"""A run from settings to a dataset: stopped, gone on with, refused, and the same from Python, a file and a command."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from llmi_data import (
    Plan,
    PlanError,
    RunConfig,
    RunError,
    StoppedError,
    forecast,
    load,
    make_dataset,
    read_rows,
    run,
    write_rows,
)
from llmi_data.cli import app
from llmi_data.conversion import expected_records
from llmi_data.operation.display import shown
from llmi_data.operation.ledger import Ledger, digest_of
from llmi_reward.chat import Journal
from llmi_schema import ConfigurationError

CELLS = [
    {"count": 3, "tools": ["search"], "rows": 9},
    {"count": "any", "tools": ["code"], "rows": 8},
    {"count": 2, "tools": ["edit"], "rows": 5},
    {"count": "at least one", "tools": ["diffusion"], "rows": 8},
]
FILES = ("generated.jsonl", "lost.jsonl", "validated.jsonl", "dropped.jsonl", "curated.jsonl", "report.json")


def settings(url, folder="made", **changes):
    def model(name):
        prices = {"prompt": 1.0, "completion": 2.0}
        return {"name": name, "base_url": url, "prices": prices, "concurrency": 4}

    return {
        "folder": str(folder),
        "plan": {"seed": 5, "cells": CELLS},
        "generate": {"model": model("writer")},
        "validate": {"reader": model("reader"), "judge": model("judge")},
    } | changes


def made(folder):
    return {name: (Path(folder) / name).read_bytes() for name in FILES}


def command(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def config(model, tmp_path):
    return RunConfig.model_validate(settings(model.url, tmp_path / "made"))


def test_a_run_makes_what_it_says(model, config):
    report = run(config)
    rows = list(read_rows(config.folder / "generated.jsonl"))
    validated = list(read_rows(config.folder / "validated.jsonl"))
    assert report.generate.rows == len(rows) == 30 - sum(report.generate.lost.values())
    assert report.validation.kept == len(validated)
    assert report.curation["kept"] == report.train.rows + report.test.rows
    sides = load(config.folder / "dataset")
    assert (len(sides.train), len(sides.test)) == (report.train.rows, report.test.rows)
    kept = validated[0]
    assert kept.verdict.agrees
    assert kept.verdict.reader.startswith("reader / ")
    assert kept.implicit.judge.startswith("judge / ")
    assert kept.implicit.implicit
    assert kept.provenance.generator.startswith("writer / ")
    # wrong on purpose in one draft of thirteen, and found
    wrong = [row for row in rows if "exactly six pictures" in row.text]
    assert wrong
    assert not {row.id for row in wrong} & {row.id for row in validated}
    assert report.validation.dropped == {"another count": len(wrong)}
    assert report.usage.calls == model.paid.total()
    assert report.usage.money == pytest.approx(
        (report.usage.prompt_tokens * 1 + report.usage.completion_tokens * 2) / 1e6
    )


def test_readers_and_judges_are_never_told_a_label(model, config):
    run(config)
    rows = {row.text: row for row in read_rows(config.folder / "generated.jsonl")}
    read = [body for body in model.bodies if body["model"] in ("reader", "judge")]
    assert len(read) >= len(rows)
    systems = {(body["model"], body["messages"][0]["content"]) for body in read}
    assert len(systems) == 2, "the instructions are the same whatever the row is labelled"
    for body in read:
        content = body["messages"][1]["content"]
        text = content if isinstance(content, str) else content[0]["text"]
        shown = text.split("\n", 1)[1].rsplit("\n</request", 1)[0]
        assert shown in rows, "the request, whole, and nothing else"


def test_running_it_again_asks_nothing_and_changes_nothing(model, config):
    first, report = run(config), made(config.folder)
    asked, times = model.requests, {name: (config.folder / name).stat().st_mtime_ns for name in FILES[:4]}
    assert run(config) == first
    assert model.requests == asked
    assert made(config.folder) == report
    assert {name: (config.folder / name).stat().st_mtime_ns for name in FILES[:4]} == times, "steps that are done rest"


def test_what_was_paid_for_is_found_again_when_files_are_lost(model, config):
    run(config)
    before, asked = made(config.folder), model.requests
    (config.folder / "validated.jsonl").unlink()
    (config.folder / "generated.jsonl").write_text("")
    (config.folder / "steps.json").write_text("{half a led")
    run(config)
    assert made(config.folder) == before
    assert model.requests == asked


def test_changed_settings_do_only_what_depends_on_them(model, config):
    run(config)
    asked = model.requests
    other = config.validate_.reader.model_copy(update={"name": "reader two"})
    run(config.model_copy(update={"validate_": config.validate_.model_copy(update={"reader": other})}))
    assert {body["model"] for body in model.bodies[asked:]} == {"reader two"}


def test_python_file_and_command_make_the_same(model, tmp_path):
    run(RunConfig.model_validate(settings(model.url, tmp_path / "python")))
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(settings(model.url, "file")))
    result = command("run", tmp_path / "run.yaml")
    assert result.exit_code == 0, result.output
    assert "kappa" in result.output
    assert made(tmp_path / "python") == made(tmp_path / "file")

    plan, rows, valid = (tmp_path / name for name in ("plan.yaml", "rows.jsonl", "valid.jsonl"))
    plan.write_text(yaml.safe_dump(settings("")["plan"]))
    priced = ("--prompt-price", 1, "--completion-price", 2)
    steps = (
        ("generate", "--plan", plan, "--model", "writer", "--base-url", model.url, *priced, "-o", rows),
        ("validate", rows, "--model", "reader", "--judge", "judge", "--base-url", model.url, "-o", valid),
    )
    for step in steps:
        result = command(*step, "--concurrency", 4)
        assert result.exit_code == 0, result.output
    assert rows.read_bytes() == (tmp_path / "python" / "generated.jsonl").read_bytes()
    assert valid.read_bytes() == (tmp_path / "python" / "validated.jsonl").read_bytes()


def test_without_models_a_run_is_make_dataset(tmp_path):
    plan = Plan.demo(rows=60, seed=4)
    run(RunConfig(folder=tmp_path / "made", plan=plan, curate=False))
    assert load(tmp_path / "made" / "dataset") == make_dataset(plan).split


def test_shards_merged_are_the_whole(model, tmp_path):
    def step(name, *arguments, shard="1/1"):
        result = command(name, *arguments, "--base-url", model.url, "--shard", shard)
        assert result.exit_code == 0, result.output

    plan = tmp_path / "plan.yaml"
    plan.write_text(yaml.safe_dump({"cells": CELLS, "seed": 5}))
    for output, shards in (("whole", ("1/1",)), ("parts", ("1/3", "2/3", "3/3"))):
        rows, valid = tmp_path / f"{output}.rows.jsonl", tmp_path / f"{output}.valid.jsonl"
        for shard in shards:
            step("generate", "--plan", plan, "--model", "writer", "-o", rows, shard=shard)
        if output == "parts":
            assert not rows.exists()
            assert command("merge", rows).exit_code == 0
        for shard in shards:
            step("validate", rows, "--model", "reader", "-o", valid, shard=shard)
    assert (tmp_path / "parts.rows.jsonl").read_bytes() == (tmp_path / "whole.rows.jsonl").read_bytes()
    assert "3 parts" in command("merge", tmp_path / "parts.valid.jsonl").output
    assert (tmp_path / "parts.valid.jsonl").read_bytes() == (tmp_path / "whole.valid.jsonl").read_bytes()


def test_a_forecast_asks_nothing_and_comes_true(model, config):
    before = forecast(config)
    assert model.requests == 0
    assert not (config.folder / "answers").exists()
    reader = before.steps[2]
    assert (reader.step, reader.rows, reader.basis.split(":")[0]) == ("validate: reader", 30, "estimated")
    report = run(config)
    # The scripted model counts a token per four bytes, too. What remains is the drafts sent back, which are longer.
    for step, journal in zip(before.steps, ("generate", "judge", "reader"), strict=True):
        measured = next(s for s in forecast(config).steps if s.step == step.step)
        assert step.prompt_per_call == pytest.approx(measured.prompt_per_call, rel=0.25), journal
    after = forecast(config)
    assert "measured" in after.steps[1].basis
    assert after.steps[1].prompt_per_call + after.steps[1].completion_per_call > 0
    assert after.money == pytest.approx(sum(step.money for step in after.steps))
    said = str(after)
    writing = after.steps[0]
    assert f"30 rows x 1.20 calls = {writing.calls} calls" in said
    assert f"{report.generate.usage.calls} answers are in the journal" in said


def test_dry_runs_show_the_arithmetic_and_write_nothing(model, tmp_path):
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(settings(model.url, "made")))
    whole = command("run", tmp_path / "run.yaml", "--dry-run")
    assert "in all: 96 calls" in whole.output
    assert "in money" in whole.output
    single = command(
        "generate", "--rows", 100, "--model", "w", "--base-url", model.url, "--dry-run", "-o", tmp_path / "r"
    )
    assert "100 rows x 1.20 calls = 120 calls" in single.output
    assert "money: not known" in single.output
    assert command("generate", "--dry-run").output == "no model is asked: nothing is spent\n"
    assert model.requests == 0
    assert [path.name for path in tmp_path.iterdir()] == ["run.yaml"]


def test_a_budget_stops_in_time_and_more_of_it_goes_on(model, tmp_path):
    def budgeted(money):
        return RunConfig.model_validate(settings(model.url, tmp_path / "made", budget={"money": money}))

    with pytest.raises(StoppedError, match=r"raise the budget and run it again"):
        run(budgeted(0.04))
    assert 0 < model.paid.total() < 60
    run(budgeted(5.0))
    assert max(model.paid.values()) == 1
    run(RunConfig.model_validate(settings(model.url, tmp_path / "other")))
    assert made(tmp_path / "made") == made(tmp_path / "other")


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ((401, '{"error": {"message": "wrong key"}}'), "wrong key.*check the key"),
        ((404, '{"error": {"message": "no such model"}}'), "no such model.*the model's name"),
        ("I would rather talk.", "structured output"),
    ],
)
def test_a_model_that_cannot_be_used_stops_the_run_with_the_remedy(model, config, fault, says):
    model.fault = lambda body, number: fault
    with pytest.raises(StoppedError, match=says):
        run(config)
    assert model.requests <= 2 * (20 + 4), "after twenty rows it is seen that it is not the rows"
    model.fault = lambda body, number: None


def test_rows_without_an_answer_are_asked_for_again(model, config):
    chosen = {7, 19, 40}
    model.fault = lambda body, number: (400, '{"error": {"message": "odd"}}') if number in chosen else None
    first = run(config)
    assert first.unanswered == 3
    assert first.generate.lost.get("no answer", 0) + first.validation.dropped.get("no answer", 0) == 3
    model.fault = lambda body, number: None
    again = run(config)
    assert again.unanswered == 0
    assert max(model.paid.values()) == 1


def test_a_missing_key_is_named_before_anything_is_spent(model, tmp_path, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    value = settings(model.url, tmp_path / "made")
    value["validate"]["reader"]["base_url"] = "https://api.openai.com/v1"
    with pytest.raises(ConfigurationError, match="set OPENAI_API_KEY"):
        run(RunConfig.model_validate(value))
    assert model.requests == 0


def test_the_reader_must_be_another_model(model, tmp_path):
    value = settings(model.url, tmp_path)
    value["validate"]["reader"]["name"] = "writer"
    with pytest.raises(RunError, match="another model"):
        RunConfig.model_validate(value)
    rows = tmp_path / "rows.jsonl"
    command("generate", "--rows", 80, "--model", "writer", "--base-url", model.url, "-o", rows)
    result = command("validate", rows, "--model", "writer", "--base-url", model.url)
    assert result.exit_code == 1
    assert "was written by writer, which is to read it too" in " ".join(result.output.split())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("folder: x\nplan: {cells: [{count: 1, tools: [edit], modality: text, rows: 2}]}", "there is none to change"),
        ("folder: x\nplan: none.yaml", "none.yaml: cannot read"),
        ("folder: x\nplan: {cells: [{count: 1, rows: 2}]}\ngenrate: {}", "genrate: there is no such setting"),
        ("folder: x\nplan: {cells: [{count: 1, rows: 2}]}\ngenerate: {model: {name: m}}", "generate.model.base_url"),
        ("folder: x\nplan: {cells: [{count: 1, rows: 2}]}\nbudget: {}", "say tokens, money"),
        ("- a list", "a run is a mapping"),
        ("folder: [", "not valid YAML"),
        ("folder: x\nplan: {cells: [{count: 1, rows: 2}]}\ncurate: {nearly: 3}", "nearly"),
    ],
)
def test_a_runs_file_is_checked_with_place_and_remedy(tmp_path, text, says):
    file = tmp_path / "run.yaml"
    file.write_text(text)
    with pytest.raises((RunError, PlanError, ConfigurationError)) as problem:
        RunConfig.from_yaml(file)
    assert says in str(problem.value)
    assert str(tmp_path) in str(problem.value)


def test_two_runs_do_not_share_a_folder(model, config):
    model.latency = 0.05
    thread = threading.Thread(target=run, args=(config,))
    thread.start()
    while not model.requests:
        time.sleep(0.01)
    with pytest.raises(RunError, match="another run is at work"):
        run(config)
    thread.join()


def limited(size, *arguments):
    """A command where no file may grow beyond so many bytes: what a full disk looks like, without one."""
    code = "import resource, sys; from llmi_data.cli import app; resource.setrlimit(resource.RLIMIT_FSIZE, [%d] * 2); "
    code += "app(sys.argv[1:])"
    done = subprocess.run([sys.executable, "-c", code % size, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return " ".join(done.stderr.split())


def test_a_full_disk_is_named_and_costs_nothing(model, tmp_path):
    for name in ("whole", "made"):
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(settings(model.url, name)))
    assert command("run", tmp_path / "whole.yaml").exit_code == 0
    model.paid.clear()

    said = limited(70_000, "run", tmp_path / "made.yaml")
    journal = tmp_path / "made" / "answers" / "generate.sqlite"
    assert f"{journal}: this journal does not take answers any more" in said
    assert "free some space on its disk and run it again; what it holds is kept" in said
    with Journal(journal) as answers:
        kept = len(answers)
    unkept = model.paid.total() - kept
    assert kept
    assert unkept <= 4, "those on their way, as many as may be at a time"

    assert command("run", tmp_path / "made.yaml").exit_code == 0
    assert model.paid.total() - len(model.paid) == unkept, "what was kept is not paid for again"
    assert made(tmp_path / "made") == made(tmp_path / "whole")


def test_a_file_that_does_not_fit_on_the_disk_is_named_and_the_old_one_stays(tmp_path):
    rows = tmp_path / "rows.jsonl"
    rows.write_text("as it was")
    said = limited(20_000, "generate", "--rows", 80, "-o", rows)
    assert f"{rows}: cannot write here (File too large); free some space on that disk and run it again" in said
    assert rows.read_text() == "as it was"
    assert list(tmp_path.iterdir()) == [rows]


def test_ctrl_c_waits_for_answers_under_way_and_says_how_to_go_on(model, tmp_path):
    model.latency = 0.1
    file = tmp_path / "run.yaml"
    file.write_text(yaml.safe_dump(settings(model.url, "made")))
    process = subprocess.Popen([sys.executable, "-m", "llmi_data", "run", str(file)], stderr=subprocess.PIPE, text=True)
    while model.requests < 9:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[1]
    assert process.returncode != 0
    assert "Traceback" not in said
    assert "run it again to go on" in " ".join(said.split())
    first = model.paid.total()
    assert first == model.requests < 60, "what was under way was waited for"
    model.latency = 0.0
    assert command("run", file).exit_code == 0
    assert max(model.paid.values()) == 1, "nothing was paid for twice"


def test_progress_is_plain_lines_where_there_is_no_terminal(model, config, caplog):
    caplog.set_level("INFO", "llmi_data")
    run(config)
    lines = [record.message for record in caplog.records if record.name == "llmi_data"]
    assert lines[0] == "generate: 30 rows to go"
    assert lines[1].startswith("generate: 30 of 30 rows, ")
    assert "cost 0." in lines[1]
    assert [line.split(":")[0] for line in lines] == ["generate"] * 2 + ["validate"] * 2 + ["curate"] * 2


def test_curating_and_converting_say_how_far_they_are(tmp_path, rows):
    source = tmp_path / "rows.jsonl"
    write_rows(source, rows[:40])
    for arguments in (
        ("curate", source, "-o", tmp_path / "kept.jsonl"),
        ("convert", source, tmp_path / "rows.parquet"),
        ("convert", tmp_path / "rows.parquet", tmp_path / "back.jsonl"),
    ):
        said = command(*arguments).output
        assert f"{arguments[0]}: 40 rows to go" in said
        assert f"{arguments[0]}: 40 of 40 rows, " in said


def test_how_many_records_there_are_is_told_without_reading_them(tmp_path, rows):
    write_rows(tmp_path / "rows.jsonl", rows[:7])
    (tmp_path / "damaged.parquet").write_bytes(b"PAR1 and nothing else")
    assert expected_records(tmp_path / "rows.jsonl") == 7
    for unknown in (tmp_path, tmp_path / "damaged.parquet", tmp_path / "none"):
        assert expected_records(unknown) is None


def test_progress_without_a_known_end_promises_none(caplog):
    caplog.set_level("INFO", "llmi_data")
    with shown("convert", None) as tick:
        tick()
    lines = [record.message for record in caplog.records]
    assert lines[0] == "convert: begun"
    assert lines[1].startswith("convert: 1 rows")
    assert "left" not in lines[1]


def test_progress_on_a_terminal_shows_rate_cost_and_time_left():
    import io

    from rich.console import Console

    from llmi_data.operation.meter import Pace, Tally
    from llmi_reward.chat import Answer, Prices, Usage

    tally = Tally(Prices(1.0, 2.0))
    console = Console(file=io.StringIO(), force_terminal=True, width=160)
    with shown("generate", 200, (tally,), console) as tick:
        for _ in range(100):
            tally.count(Answer("x", Usage(1000, 500)))
            tick()
    said = console.file.getvalue()
    assert "100 of 200 rows" in said
    assert "cost 0.2000" in said
    assert " left" in said
    now = iter((0.0, 0.0, 10.0, 70.0, 70.0, 70.0))
    pace = Pace(now=lambda: next(now))
    pace.mark(0)
    assert pace.rate(0) is None
    pace.mark(100)  # ten rows a second, replayed
    pace.mark(130)  # then one every two seconds, over the last minute
    assert pace.rate(130) == pytest.approx(0.5)
    assert pace.seconds_left(130, 160) == pytest.approx(60)


def test_the_ledger_forgives_what_is_not_its_own(tmp_path):
    path = tmp_path / "steps.json"
    for text in ("", "[1]", '{"a": 1}', '{"generate": {"key": 1}}'):
        path.write_text(text)
        assert Ledger(path).done("generate", "k") is None
    file = tmp_path / "rows"
    file.write_text("1")
    Ledger(path).record("generate", "k", [file], {"rows": 1})
    assert Ledger(path).done("generate", "k").report == {"rows": 1}
    assert Ledger(path).done("generate", "other") is None
    file.write_text("2")
    assert Ledger(path).done("generate", "k") is None
    assert digest_of(tmp_path / "none") is None


@pytest.mark.parametrize("kills", [1, pytest.param(5, marks=pytest.mark.slow)])
def test_killed_again_and_again_nothing_is_paid_for_twice(kills):
    """`benchmarks/data_kills.py` deals out a hundred."""
    sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
    try:
        from data_kills import kill_again_and_again
    finally:
        sys.path.pop(0)
    outcome = kill_again_and_again(kills, rows=8 * kills, seed=int(os.environ.get("PYTEST_SEED", "1")))
    assert outcome.kills == sum(outcome.moments.values()) == kills
    assert outcome.paid_twice == 0
    assert outcome.different == []
