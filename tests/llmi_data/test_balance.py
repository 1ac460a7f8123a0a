import json
import random
from collections import Counter

import pytest

from llmi_data import Cell, Message, Origin, Plan, Row, SplitError, generate, read_rows, split, write_rows
from llmi_data.curation import CurationSettings, balance, curate, curate_file
from llmi_data.splits import assign_sides, straddlers


def test_no_cell_above_its_plan_and_each_below_it_named():
    rows = list(generate(Plan.demo(rows=480)))
    plan = Plan(
        cells=(
            Cell(count=2, tools=("search",), rows=5),
            Cell(count=-1, rows=900),
            Cell(count=7, tools=("code",), rows=3),
        ),
        test_share=0.2,
    )
    kept, over, short = balance(rows, plan)
    counted = Counter((row.image_count, row.required_tools, row.provenance.side) for row in kept)
    assert counted[2, ("search",), "train"] == 4
    assert counted[2, ("search",), "test"] == 1
    assert len(kept) + len(over) == 480
    assert {row.image_count for row in kept} == {2, -1}
    told = {str(shortfall) for shortfall in short}
    there = sum(row.image_count == -1 and row.provenance.side == "train" for row in rows)
    assert f"(none; no tool) train: {there} of 720 rows" in told
    assert any(line.startswith("(exactly 7; code) train: 0 of ") for line in told)


def test_who_stays_does_not_depend_on_the_order():
    rows = list(generate(Plan.demo(rows=300)))
    plan = Plan.demo(rows=60)
    kept = {row.id for row in balance(rows, plan)[0]}
    random.Random(1).shuffle(rows)
    assert {row.id for row in balance(rows, plan)[0]} == kept
    other = plan.model_copy(update={"seed": 1})
    assert {row.id for row in balance(rows, other)[0]} != kept


def test_a_cell_with_a_domain_comes_before_one_without():
    def row(number, domain, language="en"):
        origin = Origin(generator="g", seed=0, side="train", family="f", topic="t", domain=domain, language=language)
        return Row(prompt=(Message(role="user", content=f"prompt {number}"),), image_count=1, provenance=origin)

    plan = Plan(
        cells=(Cell(count=1, rows=1, domain="travel"), Cell(count=1, rows=2), Cell(count=1, rows=1, language="de")),
        test_share=0,
    )
    rows = [row(0, "travel"), row(1, "law"), row(2, None), row(3, "law", "de"), row(4, "law", "fr")]
    kept, over, short = balance(rows, plan)
    assert kept == tuple(rows[:4])
    assert over == (rows[4],)
    assert not short


def test_curate_balances_what_is_left():
    rows = list(generate(Plan.demo(rows=300)))
    curated = curate([*rows, *rows], plan=Plan.demo(rows=60))
    assert curated.report.removed["exact duplicate"] == 300
    assert curated.report.kept <= 60
    assert {removed.decision.reason for removed in curated.removed} >= {"exact duplicate", "over the plan"}
    assert len(curated.report.short) == len({str(shortfall) for shortfall in curated.report.short})


@pytest.mark.parametrize("exact_up_to", [0, 10_000])
def test_from_file_to_file_as_in_memory(tmp_path, exact_up_to):
    rows = list(generate(Plan.demo(rows=200)))
    rows += rows[:30]
    source = tmp_path / "rows.jsonl"
    write_rows(source, rows)
    with source.open("a") as file:
        file.write("{broken\n")
    settings = CurationSettings(exact_up_to=exact_up_to, near=0.5)
    bad = []
    outputs = {name: tmp_path / f"{name}.jsonl" for name in ("removed", "hits", "clusters")}
    report = curate_file(source, tmp_path / "kept.jsonl", settings, plan=Plan.demo(rows=100), bad=bad.append, **outputs)
    curated = curate(rows, settings, plan=Plan.demo(rows=100))
    assert report == curated.report
    write_rows(tmp_path / "wanted.jsonl", curated.kept)
    assert (tmp_path / "kept.jsonl").read_bytes() == (tmp_path / "wanted.jsonl").read_bytes()
    gone = [json.loads(line) for line in outputs["removed"].read_text().splitlines()]
    assert [(g["id"], g["reason"], g["partner"], g["score"]) for g in gone] == [
        (r.row.id, r.decision.reason, r.decision.partner, r.decision.score) for r in curated.removed
    ]
    assert Row.model_validate_json(json.dumps(gone[0]["row"])) == curated.removed[0].row
    clusters = dict(json.loads(line).values() for line in outputs["clusters"].read_text().splitlines())
    assert clusters == curated.clusters
    assert len(bad) == 1

    curate_file(source, source, settings, removed=outputs["removed"], bad=bad.append)
    assert len(list(read_rows(source))) + len(outputs["removed"].read_text().splitlines()) == len(rows)


def row(text, topic="", side="train", wordings=()):
    origin = Origin(generator="g", seed=0, side=side, family="", topic=topic, wordings=wordings)
    return Row(prompt=(Message(role="user", content=text),), image_count=1, provenance=origin)


def test_a_cluster_may_not_straddle():
    train, test = row("a fox"), row("a fox!", side="test")
    assert split([train, test]).test == (test,)
    clusters = {train.id: "c", test.id: "c"}
    with pytest.raises(SplitError, match=f"the cluster 'c' is in train row {train.id} and in test row {test.id}"):
        split([train, test], clusters)


def test_curated_rows_split(rows):
    curated = curate(rows)
    sides = split(curated.kept, curated.clusters)
    assert len(sides.train) + len(sides.test) == len(curated.kept)


def test_rows_from_elsewhere_are_given_sides():
    rng = random.Random(0)
    rows = [row(f"text {n}", topic=f"topic {rng.randrange(60)}") for n in range(400)]
    clusters = {row.id: f"c{n // 3}" for n, row in enumerate(rows) if n < 30}
    placed = assign_sides(rows, 0.25, clusters=clusters)
    assert [p.id for p in placed] == [r.id for r in rows]
    tests = [p for p in placed if p.provenance.side == "test"]
    assert 60 <= len(tests) <= 100
    assert not list(straddlers([p for p in placed if p.provenance.side == "train"], tests, clusters))
    shuffled = rng.sample(rows, len(rows))
    assert {p.id for p in assign_sides(shuffled, 0.25, clusters=clusters) if p.provenance.side == "test"} == {
        p.id for p in tests
    }
    assert assign_sides(rows, 0.25, seed=1, clusters=clusters) != placed


def test_rows_without_provenance_too():
    rows = [r.model_copy(update={"provenance": None}) for r in (row("a"), row("b"), row("c"), row("d"))]
    assert sorted(p.provenance.side for p in assign_sides(rows, 0.5)) == ["test", "test", "train", "train"]


def test_what_hangs_together_cannot_be_held_apart():
    rows = [row(f"text {n}", wordings=(f"w{n}", f"w{n + 1}")) for n in range(20)]
    with pytest.raises(SplitError, match="20 of the 20 rows share topics"):
        assign_sides(rows, 0.5)
