"""YAML of settings: what people write and what they get wrong."""

import pytest

from llmi_schema.yaml_text import parse_yaml

pytest.importorskip("yaml")


def test_numbers_in_scientific_notation_are_numbers():
    assert parse_yaml("[1e-5, 2E3, 1.5e+2, e5, '1e5']") == [1e-5, 2000.0, 150.0, "e5", "1e5"]


def test_a_key_that_stands_twice_is_named_with_its_place():
    with pytest.raises(ValueError, match=r"the key 'rows' stands twice(.|\n)*line 4"):
        parse_yaml("plan:\n  rows: 3\n  seed: 1\n  rows: 4\n")


def test_keys_of_other_mappings_and_kinds_are_other_keys():
    assert parse_yaml("{a: {b: 1}, b: {b: 2}, 1: x, '1': y}") == {"a": {"b": 1}, "b": {"b": 2}, 1: "x", "1": "y"}


def test_merged_keys_may_be_said_again():
    assert parse_yaml("base: &base {a: 1, b: 2}\nother: {<<: *base, b: 3}")["other"] == {"a": 1, "b": 3}


@pytest.mark.parametrize(
    "text", ["a: [", "[" * 10_000, "!!python/object:os.system {}", "{[1]: 2}: 3", "\0", "2026-99-99"]
)
def test_what_cannot_be_read_is_a_value_error(text):
    with pytest.raises(ValueError, match=r"line|nested|month|acceptable"):
        parse_yaml(text)
