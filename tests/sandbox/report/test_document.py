"""Documents as HTML: everything in its place, and what went wrong said."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from report_samples import landscape, plain_document, png, rendered, result, tag, tides_document
from strict_html import Page

from llmi_sandbox.report import document_page, document_view
from llmi_sandbox.report.figures import data_uri
from llmi_schema import FailureReason, Picture, Provenance, ToolResult


def test_every_part_of_a_document_is_there_in_order() -> None:
    page = Page(document_page(tides_document(), prompt="Why are there tides?"))
    assert not page.problems
    order = [
        "Why are there tides?",
        "What the model thought first",
        "Stand on a quay",
        "Figure 1",
        "Spring and neap",
        "Figure 2",
    ]
    order += [
        "Half Moon",
        "Figure 3",
        "In between",
        "open coast",
        "Figure 4 is missing",
        "Figure 5 is missing",
        "the wind does",
    ]
    positions = [page.text.index(words) for words in order]
    assert positions == sorted(positions)
    assert page.count("img") == 3
    assert page.count("aside", "missing") == 2
    assert page.count("ol") == 1, "the list is still one list"


def test_figures_say_where_they_come_from_and_how_they_were_made() -> None:
    page = Page(document_view(tides_document()))
    images = [attributes for name, attributes in page.elements if name == "img"]
    assert images[0]["alt"] == "A headland above a calm sea in the evening"
    assert (images[0]["width"], images[0]["height"]) == ("960", "600")
    for words in (
        "Found by search",
        "local captions",
        "CC BY 4.0",
        "A. Photographer",
        "headland evening sea",
        "figure 1",
    ):
        assert words in page.text
    assert "spring = 2.6 * np.sin" in page.text
    assert ("a", {"href": "https://example.org/photographs/17", "rel": "noopener noreferrer nofollow"}) in page.elements


@pytest.mark.parametrize(
    "reason", ["bad_call", "missing_picture", "no_result", "blank", "refused", "timeout", "crashed", "unavailable"]
)
def test_every_reason_is_told(reason: FailureReason) -> None:
    page = Page(document_view(plain_document(reason)))
    assert page.count("aside", "missing") == 1
    assert "is missing: " in page.text
    assert "no answer within 20 s" in page.text
    assert page.count("img") == 0


def test_a_bad_tag_shows_its_reason_and_its_source() -> None:
    page = Page(document_view(rendered('<imgen>{"source": "search"}</imgen>')))
    assert "is missing: its tag cannot be read" in page.text
    assert '{"source": "search"}' in page.text


def test_pictures_of_the_user_come_first_and_are_counted() -> None:
    given = Picture.from_png(png(landscape(80, 50)), Provenance(tool="input", provider=""))
    text = f"Words. {tag('edit', 'darker', img_index=0, prompt='darken')}"
    page = Page(document_view(rendered(text, result(png(landscape(80, 50)), "edit", "e"), inputs=(given,))))
    assert page.text.index("Given by the user") < page.text.index("Figure 1") < page.text.index("Words.")
    assert "works on" in page.text
    assert page.text.count("Figure 2") == 1


@pytest.mark.parametrize("text", ["All is well <imgen>{", "<think>and then"])
def test_an_unfinished_document_says_so(text: str) -> None:
    assert "never closed" in Page(document_view(rendered(text))).text


def test_the_words_before_an_open_tag_are_kept() -> None:
    page = Page(document_view(rendered("All is **well** <imgen>{")))
    assert page.count("strong") == 1
    assert "<imgen>{" in page.text


def test_thoughts_are_folded_and_their_markdown_is_text() -> None:
    page = Page(document_view(rendered("<think># Plan\n<b>x</b></think># Title")))
    assert ("details", {"class": "thought"}) in page.elements
    assert "# Plan\n<b>x</b>" in page.text
    assert ("h2", {"class": "h1"}) in page.elements


def test_tags_in_fences_are_mentioned() -> None:
    page = Page(document_view(rendered(f"```\n{tag('search', query='x')}\n```\n")))
    assert "1 tag stands inside code fences" in page.text


def test_an_empty_document_says_so() -> None:
    assert "The document is empty" in Page(document_view(rendered(""))).text


def test_the_page_takes_its_title_from_the_document() -> None:
    page = document_page(rendered("# Foxes & hounds\n\nRed."))
    assert "<title>Foxes &amp; hounds</title>" in page
    assert page.count("<h1") == 1
    assert document_page(rendered("Red.")).count("<h1") == 1
    named = document_page(rendered("# Foxes\n\nRed."), title="Mine")
    assert "<title>Mine</title>" in named
    assert named.count("<h1") == 1


def test_a_large_picture_travels_smaller_and_a_small_one_as_it_is() -> None:
    small, large = png(landscape(40, 30)), png(Image.effect_noise((2400, 300), 80).convert("RGB"))
    as_png, as_webp = (Picture.from_png(data, Provenance(tool="search", provider="p")) for data in (small, large))
    assert data_uri(as_png).startswith("data:image/png;base64,")
    assert data_uri(as_webp).startswith("data:image/webp;base64,")
    assert len(data_uri(as_webp)) < len(large)


def test_bytes_that_are_no_picture_are_passed_on() -> None:
    header = png(landscape(40, 30))[:33]
    broken = Picture.from_png(header + b"\0" * 300_000, Provenance(tool="search", provider="p"))
    assert data_uri(broken).startswith("data:image/png;base64,")


def test_transparency_survives() -> None:
    noise = Image.effect_noise((700, 700), 90)
    image = Image.merge("RGBA", (noise, noise, noise, noise.rotate(90)))
    uri = data_uri(Picture.from_png(png(image), Provenance(tool="edit", provider="p")))
    import base64

    assert uri.startswith("data:image/webp")
    assert Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).mode == "RGBA"


def test_a_tool_nobody_knows_is_named() -> None:
    picture = Picture.from_png(png(landscape(40, 30)), Provenance(tool="diagram", provider="graphviz"))
    view = document_view(rendered(tag("search", "", query="q"), ToolResult(picture=picture)))
    assert "Made by diagram" in view
    assert 'alt="A picture without a description, made by search"' in view
