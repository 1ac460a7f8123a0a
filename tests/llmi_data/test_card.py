"""What the card says, against the files of the run it says it of; what a preview writes, and the command."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml
from card_page import as_page
from PIL import Image
from typer.testing import CliRunner

from llmi_data import (
    Message,
    Origin,
    Plan,
    PublishConfig,
    PublishingError,
    Row,
    RunConfig,
    Split,
    preview,
    read_rows,
    run,
)
from llmi_data.cli import app
from llmi_data.operation.steps import GenerateReport, ValidateReport, validate_rows
from llmi_data.publishing.funnel import funnel
from llmi_data.publishing.parts import whole_validation
from llmi_data.publishing.record import Record, read_record
from llmi_schema import ConfigurationError

REPO = "me/prompts"
SETTINGS = PublishConfig(repo=REPO)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A finished run with a benchmark that some of its rows contain."""
    folder = tmp_path_factory.mktemp("card")
    plan = Plan.demo(rows=150)
    run(RunConfig(folder=folder / "first", plan=plan))
    texts = [row.text for row in read_rows(folder / "first" / "curated.jsonl")][:40:4]
    benchmark = folder / "bench.jsonl"
    benchmark.write_text("".join(json.dumps({"question": text}) + "\n" for text in texts))
    source = {"name": "Bench_1", "file": str(benchmark), "revision": "5a1f0c2", "split": "test"}
    run(RunConfig(folder=folder / "run", plan=plan, curate={"benchmarks": [source]}))
    return folder / "run"


@pytest.fixture(scope="module")
def out(made, tmp_path_factory) -> Path:
    """What would be published of it, figures and all."""
    return preview(made, SETTINGS, tmp_path_factory.mktemp("out") / "folder").prepared.folder


@pytest.fixture(scope="module")
def card(out) -> str:
    return (out / "README.md").read_text()


def written(source: object, folder: Path, **settings) -> str:
    return (preview(source, PublishConfig(repo=REPO, **settings), folder).prepared.folder / "README.md").read_text()


def table(card: str, first: str) -> list[dict[str, str]]:
    """The card's table whose first column is headed so, a mapping per row."""
    lines = card.partition(f"\n| {first} |")[2].split("\n\n")[0].splitlines()
    lines[0] = f"| {first} |{lines[0]}"
    head, _, *rows = ([cell.strip() for cell in line[2:-2].split(" | ")] for line in lines)
    return [dict(zip(head, row, strict=True)) for row in rows]


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_funnel_is_what_the_files_hold(made, card):
    left = {row["step"]: int(row["rows left"].replace(",", "")) for row in table(card, "step")}
    removed = Counter(entry["reason"] for entry in lines(made / "removed.jsonl"))
    named = Counter(entry["reason"] for entry in lines(made / "dropped.jsonl"))["names a tool"]
    agreed = len(lines(made / "validated.jsonl"))
    unique = agreed - removed["exact duplicate"] - removed["near duplicate"]
    assert removed["contaminated"] >= 10
    assert left == {
        "planned": 150,
        "made": len(lines(made / "generated.jsonl")),
        "schema": len(lines(made / "generated.jsonl")),
        "implicit": 150 - named,
        "agreed": agreed,
        "deduplicated": unique,
        "decontaminated": unique - removed["contaminated"],
        "balanced": len(lines(made / "curated.jsonl")),
        "published": len(lines(made / "curated.jsonl")),
    }
    reasons = {row["step"]: row["why others went"] for row in table(card, "step")}
    assert f"{removed['contaminated']} contaminated" in reasons["decontaminated"]


def test_agreement_and_contamination_are_what_the_reports_hold(made, card):
    report = json.loads((made / "report.json").read_text())
    agreed = report["validation"]["agreement"]
    shown = {row[""]: row for row in table(card, "")}
    assert shown["number of pictures"]["κ"] == f"{agreed['count_kappa']:.3f}"
    assert shown["both"]["the same"] == f"{agreed['share']:.1%}"
    hits = lines(made / "hits.jsonl")
    (check,) = table(card, "benchmark")
    assert (check["benchmark"], check["file"], check["revision"], check["split"]) == (
        r"Bench\_1", "`bench.jsonl`", "`5a1f0c2`", "`test`"
    )  # fmt: skip
    assert (check["questions"], check["finds"]) == ("10", str(len(hits)))
    listed = {row["row"].strip("`") for row in table(card, "row")}
    assert listed == {hit["row"] for hit in hits[:20]}


def test_finds_are_listed_without_the_benchmarks_words(made, out):
    hits = lines(made / "hits.jsonl")
    records = {path.name: path.read_text() for path in (out / "records").iterdir()}
    assert len(lines(out / "records" / "hits.jsonl")) == len(hits)
    everything = "".join(records.values()) + (out / "README.md").read_text()
    assert not any(hit["found"] in everything for hit in hits)
    assert not any(str(made.parent) in text for text in records.values())


def test_the_head_is_what_the_viewer_goes_by(made, card):
    head = yaml.safe_load(card.split("---\n")[1])
    assert [config["config_name"] for config in head["configs"]] == ["multimodal", "text"]
    assert [config.get("default") for config in head["configs"]] == [None, True]
    sizes = {
        (info["config_name"], split["name"]): split["num_examples"]
        for info in head["dataset_info"]
        for split in info["splits"]
    }
    rows = Counter(
        ("multimodal" if row.images else "text", row.provenance.side) for row in read_rows(made / "curated.jsonl")
    )
    assert sizes == rows
    assert head["size_categories"] == ["n<1K"]
    assert head["language"] == ["en"]
    assert "license" not in head
    assert "Licence of the data: not recorded." in card


def test_every_figure_is_there_and_shown(out, card):
    shown = set(re.findall(r'<img src="([^"]+)"', card))
    assert shown == {f"figures/{name}.png" for name in ("cells", "confusion", "contents", "example", "funnel")}
    for name in shown:
        with Image.open(out / name) as picture:
            assert picture.width > 100
            assert len(picture.convert("RGB").getcolors(1 << 24)) > 3


def test_the_card_in_a_browser(out, card, tmp_path, browser):
    """No picture is broken, and no picture or table is wider than the page."""
    page = tmp_path / "page.html"
    page.write_text(as_page(card, f"{out.as_uri()}/"))
    browser.open(page)
    assert len(browser.images()) == 5
    assert all(width and height for width, height in browser.images())
    wide = "[...document.querySelectorAll('table, img')].filter(e => e.scrollWidth > e.parentElement.clientWidth)"
    assert browser.evaluate(f"{wide}.map(e => e.outerHTML.slice(0, 200))") == []


def test_what_was_not_recorded_is_said_so(made, tmp_path):
    rows = list(read_rows(made / "curated.jsonl"))
    unread = [row.model_copy(update={"verdict": None}) for row in rows]
    card = written(_sides(unread), tmp_path / "out")
    stages = {row["step"]: row["rows left"] for row in table(card, "step")}
    assert stages.pop("published") == str(len(rows))
    assert set(stages.values()) == {"not recorded"}
    for words in (
        "How often reader and labels agreed before rows were dropped was not recorded.",
        "Whether benchmarks were looked for was not recorded.",
        "What it cost was not recorded.",
        "Clusters of near duplicates were not recorded.",
        "The steps' reports were not given",
    ):
        assert words in card
    assert "confusion.png" not in card
    assert "synthetic" not in card


def _sides(rows) -> Split:
    return Split(
        tuple(row for row in rows if row.provenance.side == "train"),
        tuple(row for row in rows if row.provenance.side == "test"),
    )


@pytest.mark.usefixtures("no_figures")
def test_a_run_with_models_says_what_it_cost(model, tmp_path):
    def asked(name):
        return {"name": name, "base_url": model.url, "prices": {"prompt": 1.0, "completion": 2.0}}

    cells = [{"count": 3, "tools": ["search"], "rows": 8}, {"count": 2, "tools": ["edit"], "rows": 4}]
    config = RunConfig.model_validate(
        {
            "folder": tmp_path / "run",
            "plan": {"seed": 5, "cells": cells},
            "generate": {"model": asked("writer")},
            "validate": {"reader": asked("reader"), "judge": asked("judge")},
        }
    )
    report = run(config)
    card = written(config.folder, tmp_path / "out", license="cc-by-4.0")
    spent = {row["step"]: row for row in table(card.partition("## Cost")[2], "step")}
    assert int(spent["generate"]["answers"].replace(",", "")) == report.generate.usage.calls
    assert int(spent["validate"]["prompt tokens"].replace(",", "")) == report.validation.usage.prompt_tokens
    assert spent["generate"]["money"] == f"{report.generate.usage.money:.4f}"
    who = {row["did what"]: row["who"] for row in table(card, "who")}
    assert who["wrote the requests"].startswith("`writer /")
    assert who["judged whether a tool is given away"].startswith("`judge /")
    assert "Licence of the data: **cc-by-4.0**." in card
    assert "for their terms to say" in card


def test_reports_of_shards_put_together_are_the_whole_report(made, tmp_path):
    from llmi_data import Shard

    rows = list(read_rows(made / "generated.jsonl"))

    def journals(name):
        return tmp_path / f"{name}.sqlite"

    whole = validate_rows(rows, journals=journals)[1]
    for number in (1, 2, 3):
        part = validate_rows(rows, journals=journals, shard=Shard(number, 3))[1]
        Shard(number, 3).path(tmp_path / "validate.json").write_text(part.model_dump_json())
    assert read_record(reports=[tmp_path / "validate.json"]).validation == whole
    (tmp_path / "validate-00002-of-00003.json").unlink()
    with pytest.raises(PublishingError, match="2/3 are missing"):
        read_record(reports=[tmp_path / "validate.json"])
    other = whole.model_copy(update={"reader": "another"})
    with pytest.raises(PublishingError, match="read by another and offline-rules-1"):
        whole_validation([whole, other])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[1]", "not a report of"),
        ("{", "not valid JSON"),
        ('{"what": 1}', "not a report of"),
        ('{"generator": "x", "planned": "many"}', "planned: .*; let the step write this report again"),
    ],
)
def test_reports_that_are_none(tmp_path, text, words):
    (tmp_path / "report.json").write_text(text)
    with pytest.raises(PublishingError, match=words):
        read_record(reports=[tmp_path / "report.json"])


def test_reports_of_other_rows_are_refused(made, tmp_path):
    few = next(iter(read_rows(made / "curated.jsonl")))
    report = made / "report.json"
    with pytest.raises(PublishingError, match="a report of the same step"):
        read_record(made, [report, report])
    record = read_record(reports=[report])
    assert funnel(record, 1)[-1].went == {"taken out after the steps that are recorded": record.curation.kept - 1}
    with pytest.raises(PublishingError, match="they are not of these rows"):
        funnel(record, record.curation.kept + 1)
    made_fewer = record.generate.model_copy(update={"rows": 10})
    with pytest.raises(PublishingError, match="not of one run"):
        funnel(Record(generate=made_fewer, validation=record.validation), 5)
    assert few.id
    hits = tmp_path / "hits.jsonl"
    hits.write_text((made / "hits.jsonl").read_text().splitlines()[0])
    with pytest.raises(PublishingError, match=r"hits.jsonl: lists 1 finds"):
        read_record(made, hits=hits)


def test_reports_and_their_types_are_told_apart(made):
    record = read_record(reports=[made / "report.json"])
    assert isinstance(record.generate, GenerateReport)
    assert isinstance(record.validation, ValidateReport)
    assert record.curation.benchmarks[0].name == "Bench_1"
    assert record.hits is None


@pytest.mark.usefixtures("no_figures")
def test_markup_in_rows_stays_words(tmp_path):
    text = "Two pictures of | the <img src=x onerror=alert(1)> *harbour*.\n\n# A heading\n```\ncode"
    origin = Origin(generator="hand | `made`", seed=0, side="train", family="", topic="a <b>bold</b> topic")
    row = Row(
        prompt=(Message(role="user", content=text),), image_count=2, required_tools=("search",), provenance=origin
    )
    card = written(Split((row,), ()), tmp_path / "out", title="Of <b>harbours</b>", about=None)
    assert r"\<img src=x" in card
    assert r"\# A heading" in card
    assert r"# Of \<b\>harbours" in card
    assert "`hand ¦ ´made´`" in card


@pytest.mark.usefixtures("no_figures")
def test_an_authors_own_words(made, tmp_path):
    about = tmp_path / "about.md"
    about.write_text("## What it is for\n\nFor harbours.\n")
    assert "## What it is for\n\nFor harbours.\n\n## Use" in written(made, tmp_path / "out", about=about)
    with pytest.raises(PublishingError, match=r"gone\.md: cannot read"):
        written(made, tmp_path / "out", about=tmp_path / "gone.md")
    assert "For harbours." in (tmp_path / "out" / "README.md").read_text()


@pytest.mark.usefixtures("no_figures")
def test_only_texts_make_one_configuration(made, tmp_path):
    texts = _sides([row for row in read_rows(made / "curated.jsonl") if not row.images])
    card = written(Split(texts.train, ()), tmp_path / "out")
    head = yaml.safe_load(card.split("---\n")[1])
    assert [config["config_name"] for config in head["configs"]] == ["text"]
    assert not (tmp_path / "out" / "multimodal").exists()
    assert "All rows are in `train`" in card
    assert "`multimodal`" not in card.split("## Columns")[0].split("## Use")[0]


# -- the command -------------------------------------------------------------------------------------------------


def command(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_dry_run_writes_a_folder_and_lists_it(made, tmp_path):
    result = command("publish", made, "--repo", REPO, "--dry-run", "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    for path in (tmp_path / "out").rglob("*"):
        assert path.is_dir() or path.relative_to(tmp_path / "out").as_posix() in result.output
    assert "not compared with the Hub" in result.output
    assert "nothing was sent" in result.output


@pytest.mark.usefixtures("no_figures")
def test_single_steps_leave_the_same_record_as_a_run(made, tmp_path):
    """plan, generate, validate, curate, dataset, publish one by one: the same card, but for the order of commands."""
    files = {name: tmp_path / name for name in ("rows.jsonl", "valid.jsonl", "curated.jsonl", "data", "plan.yaml")}
    files["plan.yaml"].write_text(Plan.demo(rows=150).to_yaml())
    settings = tmp_path / "curate.yaml"
    bench = {"name": "Bench_1", "file": str(made.parent / "bench.jsonl"), "revision": "5a1f0c2", "split": "test"}
    settings.write_text(yaml.safe_dump({"benchmarks": [bench]}))
    reports = [tmp_path / f"{name}.json" for name in ("generate", "validate", "curate")]
    lists = ["--hits", tmp_path / "hits.jsonl", "--clusters", tmp_path / "clusters.jsonl"]
    curated = files["curated.jsonl"]
    curating = ["--plan", files["plan.yaml"], "--settings", settings]
    given = [part for report in reports for part in ("--report", report)]
    for arguments in (
        ["generate", "--plan", files["plan.yaml"], "-o", files["rows.jsonl"], "--report", reports[0]],
        ["validate", files["rows.jsonl"], "-o", files["valid.jsonl"], "--report", reports[1]],
        ["curate", files["valid.jsonl"], "-o", curated, *curating, "--report", reports[2], *lists],
        ["dataset", curated, "-o", files["data"]],
        ["publish", files["data"], "--repo", REPO, "--dry-run", "-o", tmp_path / "out", *given, *lists],
    ):
        result = command(*arguments)
        assert result.exit_code == 0, result.output
    assert (tmp_path / "out" / "README.md").read_text() == written(made, tmp_path / "run")


@pytest.mark.usefixtures("no_figures")
def test_a_runs_file_says_where_to(made, tmp_path):
    config = {"folder": str(made), "plan": {"cells": [{"count": 1, "tools": ["search"], "rows": 1}]}}
    path = tmp_path / "run.yaml"
    path.write_text(yaml.safe_dump(config | {"publish": {"repo": REPO, "license": "mit", "about": "about.md"}}))
    (tmp_path / "about.md").write_text("By us.")
    result = command("publish", path, "--dry-run", "-o", tmp_path / "out", "--title", "Ours")
    assert result.exit_code == 0, result.output
    card = (tmp_path / "out" / "README.md").read_text()
    assert "# Ours\n" in card
    assert "By us." in card
    assert "license: mit" in card
    path.write_text(yaml.safe_dump(config))
    assert "--repo me/prompts" in command("publish", path, "--dry-run").output
    path.write_text(yaml.safe_dump(config | {"publish": {"repo": REPO, "gate": "auto"}}))
    assert "gate: there is no such setting" in " ".join(command("publish", path, "--dry-run").output.split())


def test_a_proposal_sets_nothing():
    with pytest.raises(ConfigurationError, match="a proposal"):
        PublishConfig(repo=REPO, pull_request=True, public=True)


def test_a_run_that_has_not_come_to_its_end(made, tmp_path):
    (tmp_path / "steps.json").write_text("{}")
    result = command("publish", tmp_path, "--repo", REPO, "--dry-run")
    assert result.exit_code == 1
    assert "this run has no dataset yet" in " ".join(result.output.split())
