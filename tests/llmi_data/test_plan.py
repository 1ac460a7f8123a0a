import hashlib
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmi_data import Cell, Plan, PlanError
from llmi_schema import ConfigurationError


@given(rows=st.integers(42, 3000), share=st.floats(0, 0.5), seed=st.integers(0, 99))
@settings(max_examples=40)
def test_the_default_plan_has_exactly_the_rows_asked_for(rows, share, seed):
    plan = Plan.demo(rows=rows, seed=seed, test_share=share)
    expanded = list(plan.expand())
    assert len(expanded) == plan.rows == rows
    assert Counter((a.count, a.tools) for a in expanded) == Counter({(c.count, c.tools): c.rows for c in plan.cells})
    assert abs(sum(a.side == "test" for a in expanded) - rows * share) <= 1


def test_the_default_plan_covers_every_count_and_tool():
    plan = Plan.demo()
    assert {cell.count for cell in plan.cells} == {-1, 0, 1, 2, 3, 4, 99}
    assert {tool for cell in plan.cells for tool in cell.tools} == {"search", "diffusion", "code", "edit"}
    assert any(len(cell.tools) == 2 for cell in plan.cells)
    per_count = Counter({c.count: sum(x.rows for x in plan.cells if x.count == c.count) for c in plan.cells})
    assert max(per_count.values()) < 1.5 * min(per_count.values())


def test_expansion_depends_on_the_seed_alone():
    assert list(Plan.demo(seed=3).expand()) == list(Plan.demo(seed=3).expand())
    assert list(Plan.demo(seed=3).expand()) != list(Plan.demo(seed=4).expand())


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ({"count": -1, "tools": ["code"], "rows": 1}, "impossible.*ask for more pictures or fewer tools"),
        ({"count": 1, "tools": ["code", "search"], "rows": 1}, "impossible"),
        ({"count": 2, "tools": ["paint"], "rows": 1}, "paint.*the tools are search"),
    ],
)
def test_impossible_cells_are_refused_with_a_sentence(cell, says):
    with pytest.raises(PlanError, match=says):
        Cell.model_validate(cell)


def test_too_few_rows_and_repeated_cells_are_refused():
    with pytest.raises(PlanError, match="10 rows cannot cover"):
        Plan.demo(rows=10)
    with pytest.raises(PlanError, match="appears twice"):
        Plan(cells=(Cell(count=0, rows=1), Cell(count=0, rows=2)))


def test_a_plan_file_round_trips_and_its_mistakes_are_named(tmp_path):
    path = tmp_path / "plan.yaml"
    path.write_text(Plan.demo(rows=100).to_yaml())
    assert Plan.from_yaml(path) == Plan.demo(rows=100)

    path.write_text("cells:\n  - {count: inf, tools: [edit], rows: 5}\nseed: 2\n")
    assert Plan.from_yaml(path).cells[0].count == 99

    for text, says in [
        ("cells:\n  - {count: -1, tools: [edit], rows: 5}\n", "impossible"),
        ("cells:\n  - {count: 1, rows: 0}\n", "cells.0.rows: input should be greater"),
        ("cells: [\n", "not valid YAML"),
        ("rows: 5\ncells: []\n", "cells"),
        ("", "the plan"),
    ]:
        path.write_text(text)
        with pytest.raises(PlanError, match=says) as problem:
            Plan.from_yaml(path)
        assert str(path) in str(problem.value)
    path.write_bytes("# Pläne\n".encode("latin-1"))
    with pytest.raises(PlanError, match="utf-8"):
        Plan.from_yaml(path)
    with pytest.raises(ConfigurationError, match="No such file"):
        Plan.from_yaml(tmp_path / "none.yaml")


def test_cells_differ_in_domain_language_and_modality_too():
    cells = (
        Cell(count="at least one", tools=("search",), rows=3, domain="sport"),
        Cell(count=99, tools=("search",), rows=2, domain="sport", language="de"),
        Cell(count="inf", tools=("search",), rows=2, domain="sport", modality="multimodal"),
        Cell(count="none", rows=2),
        Cell(count="any", tools=("edit",), rows=2),
        Cell(count=2, tools=("edit",), rows=1, modality="text"),
    )
    plan = Plan(cells=cells, test_share=0)
    assert Plan.model_validate_json(plan.model_dump_json()) == plan
    rows = list(plan.expand())
    assert Counter((a.domain, a.language, a.modality) for a in rows if a.tools == ("search",)) == {
        ("sport", "en", "text"): 3,
        ("sport", "de", "text"): 2,
        ("sport", "en", "multimodal"): 2,
    }
    numbers = [a.number for a in rows if a.tools == ("search",)]
    assert sorted(numbers) == list(range(7)), "rows with the same labels never share a number"
    assert {a.modality for a in rows if a.tools == ("edit",) and a.count == 0} == {"multimodal"}


def test_a_grid_stands_for_every_combination(tmp_path):
    path = tmp_path / "plan.yaml"
    path.write_text(
        "grid:\n  - {count: [1, 2, none], tools: [[]], language: [en, 'no'], rows: 4}\n"
        "  - {count: 10, tools: [[search], [code, search]], domain: [sport, music, travel], rows: 1}\n"
        "cells:\n  - {count: any, rows: 7}\n"
    )
    plan = Plan.from_yaml(path)
    assert plan.rows == 7 + 3 * 2 * 4 + 2 * 3
    path.write_text(plan.to_yaml())
    assert Plan.from_yaml(path) == plan
    path.write_text("grid:\n  - {count: [1, -1], tools: [[search]], rows: 4}\n")
    with pytest.raises(PlanError, match=r"the cell \(none; search\) is impossible"):
        Plan.from_yaml(path)
    path.write_text("grid:\n  - {count: 1, tools: [search], rows: 4}\n")
    with pytest.raises(PlanError, match="list of lists"):
        Plan.from_yaml(path)


def test_a_changed_picture_must_have_been_there_before():
    with pytest.raises(PlanError, match=r"\(exactly 1; edit; text\) is impossible.*modality: multimodal"):
        Cell(count=1, tools=("edit",), rows=1, modality="text")
    assert Cell(count=1, tools=("edit",), rows=1).modality == "multimodal"


def test_the_demo_of_earlier_versions_is_expanded_as_ever():
    """The demo's training run depends on every row of it."""
    expanded = repr([(a.count, a.tools, a.side, a.number) for a in Plan.demo().expand()])
    assert hashlib.sha256(expanded.encode()).hexdigest()[:16] == "3796f484ce448fab"


def test_a_plan_is_written_in_words():
    written = Plan.demo().to_yaml()
    assert "{count: none, tools: [], rows: " in written
    assert "{count: at least one, tools: [search], rows: " in written
    assert "count: -1" not in written
    assert "count: 99" not in written
