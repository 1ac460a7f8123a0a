import base64
import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from llmi_data import Plan, Row, RowError, Verdict, generate, write_rows
from llmi_data.checking import check_file, check_lines, derived
from llmi_schema import LLMIError


def _examples():
    verdict = Verdict(image_count=99, required_tools=("code",), reader="m", agrees=True)
    rows = list(generate(Plan.demo(rows=60)))[:12]
    return [row.model_copy(update={"verdict": verdict}).model_dump(mode="json") for row in rows]


EXAMPLES = _examples()


def accepted(line):
    try:
        Row.model_validate_json(line)
    except (ValidationError, LLMIError):
        return False
    return True


def places(value, path=()):
    """Every place in a JSON value."""
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from places(child, (*path, key))


VALUES = st.one_of(
    st.sampled_from([None, True, False, [], {}, "inf", "99", "train", "code", "", "AAAA"]),
    st.just(base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()),
    st.integers(-3, 120),
    st.floats(),
    st.lists(st.sampled_from(["code", "edit", 3])),
)


@given(st.data())
@settings(max_examples=400)
def test_the_same_verdict_as_row_wherever_a_value_is_changed(data):
    value = copy.deepcopy(data.draw(st.sampled_from(EXAMPLES)))
    place = data.draw(st.sampled_from(list(places(value))))
    what = data.draw(st.sampled_from(["change", "drop", "add"]))
    if not place:
        value = data.draw(VALUES)
    else:
        inside = value
        for key in place[:-1]:
            inside = inside[key]
        if what == "change":
            inside[place[-1]] = data.draw(VALUES)
        elif what == "drop":
            del inside[place[-1]]
        elif isinstance(inside, dict):
            inside["another"] = data.draw(VALUES)
        else:
            inside.append(data.draw(VALUES))
    line = json.dumps(value).encode()
    ((_, problem),) = check_lines([line])
    assert (problem is None) == accepted(line), line


@given(st.binary(max_size=60))
def test_and_for_any_bytes(line):
    found = list(check_lines([line]))
    if line.strip():
        assert [problem is None for _, problem in found] == [accepted(line)]
    else:
        assert found == []


@given(st.integers(-2, 100), st.lists(st.sampled_from(["code", "edit", "search", "diffusion"]), max_size=6))
def test_and_for_any_labels(count, tools):
    line = json.dumps({**EXAMPLES[0], "image_count": count, "required_tools": tools}).encode()
    ((_, problem),) = check_lines([line])
    assert (problem is None) == accepted(line)


def test_rows_take_the_short_way():
    """A row's schema in a form that `derived` does not know would be checked rightly, and slowly."""
    schema = derived(Row.__pydantic_core_schema__)
    assert schema["type"] == "typed-dict"
    assert set(schema["fields"]) == set(Row.model_fields)
    origin = schema["fields"]["provenance"]["schema"]["schema"]
    assert origin["type"] == "typed-dict"


def test_a_file_names_its_lines(tmp_path):
    rows = list(generate(Plan.demo(rows=60)))
    path = tmp_path / "rows.jsonl"
    write_rows(path, rows)
    assert check_file(path).valid == 60
    lines = path.read_text().splitlines()
    lines[3] = lines[3].replace('"image_count":', '"image_number":')
    lines.insert(7, "")
    lines[9] = "{"
    path.write_text("\n".join(lines))
    checked = check_file(path)
    assert checked.valid == 58
    assert [str(problem).split(": ")[0] for problem in checked.problems] == [f"{path}, line 4", f"{path}, line 10"]
    with pytest.raises(RowError, match="cannot read"):
        check_file(tmp_path / "none")
