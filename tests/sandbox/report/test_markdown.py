"""Markdown that is split around figures and can do nothing."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup
from strict_html import Page

from llmi_sandbox.report.markdown import first_heading, place, to_html
from llmi_sandbox.report.text import followable, showable

FIGURE = Markup("<figure>0</figure>")


def html(source: str) -> str:
    """The HTML of a source in which @ stands for a figure, without line breaks."""
    return to_html(source.replace("@", place(0)), fragments=[FIGURE]).replace("\n", "")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a @ b", "<p>a</p><figure>0</figure><p>b</p>"),
        ("a\n@\nb", "<p>a</p><figure>0</figure><p>b</p>"),
        ("a\n\n@\n\nb", "<p>a</p><figure>0</figure><p>b</p>"),
        ("as here @. Then", "<p>as here.</p><figure>0</figure><p>Then</p>"),
        ("as here (@), then", "<p>as here (),</p><figure>0</figure><p>then</p>"),
        ("**bold @ bold**", "<p><strong>bold </strong></p><figure>0</figure><p><strong> bold</strong></p>"),
        ("**bold:**@", "<p><strong>bold:</strong></p><figure>0</figure>"),
        ("- one @\n- two", "<ul><li>one<figure>0</figure></li><li>two</li></ul>"),
        ("1. one\n\n   @\n2. two", "<ol><li><p>one</p><figure>0</figure></li><li><p>two</p></li></ol>"),
        ("> said @", "<blockquote><p>said</p><figure>0</figure></blockquote>"),
        ("# Title @", '<h2 class="h1">Title</h2><figure>0</figure>'),
        ("@\n---", "<figure>0</figure>"),
        ("`a @ b`", "<p><code>a </code></p><figure>0</figure><p><code> b</code></p>"),
        ("    indented @", "<pre><code>indented </code></pre><figure>0</figure>"),
        ("[text](@)", "<p>[text]()</p><figure>0</figure>"),
        ("[word]() @", "<p>word</p><figure>0</figure>"),
        ('[x]: http://a.b "@"\n\nword', "<p>word</p><figure>0</figure>"),
    ],
)
def test_a_figure_splits_what_is_around_it(source: str, expected: str) -> None:
    assert html(source) == expected


def test_a_figure_in_a_link_keeps_both_halves_linked() -> None:
    page = Page(html("[before @ after](https://example.org)"))
    assert [a["href"] for t, a in page.elements if t == "a"] == ["https://example.org"] * 2
    assert not page.problems


def test_a_figure_in_a_cell_stays_in_it() -> None:
    assert "<td>x<figure>0</figure></td>" in html("| a |\n|---|\n| x @ |")


def test_alignment_is_a_class_and_not_a_style() -> None:
    assert html("| a |\n|--:|\n| 1 |").count('class="align-right"') == 2
    assert "style" not in html("| a |\n|--:|\n| 1 |")


def test_a_forged_place_is_text() -> None:
    forged = f"{showable(place(0))} &#x2e28;&#xfdd0;0&#xfdd1;&#x2e29;"
    assert str(to_html(forged, fragments=[FIGURE])).count("<figure>") == 1  # the one at the end


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd",
        "//evil.example", "/local", "#top", "java\nscript:x", " https://a.b", "https://", "http:/a", "ftp://a.b",
        "https://a.b\\@c.d", "", "https://a\u202eb.c", "http://[", None,
    ],
)  # fmt: skip
def test_only_absolute_web_addresses_are_followed(url: str | None) -> None:
    assert not followable(url)


@pytest.mark.parametrize("url", ["https://example.org/a?b=c#d", "http://a.b", "mailto:a@b.c"])
def test_web_addresses_are_followed(url: str) -> None:
    assert followable(url)


def test_what_cannot_be_seen_is_shown() -> None:
    assert showable("a\u202eb\x00\ud800c\tä\n") == "a[U+202E]b\ufffd\ufffdc\tä\n"
    assert str(to_html("a &#x202e; b")) == "<p>a [U+202E] b</p>\n"


@pytest.mark.parametrize(
    ("source", "heading"),
    [("# A *b* `c`\n\ntext", "A b c"), ("\n\nTitle\n===", "Title"), ("text\n\n# A", None), ("## A", None), ("", None)],
)
def test_first_heading(source: str, heading: str | None) -> None:
    assert first_heading(source) == heading


PIECES = st.sampled_from(
    ["@", "@", "word", " ", "\n", "\n\n", "*", "**", "_", "`", "```\n", "~~", "# ", "> ", "- ", "1. ", "    ", "| ",
     "|--|\n", "[", "](http://a.b)", "](", ")", "[x]: ", '"', "\\", "&lt;", "<b>", "---\n", "===\n", "!", "<https://a.b>"]
)  # fmt: skip


@settings(max_examples=400)
@given(st.lists(PIECES, max_size=24))
def test_every_figure_appears_exactly_once_and_in_a_well_formed_page(pieces: list[str]) -> None:
    source, count = "", 0
    for piece in pieces:
        source += place(count) if piece == "@" else piece
        count += piece == "@"
    page = Page(to_html(source, fragments=[Markup(f"<figure>({i})</figure>") for i in range(count)]))
    assert not page.problems
    assert page.count("figure") == count
    assert all(page.text.count(f"({i})") == 1 for i in range(count))
    assert "\ufdd0" not in page.text


@pytest.mark.parametrize(
    "pattern", ["[", ">", "*a ", "**a_", "[a](", "- ", "<", "![", "&", "# a\n", "`", "~~a", "[a][", "\\", "```\n", "_a"]
)
def test_hostile_repetition_is_read_in_reasonable_time(pattern: str) -> None:
    start = time.process_time()
    to_html(pattern * (20_000 // len(pattern)))
    assert time.process_time() - start < 5
