"""YAML that no person would write: one sentence with the file's name, whatever the parser makes of it."""

import pytest

from llmi_data.errors import PlanError
from llmi_data.plan import Plan

LAUGHS = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))


@pytest.mark.parametrize(
    "text",
    [
        "rows: " + "[" * 20_000,
        "".join(" " * depth + "a:\n" for depth in range(3000)),
        "rows: 9999-99-99",
        "rows: " + "9" * 6000,
        "rows: &a [*a]",
        "rows: !!python/object/apply:os.abort []",
        "? [a, b]\n: 1",
        LAUGHS,
        f"{LAUGHS}rows: *a39",
    ],
    ids=["deep flow", "deep blocks", "no date", "huge number", "itself", "tag", "odd key", "laughs", "laughing number"],
)
def test_hostile_yaml_is_refused_in_a_sentence(tmp_path, text):
    file = tmp_path / "plan.yaml"
    file.write_text(text)
    with pytest.raises(PlanError) as caught:
        Plan.from_yaml(file)
    assert len(str(caught.value)) < 2000
