import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmi_data import RowError, Shard, generate_rows, merge, read_rows, write_rows
from llmi_data.plan import Plan
from llmi_schema import ConfigurationError


@given(total=st.integers(0, 500), parts=st.integers(1, 40))
def test_parts_put_in_a_row_are_the_whole(total, parts):
    items = list(range(total))
    shards = [Shard(number, parts).of(items) for number in range(1, parts + 1)]
    assert [item for shard in shards for item in shard] == items
    assert max(map(len, shards)) - min(map(len, shards)) <= 1


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "a/b", "1/0", ""])
def test_what_is_no_shard_is_refused(text):
    with pytest.raises(ConfigurationError, match="write i/n"):
        Shard.parse(text)


def test_offline_shards_are_slices_of_the_whole(tmp_path):
    plan = Plan.demo(rows=60)
    whole, _ = generate_rows(plan, journals=lambda name: tmp_path / name)
    parts = [generate_rows(plan, journals=lambda name: tmp_path / name, shard=Shard(n, 4))[0] for n in (1, 2, 3, 4)]
    assert [row for part in parts for row in part.rows] == list(whole.rows)
    assert list(tmp_path.iterdir()) == []


def test_merging_names_what_is_missing_and_leaves_repeats_out(tmp_path, make_row):
    whole = tmp_path / "rows.jsonl"
    with pytest.raises(RowError, match=r"no parts of it, such as rows-00001-of-00002\.jsonl"):
        merge(whole)
    write_rows(Shard(1, 3).path(whole), [make_row("a"), make_row("b")])
    write_rows(Shard(3, 3).path(whole), [make_row("b"), make_row("c")])
    with pytest.raises(RowError, match="the shards 2/3 are missing"):
        merge(whole)
    write_rows(Shard(2, 3).path(whole), [])
    merged = merge(whole)
    assert (merged.parts, merged.rows, merged.repeated) == (3, 3, (make_row("b").id,))
    assert [row.text for row in read_rows(whole)] == ["a", "b", "c"]
    write_rows(Shard(1, 2).path(whole), [])
    with pytest.raises(RowError, match="different shardings, of 2 and 3"):
        merge(whole)
