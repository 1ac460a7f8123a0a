"""The blocks of a page."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest
from report_samples import run_report, tides_document
from strict_html import Page

from llmi_sandbox.report import Marks, document_card, key_figures, page, prose, request, side_by_side, table
from llmi_schema import Constraint, ImageCount


def test_a_page_with_every_block_is_well_formed() -> None:
    read = Page(run_report())
    assert not read.problems
    assert read.count("section", "card") == 2
    assert read.count("figure", "chart") == 2
    assert read.count("h1") == 1
    assert all(a["alt"] for t, a in read.elements if t == "img")


def test_the_policy_allows_this_stylesheet_and_nothing_else() -> None:
    html = page("T", [prose("x")])
    css = re.search(r"<style>(.*?)</style>", html, re.DOTALL)
    assert css is not None
    digest = base64.b64encode(hashlib.sha256(css[1].encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    read = Page(html)
    (found,) = [a["content"] for _, a in read.elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert found == policy


def test_equal_pages_are_equal_bytes() -> None:
    assert run_report() == run_report()


def test_a_table_sets_numbers_right_and_shows_a_gap() -> None:
    read = Page(table(["tool", "runs", "share"], [["code", 12345, 0.123456], ["search", None, 2.0]], caption="c"))
    assert [a.get("class") for t, a in read.elements if t == "th"] == [None, "align-right", "align-right"]
    for words in ("12,345", "0.123", "–"):
        assert words in read.text


def test_a_ragged_table_is_an_error() -> None:
    with pytest.raises(ValueError, match="row 2 has 1 cells, but there are 2 columns"):
        table(["a", "b"], [[1, 2], [3]])


def test_an_empty_table_and_an_empty_row_of_figures_are_fine() -> None:
    assert not Page(table(["a"], [])).problems
    assert not Page(key_figures()).problems


@pytest.mark.parametrize(
    ("constraint", "chips"),
    [
        (
            Constraint(count=ImageCount.exactly(3), required_tools={"search", "code"}),
            ["exactly 3 pictures", "uses code", "uses search"],
        ),
        (Constraint(count=ImageCount.exactly(1)), ["exactly 1 picture"]),
        (Constraint(count=ImageCount.none()), ["no pictures"]),
        (Constraint(), ["any number of pictures"]),
        (Constraint(count=ImageCount.at_least_one()), ["at least one picture"]),
        (Constraint(count=ImageCount(minimum=2, maximum=4)), ["2 to 4 pictures"]),
    ],
)
def test_constraints_in_words(constraint: Constraint, chips: list[str]) -> None:
    assert re.findall("<li>(.*?)</li>", request("p", constraint)) == chips


def test_what_was_not_scored_is_never_a_zero() -> None:
    card = document_card(
        tides_document(), marks=Marks(None, {"count": 1.3, "judge": None, "bad": 0.0}, note="no judge")
    )
    read = Page(card)
    assert read.text.count("not scored") == 2
    assert "no judge" in read.text
    assert [a["width"] for t, a in read.elements if a.get("class") == "fill"] == ["100.0", "0.0"]


def test_both_sides_are_labelled() -> None:
    read = Page(side_by_side(prose("x"), prose("y"), labels=("Then", "Now")))
    assert [a["aria-label"] for t, a in read.elements if t == "section"] == ["Then", "Now"]
