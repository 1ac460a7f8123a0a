import asyncio

import pytest

from llmi_data import OfflineReader, Question, Reading, UnclearError, validate, validate_async
from llmi_data.validation import agreement, cohen_kappa
from llmi_schema import ConfigurationError


@pytest.fixture(scope="module")
def validated(rows):
    return validate(rows)


def test_the_reader_agrees_with_nearly_all_and_the_drops_are_counted(validated, rows):
    assert validated.agreement.share >= 0.95
    assert validated.agreement.count_kappa > 0.9
    assert validated.agreement.tools_kappa > 0.9
    assert len(validated.kept) + len(validated.dropped) == len(rows)
    assert sum(validated.drops.values()) == len(validated.dropped) > 0
    assert all(row.verdict.agrees and row.verdict.reader == OfflineReader.name for row in validated.kept)
    assert [r.id for r in validated.kept] == [r.id for r in rows if r.id in {k.id for k in validated.kept}]


def test_what_is_dropped_is_what_was_put_vaguely(validated):
    """No clearly put row is lost: false drops stay under one in a hundred."""
    from llmi_data.offline.wordings import ANY_PICTURES, AT_LEAST_ONE, EXACTLY, NEEDS, NO_PICTURES

    vague = {w.id for ws in (*NEEDS.values(), ANY_PICTURES, AT_LEAST_ONE, EXACTLY, NO_PICTURES) for w in ws.vague}
    false_drops = [d for d in validated.dropped if not vague & set(d.row.provenance.wordings)]
    assert len(false_drops) <= 0.01 * len(validated.kept), [d.row.text for d in false_drops]


def test_the_reader_is_handed_the_blind_view_alone(make_row):
    seen = []

    class Spy:
        name = "spy"

        def read(self, question):
            seen.append(question)
            return Reading(image_count=2, required_tools=("search",))

    assert len(validate([make_row()], Spy()).kept) == 1
    assert type(seen[0]) is Question


def test_one_bad_row_costs_one_row(make_row):
    class Moody:
        name = "moody"

        async def read(self, question):
            await asyncio.sleep(0)
            if "unclear" in question.text:
                raise UnclearError("I cannot tell")
            if "break" in question.text:
                raise KeyError("lost")
            return Reading(image_count=2, required_tools=("search",))

    texts = ["fine", "unclear", "break", "search it", "also fine"]
    result = validate([make_row(text) for text in texts], Moody())
    assert [row.text for row in result.kept] == ["fine", "also fine"]
    assert [(d.reason, d.row.text) for d in result.dropped] == [
        ("unclear", "unclear"),
        ("reader failed", "break"),
        ("names a tool", "search it"),
    ]
    assert "KeyError" in result.dropped[1].detail
    assert result.agreement.compared == 2


def test_a_misconfigured_reader_stops_the_run(make_row):
    class Keyless:
        name = "keyless"

        def read(self, question):
            raise ConfigurationError("set a key")

    with pytest.raises(ConfigurationError, match="set a key"):
        validate([make_row()], Keyless())


async def test_validate_works_inside_a_running_loop(make_row):
    assert len(validate([make_row()]).kept) == 1
    assert len((await validate_async([make_row()])).kept) == 1


async def test_async_readers_overlap_up_to_the_limit(make_row):
    now = most = 0

    class Slow:
        name = "slow"

        async def read(self, question):
            nonlocal now, most
            now += 1
            most = max(most, now)
            await asyncio.sleep(0.01)
            now -= 1
            return Reading(image_count=2, required_tools=("search",))

    await validate_async([make_row(f"row {n}") for n in range(20)], Slow(), concurrency=4)
    assert most == 4


def test_reasons_say_both_sides(make_row):
    (drop,) = validate([make_row(image_count=3, required_tools=())]).dropped
    assert drop.reason == "another count and other tools"
    assert drop.detail == "labelled 3 (no tool), read as 2 (search)"


def test_kappa_by_hand():
    # 2x2 table 20, 5, 10, 15: observed 0.7, by chance 0.5
    pairs = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
    assert cohen_kappa(pairs) == pytest.approx(0.4)
    assert cohen_kappa([]) is None
    assert cohen_kappa([(1, 1)] * 5) is None
    nothing = agreement([])
    assert nothing.share is None
    assert nothing.count_confusion == ()


def test_the_confusion_table_counts_every_row(validated):
    table = validated.agreement.count_confusion
    assert sum(cell.rows for cell in table) == validated.agreement.compared
    right = sum(cell.rows for cell in table if cell.labelled == cell.read)
    assert right / validated.agreement.compared == pytest.approx(validated.agreement.count_share)
