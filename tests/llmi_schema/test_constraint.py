from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from llmi_schema import Constraint, ConstraintError, ImageCount


@pytest.mark.parametrize(
    ("code", "count", "written"),
    [
        (-1, ImageCount.none(), "none"),
        (0, ImageCount.any(), "any"),
        (1, ImageCount.exactly(1), "exactly 1"),
        (98, ImageCount.exactly(98), "exactly 98"),
        (99, ImageCount.at_least_one(), "at least one"),
    ],
)
def test_published_codes(code: int, count: ImageCount, written: str) -> None:
    assert ImageCount.decode(code) == ImageCount.decode(str(code)) == count
    assert count.encode() == code
    assert str(count) == written


def test_infinity_is_at_least_one() -> None:
    assert ImageCount.decode("inf") == ImageCount.decode("Inf") == ImageCount.at_least_one()


@pytest.mark.parametrize("code", [-2, 100, True, "many", "", "1.5", "--1", 1.5, None])
def test_what_is_no_code(code: Any) -> None:
    with pytest.raises(ConstraintError, match="is no image count"):
        ImageCount.decode(code)


@pytest.mark.parametrize("count", [ImageCount.exactly(99), ImageCount(minimum=2), ImageCount(minimum=1, maximum=3)])
def test_counts_without_a_code(count: ImageCount) -> None:
    with pytest.raises(ConstraintError, match="no published code"):
        count.encode()


@pytest.mark.parametrize(
    ("count", "allowed"),
    [
        (ImageCount.none(), {0}),
        (ImageCount.any(), {0, 1, 2, 50}),
        (ImageCount.exactly(2), {2}),
        (ImageCount.at_least_one(), {1, 2, 50}),
        (ImageCount(minimum=1, maximum=2), {1, 2}),
    ],
)
def test_allows(count: ImageCount, allowed: set[int]) -> None:
    assert {k for k in (0, 1, 2, 50) if count.allows(k)} == allowed


def test_impossible_counts() -> None:
    with pytest.raises(ConstraintError, match=r"use ImageCount\.none"):
        ImageCount.exactly(0)
    with pytest.raises(ConstraintError, match="lies between 3 and 2"):
        ImageCount(minimum=3, maximum=2)


def test_more_required_tools_than_pictures() -> None:
    with pytest.raises(ConstraintError, match="2 tools are required"):
        Constraint(count=ImageCount.exactly(1), required_tools=frozenset({"search", "code"}))
    with pytest.raises(ConstraintError, match="the count is none"):
        Constraint(count=ImageCount.none(), required_tools=frozenset({"code"}))


def test_values_are_frozen() -> None:
    with pytest.raises(ValidationError):
        ImageCount.any().minimum = 1  # type: ignore[misc]
