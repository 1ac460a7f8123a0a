"""A document as Markdown with files and as parts of a chat message."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt
from report_samples import landscape, png, rendered, result, tag
from test_hostile import ATTACKS, everywhere

from llmi_sandbox.report import content_parts, write_markdown
from llmi_sandbox.report.markdown import to_html
from llmi_schema import Picture, Provenance, RenderedDocument, ToolResult, parse

HARMLESS = re.compile("p|em|strong|a|img|code|pre|ul|ol|li|h[1-6]|blockquote|hr|br|table|thead|tbody|tr|th|td")


class Elements(HTMLParser):
    """Every element of a page with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


ORIGIN = Provenance(
    tool="search",
    provider="Openverse",
    licence="CC BY 4.0",
    attribution="Ann [x](javascript:1) <b>",
    source_url="https://example.org/1",
)


def sample() -> RenderedDocument:
    text = (
        f"<think>hm</think># Foxes\n\nOne: {tag('search', 'a *fox*', query='fox')} and none: "
        f"{tag('search', 'lost', query='x')}\n<imgen>junk</imgen> end"
    )
    given = Picture.from_png(png(landscape(64, 48)), Provenance(tool="input", provider="user"))
    found = Picture.from_png(png(landscape(80, 60)), ORIGIN)
    results = (
        ToolResult(picture=found),
        ToolResult.failed("no_result", "nothing matches 'x'"),
        ToolResult.failed("bad_call", "not JSON"),
    )
    return RenderedDocument(document=parse(text, 1), results=results, inputs=(given,))


def test_markdown_has_its_pictures_beside_it(tmp_path):
    document = sample()
    path = write_markdown(document, tmp_path / "out", name="fox")
    text = path.read_text()
    assert sorted(file.name for file in path.parent.iterdir()) == ["fox-0.png", "fox-1.png", "fox.md"]
    assert (path.parent / "fox-1.png").read_bytes() == document.results[0].picture.png
    assert "![a \\*fox\\*](fox-1.png)" in text
    assert "CC BY 4.0" in text
    assert "[source](<https://example.org/1>)" in text
    assert "> Picture 2 is missing: nothing matches 'x'" in text
    assert "Picture 3 is missing: not JSON" in text
    assert "hm" not in text
    assert text.index("# Foxes") < text.index("fox-1.png") < text.index("Picture 2") < text.index("end")


def test_somebodys_credit_is_only_words(tmp_path):
    html = str(to_html(write_markdown(sample(), tmp_path).read_text()))
    assert "javascript:1" in html
    assert 'href="javascript' not in html
    assert "<b>" not in html
    assert html.count("<a ") == 1


@pytest.mark.parametrize("name", ATTACKS)
def test_the_file_does_nothing_even_in_a_careless_viewer(tmp_path, name):
    """One that passes HTML on and follows every link."""
    careless = MarkdownIt("commonmark", {"html": True}).enable("table")
    careless.validateLink = lambda url: True
    html = careless.render(write_markdown(everywhere(ATTACKS[name]), tmp_path).read_text())
    for element, attributes in Elements(html).found:
        assert HARMLESS.fullmatch(element)
        assert attributes.keys() <= {"href", "src", "alt", "title", "class", "style", "start"}, attributes
        link = attributes.get("href") or ""
        assert not link or link.startswith(("http://", "https://", "mailto:")), link
        assert element != "img" or re.fullmatch(r"document-\d+\.png", attributes["src"]), attributes


def test_content_parts_interleave_truly():
    document = sample()
    parts = content_parts(document)
    assert [part["type"] for part in parts] == ["image_url", "text", "image_url", "text"]
    data = parts[2]["image_url"]["url"].removeprefix("data:image/png;base64,")
    assert base64.b64decode(data) == document.results[0].picture.png
    assert parts[1]["text"].endswith("One: ")
    assert "[Picture 2 is missing: nothing matches 'x']" in parts[3]["text"]
    assert len(content_parts(document, inputs=False)) == 3
    assert "hm" not in parts[1]["text"]


def test_a_document_without_anything(tmp_path):
    empty = RenderedDocument(document=parse(""), results=())
    assert content_parts(empty) == []
    assert write_markdown(empty, tmp_path).read_text() == "\n"


def test_samples_of_the_reports_tests_come_out_too(tmp_path):
    document = rendered(f"Text {tag('search', query='x')}", result(png(landscape()), "search", "somebody"))
    assert write_markdown(document, tmp_path).exists()
