"""The wide scenarios: many, true to their labels, and different by their words even where numbers and names are not."""

import importlib.util
import io
import re
import sys
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from llmi_data import Cell, Plan, PlanError, generate, straddlers, tool_namings, validate
from llmi_data.generation import compose_rows
from llmi_data.offline.drawings import SUBJECTS, draw
from llmi_data.offline.objects import OBJECTS
from llmi_data.offline.wide import DOMAINS, compose, domain, subjects
from llmi_data.offline.wide.library import said

SCENARIOS = Path(sys.modules["llmi_data.offline.wide"].__file__).parent / "scenarios"

_SLIPS = re.compile(r"[{}]|\ba (?:image|illustration)|\b[Aa]n? [Tt]he |\s[,.;:]|\.\.|  (?! *\d)")
"""Open slots, wrong articles, lost words; two spaces occur in columns of figures alone."""


@pytest.fixture(scope="module")
def wide():
    return list(generate(Plan.wide(rows=1000, seed=3)))


@pytest.fixture(scope="module")
def variety():
    """The benchmark, as a module."""
    folder = Path(__file__).parents[2] / "benchmarks"
    sys.path.insert(0, str(folder))
    try:
        spec = importlib.util.spec_from_file_location("data_variety", folder / "data_variety.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(folder))


def test_without_numbers_and_names_hardly_a_row_is_a_duplicate(wide, variety):
    """The full size, 6,000 rows, is measured by the benchmark: at least 4,000 rows of 200 scenarios must be left."""
    found = variety.measure(wide)
    assert found["rows left"] >= 990
    assert found["scenarios left"] >= 200


def test_the_measure_is_not_blind(wide, variety):
    """Rows that differ in nothing but numbers and names are one row to it."""
    row = next(r for r in wide if r.required_tools == ("code",))
    other = row.text.replace(row.provenance.topic, "the Tower of Pisa")
    other = re.sub(r"\d{2,}", lambda found: str(int(found[0]) + 7), other)
    copy = row.model_copy(
        update={
            "id": "copy",
            "prompt": (row.prompt[0].model_copy(update={"content": other}),),
            "provenance": row.provenance.model_copy(
                update={
                    "scenario": row.provenance.scenario.model_copy(update={"topic": "the Tower of Pisa"}),
                    "topic": "the Tower of Pisa",
                }
            ),
        }
    )
    assert other != row.text
    assert variety.masked(copy) == variety.masked(row)
    assert variety.measure([row, copy])["rows left"] == 1


def test_masking_takes_numbers_and_names_and_nothing_else(variety, make_row):
    row = make_row("Tell Anna Bell of Leeds how 1,200 people saw two plays in May. Readers like it.\n- Show it.")
    assert variety.masked(row) == "Tell NAME how 0 people saw 0 plays in NAME. Readers like it.\n- Show it."


def test_prompts_are_implicit_and_a_blind_reader_agrees_with_every_label(wide):
    assert [row.text for row in wide if tool_namings(row.text)] == []
    assert [(drop.reason, drop.row.text) for drop in validate(wide).dropped] == []


def test_the_labels_rest_on_the_words_and_pictures(wide):
    for row in wide:
        facts = row.provenance.scenario
        assert facts.topic in row.text or facts.topic.split(" ", 1)[1] in row.text, row.text
        assert facts.angle in row.text
        assert (facts.scenes[0] in row.text) == ("diffusion" in row.required_tools), row.text
        told = (
            all(re.search(rf"\b{value}\b", row.text) for value in facts.series.values)
            and facts.series.title.lower() in row.text.lower()
        )
        assert told == ("code" in row.required_tools), row.text
        assert bool(row.images) == ("attached" in row.text) == ("edit" in row.required_tools), row.text
        if 1 <= row.image_count <= 10:
            word = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"][row.image_count - 1]
            noun = r"(?:picture|image|illustration|visual)s?\b"
            assert re.search(rf"\b(?:{word}|{row.image_count}) {noun}", row.text, re.IGNORECASE), row.text


def test_prompts_read_as_people_write(wide):
    for row in wide:
        assert 20 <= len(row.text.split()) <= 160, row.text
        assert not _SLIPS.search(row.text), row.text
        prose = row.text.split("\n\n")[0]
        assert not re.search(r"[.?!] [a-z]", prose), prose


def test_what_is_held_out_shares_no_scenario_and_no_wording(wide):
    train = [row for row in wide if row.provenance.side == "train"]
    test = [row for row in wide if row.provenance.side == "test"]
    assert len(train) > 3 * len(test) > 0
    assert list(straddlers(train, test)) == []


def test_the_files_are_whole():
    """Every domain's file is listed, no subject occurs twice, and each can be drawn, counted and imagined."""
    assert sorted(path.stem for path in SCENARIOS.glob("*.yaml")) == list(DOMAINS)
    every = [*subjects("train"), *subjects("test")]
    assert len({subject.name.lower() for subject in every}) == len(every) >= 250
    assert len({subject.imagine for subject in every}) == len(every)
    for subject in every:
        figures = subject.figures
        assert len(subject.angles) == 2, subject.name
        assert len(set(figures.labels)) == len(figures.labels) >= 4, subject.name
        assert 10 <= figures.low < figures.high or figures.low >= 8, subject.name
        assert not re.search(r"[.!?]", " ".join((subject.imagine, figures.title, *subject.angles))), subject.name
    for name in DOMAINS:
        assert {*domain(name).drawings} <= {*SUBJECTS, *OBJECTS}, name
        assert len(domain(name).audiences) >= 5
        assert len(domain(name).asks.on("test")) >= 2
    for file in ("openings", "needs", "counts", "changes", "details"):
        for purpose, wordings in said(file).items():
            assert len(wordings.on("train")) >= 3, (file, purpose)
            assert wordings.on("test"), (file, purpose)


def test_every_object_is_a_drawing_of_its_own():
    drawn = {name: draw(name, 0) for name in (*SUBJECTS, *OBJECTS)}
    assert len(set(drawn.values())) == len(drawn) == len(SUBJECTS) + len(OBJECTS)
    assert {Image.open(io.BytesIO(png)).size for png in drawn.values()} == {(160, 120)}


def test_a_plan_chooses_and_says_which_scenarios(tmp_path):
    path = tmp_path / "plan.yaml"
    plan = Plan.wide(rows=80, seed=2)
    path.write_text(plan.to_yaml())
    assert "scenarios: wide\n" in path.read_text()
    assert Plan.from_yaml(path) == plan
    assert {cell.count for cell in plan.cells} == {-1, *range(11), 99}
    assert "scenarios" not in Plan.demo().to_yaml()
    assignment = next(plan.expand())
    assert {row.id: row for row in generate(plan)}[compose(assignment, 2).id] == compose(assignment, 2)


def test_domains_can_be_planned_and_unknown_ones_are_refused():
    cells = (Cell(count=2, tools=("search",), rows=20, domain="cooking"), Cell(count=-1, rows=4, domain="law"))
    made = list(compose_rows(Plan(cells=cells, scenarios="wide")))
    assert Counter(row.provenance.domain for row in made) == {"cooking": 20, "law": 4}
    assert {row.provenance.side for row in made if row.provenance.domain == "cooking"} == {"train", "test"}
    odd = Cell(count=-1, rows=4, domain="tax havens")
    with pytest.raises(PlanError, match="knows nothing of tax havens; name a model, or one of architecture, arts"):
        list(compose_rows(Plan(cells=(odd,), scenarios="wide")))
    with pytest.raises(PlanError, match="write scenarios: wide in the plan"):
        list(compose_rows(Plan(cells=cells)))
