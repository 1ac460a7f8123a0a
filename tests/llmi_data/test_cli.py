import json
import resource
import subprocess
import sys

import pytest
from typer.testing import CliRunner

import llmi_data
from llmi_data import Plan, generate, read_rows, write_rows
from llmi_data.cli import app


@pytest.fixture
def run():
    def run(*arguments):
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return run


def test_generate_validate_dataset_stats(run, tmp_path):
    rows, valid, dropped, folder = (tmp_path / name for name in ("rows.jsonl", "valid.jsonl", "drops.jsonl", "data"))
    assert run("generate", "--rows", 150, "--seed", 4, "-o", rows).exit_code == 0
    assert list(read_rows(rows)) == list(generate(Plan.wide(rows=150, seed=4)))

    result = run("validate", rows, "-o", valid, "--dropped", dropped)
    assert result.exit_code == 0, result.output
    kept = list(read_rows(valid))
    drops = [json.loads(line) for line in dropped.read_text().splitlines()]
    assert len(kept) + len(drops) == 150
    assert f"{len(kept)} rows stay" in result.output
    assert all({"reason", "detail", "row"} == set(drop) for drop in drops)

    assert run("dataset", valid, "-o", folder).exit_code == 0
    from_file, from_folder = (json.loads(run("stats", path, "--json").stdout) for path in (valid, folder))
    assert from_file == from_folder
    assert from_file["rows"] == len(kept)

    shown = run("stats", valid, "--plot", tmp_path / "cells.png")
    assert "diffusion" in shown.output
    last = next(line for line in shown.output.splitlines() if line.strip().startswith("all "))
    assert last.split()[-1] == str(len(kept))
    assert (tmp_path / "cells.png").read_bytes()[:4] == b"\x89PNG"


def test_the_same_command_writes_the_same_bytes(run, tmp_path):
    for name in ("a", "b"):
        run("generate", "--rows", 70, "-o", tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_printed_plan_can_be_used(run, tmp_path):
    path = tmp_path / "plan.yaml"
    path.write_text(run("plan", "--rows", 70, "--seed", 9).stdout)
    assert Plan.from_yaml(path) == Plan.wide(rows=70, seed=9)


def test_a_plan_file(run, tmp_path):
    plan = tmp_path / "plan.yaml"
    plan.write_text("cells:\n  - {count: 3, tools: [search], rows: 5}\ntest_share: 0.4\n")
    assert run("generate", "--plan", plan, "-o", tmp_path / "r.jsonl").exit_code == 0
    assert {row.image_count for row in read_rows(tmp_path / "r.jsonl")} == {3}
    result = run("generate", "--plan", plan, "--rows", 5, "-o", tmp_path / "r.jsonl")
    assert result.exit_code == 1
    assert "leave out --rows" in result.output


def test_a_broken_line_is_named_and_its_neighbours_stay(run, tmp_path, make_row):
    path = tmp_path / "rows.jsonl"
    write_rows(path, [make_row(), make_row("Readers should see the real bridge. Include two images.")])
    first, second = path.read_text().splitlines()
    path.write_text("\n".join([first, "{oops", first.replace("image_count", "images_wanted"), second, ""]))
    result = run("validate", path, "-o", tmp_path / "valid.jsonl")
    assert result.exit_code == 0
    assert len(list(read_rows(tmp_path / "valid.jsonl"))) == 2
    said = " ".join(result.output.split())
    assert f"{path}, line 2: not valid JSON" in said
    assert "line 3: the field image_count is missing; rename images_wanted if that is it, add it, or delete" in said

    counted = run("stats", path)
    assert counted.exit_code == 0
    assert f"left out: 2 records, the first: {path}, line 2: not valid JSON" in " ".join(counted.output.split())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("stats", "{tmp}/none.jsonl"), "cannot read this file"),
        (("validate", "{tmp}/none.jsonl"), "cannot read this file"),
        (("stats", "{tmp}"), "no saved dataset"),
        (("generate", "--rows", "3", "-o", "{tmp}/x"), "ask for more rows"),
        (("generate", "-o", "{tmp}/no/such/folder/x"), "cannot write here"),
    ],
)
def test_mistakes_get_one_sentence(run, tmp_path, monkeypatch, arguments, says):
    monkeypatch.chdir(tmp_path)
    result = run(*(argument.replace("{tmp}", str(tmp_path)) for argument in arguments))
    assert result.exit_code == 1
    assert says in " ".join(result.output.split())
    assert "Traceback" not in result.output
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file(tmp_path, make_row):
    path = tmp_path / "rows.jsonl"
    write_rows(path, [make_row()])

    def interrupted():
        yield make_row("new")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_rows(path, interrupted())
    assert [row.text for row in read_rows(path)] == [make_row().text]
    assert list(tmp_path.iterdir()) == [path]


def test_commands_start_at_once_and_import_nothing_heavy():
    heavy = "{'torch', 'datasets', 'matplotlib', 'pandas', 'trl', 'transformers', 'numpy', 'PIL', 'llmi_sandbox'}"
    code = f"import sys, llmi_data, llmi_data.cli; print(sorted({heavy} & set(sys.modules)))"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert found.stdout.strip() == "[]"
    assert after.ru_utime - before.ru_utime < 1.5, "0.4 s of processor time on an idle machine"


def test_everything_public_is_exported():
    assert list(llmi_data.__all__) == sorted(llmi_data.__all__, key=lambda n: (not n[0].isupper(), n))
    assert all(hasattr(llmi_data, name) for name in llmi_data.__all__)
