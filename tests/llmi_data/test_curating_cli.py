import json

import pytest
from typer.testing import CliRunner

from llmi_data import Plan, generate, read_rows, write_rows
from llmi_data.cli import app
from llmi_data.conversion import read_any


@pytest.fixture
def run(tmp_path):
    def run(command, *arguments):
        return CliRunner().invoke(app, [command, *(str(argument) for argument in arguments)])

    return run


@pytest.fixture
def source(tmp_path):
    rows = list(generate(Plan.demo(rows=120)))
    write_rows(tmp_path / "rows.jsonl", [*rows, *rows[:20]])
    return tmp_path / "rows.jsonl"


def said(result):
    return " ".join(result.output.split())


def test_curate(run, source, tmp_path):
    (tmp_path / "bench.jsonl").write_text(json.dumps({"question": next(read_rows(source)).text}))
    (tmp_path / "curate.yaml").write_text(
        "benchmarks:\n  - {name: Bench, file: bench.jsonl, revision: abc, split: test}\n"
    )
    (tmp_path / "plan.yaml").write_text("cells:\n  - {count: none, rows: 500}\ntest_share: 0\n")
    with source.open("a") as file:
        file.write("{oops\n")
    paths = {name: tmp_path / f"{name}.json" for name in ("dropped", "hits", "clusters", "report")}
    result = run(
        "curate", source, "-o", tmp_path / "kept.jsonl", "--settings", tmp_path / "curate.yaml",
        "--plan", tmp_path / "plan.yaml", *(part for name, path in paths.items() for part in (f"--{name}", path)),
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    kept = list(read_rows(tmp_path / "kept.jsonl"))
    report = json.loads(paths["report"].read_text())
    assert report["rows"] == 140
    assert report["kept"] == len(kept) > 0
    assert {row.image_count for row in kept} == {-1}
    assert report["removed"]["contaminated"] == 2
    assert f"{len(kept)} of 140 rows stay" in said(result)
    assert "not a row" in result.output
    assert "Bench (bench.jsonl, revision abc, split test): 2 finds in 2 rows, of 1 questions" in said(result)
    assert f"under the plan: (none; no tool) train: {len(kept)} of 500 rows" in said(result)
    assert len(paths["dropped"].read_text().splitlines()) == 140 - len(kept)
    assert [json.loads(line)["kind"] for line in paths["hits"].read_text().splitlines()] == ["same text"] * 2
    assert len(paths["clusters"].read_text().splitlines()) == len(kept)


@pytest.mark.parametrize("name", ["train.parquet", "chats.jsonl", "folder"])
def test_convert_and_stats_of_any_format(run, source, tmp_path, name):
    forms = {"train.parquet": "verl", "chats.jsonl": "chat", "folder": "trl"}
    result = run("convert", source, tmp_path / name, "--to", forms[name])
    assert result.exit_code == 0, result.output
    assert f"140 rows, rows -> {forms[name]}" in said(result)
    assert {row.id for row in read_any(tmp_path / name)} == {row.id for row in read_rows(source)}
    ours, theirs = (json.loads(run("stats", path, "--json").stdout) for path in (source, tmp_path / name))
    assert ours == theirs
    result = run("stats", tmp_path / name, "--plot", tmp_path / "plot.svg")
    assert result.exit_code == 0, result.output
    assert "languages: en 140" in said(result)
    drawn = (tmp_path / "plot.svg").read_text()
    assert drawn.count('<g id="axes_') == 7


def test_convert_tells_what_is_left_out_and_lost(run, tmp_path):
    records = [{"prompt": "a", "image_count": 1, "answer": "b"}, {"prompt": "a", "image_count": "x"}]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, records)))
    result = run("convert", tmp_path / "a.jsonl", tmp_path / "b.jsonl")
    assert result.exit_code == 0
    assert f"left out: {tmp_path / 'a.jsonl'}, line 2:" in said(result)
    assert "lost: column answer of 1 rows" in said(result)
    wrong = run("convert", tmp_path / "a.jsonl", tmp_path / "b.jsonl", "--from", "verl")
    assert wrong.exit_code == 1
    assert "none of its 2 records could be converted" in said(wrong)
    assert "Traceback" not in wrong.output


def test_check(run, source):
    result = run("check", source)
    assert result.exit_code == 0
    assert "140 rows are in order, 0 are not" in said(result)
    with source.open("a") as file:
        file.write('{"prompt": []}\n')
    result = run("check", source)
    assert result.exit_code == 1
    assert f"not a row: {source}, line 141: prompt:" in said(result)


@pytest.mark.parametrize("command", ["validate", "curate", "check", "stats", "dataset"])
def test_a_file_without_rows(run, tmp_path, command):
    output = ["-o", tmp_path / "out"] if command in {"validate", "curate", "dataset"} else []
    (tmp_path / "empty.jsonl").write_text("\n")
    nothing = run(command, tmp_path / "empty.jsonl", *output)
    assert nothing.exit_code == 1
    assert "there are no rows in it" in said(nothing)
    (tmp_path / "table.csv").write_text("prompt,image_count\nA fox,1\n")
    table = run(command, tmp_path / "table.csv", *output)
    assert table.exit_code == 1
    assert "line 1: not valid JSON" in said(table)
    assert not (tmp_path / "out").exists()


def test_check_reads_no_parquet(run, source, tmp_path):
    assert run("convert", source, tmp_path / "rows.parquet").exit_code == 0
    result = run("check", tmp_path / "rows.parquet")
    assert result.exit_code == 1
    assert said(result).endswith("this is Parquet, and `check` reads JSON Lines; use `llmi-data convert` first")
