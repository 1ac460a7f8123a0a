"""The pieces that the studio shows while a document is written: as strict as whole pages."""

from __future__ import annotations

import re

import pytest
from report_samples import landscape, png, result, tag
from strict_html import Page

from llmi_sandbox.report import Marks, document_view
from llmi_sandbox.report.live import (
    live_call,
    live_figure,
    live_input,
    live_marks,
    live_prose,
    live_thought,
    live_waiting,
    studio_page,
    studio_script,
)
from llmi_schema import BadTag, RenderedDocument, Tag, ToolResult, parse

HOSTILE = (
    "<script>pwned=1</script> <img src=x onerror=pwned=1> </figure></div> [x](javascript:pwned=1) "
    '" onmouseover="pwned=1" \x00 \u202e <style>*{}</style> ![x](http://example.org/x.png)'
)


def first(text: str) -> Tag | BadTag:
    return parse(text).tags[0]


def good(**params: object) -> Tag:
    found = first(tag("search", HOSTILE, **(params or {"query": HOSTILE})))
    assert isinstance(found, Tag)
    return found


PICTURE = result(png(landscape(60, 40)), "search", "<b>gallery</b>", licence="<i>CC0</i>", attribution=HOSTILE)
FAILED = ToolResult.failed("timeout", HOSTILE, seconds=3.0, attempts=2)
BAD = f'<imgen>{{"source": "{HOSTILE.replace(chr(34), "")}"}}</imgen>'

PIECES = {
    "prose": live_prose(f"# {HOSTILE}\n\n{HOSTILE}"),
    "thought": live_thought(f"<think>{HOSTILE}</think>"),
    "waiting": live_waiting(good()),
    "figure": live_figure(good(), PICTURE),
    "missing": live_figure(good(), FAILED),
    "bad tag": live_figure(first(BAD), ToolResult.failed("bad_call", HOSTILE)),
    "running call": live_call(good(), None),
    "answered call": live_call(good(), PICTURE, price=0.04, currency="<$>"),
    "failed call": live_call(good(), FAILED),
    "bad call": live_call(first(BAD), ToolResult.failed("bad_call", HOSTILE)),
    "input": live_input(PICTURE.picture, 1) if PICTURE.picture else "",
    "marks": live_marks(Marks(None, {HOSTILE: 0.5, "b": None}, HOSTILE)),
}


@pytest.mark.parametrize("name", PIECES)
def test_whatever_is_in_a_piece_is_text(name: str) -> None:
    """Strict reading allows what whole pages hold, and two attributes of a figure that waits."""
    html = re.sub(r' aria-busy="true"| role="img"', "", str(PIECES[name])).replace("<i class", "<span class")
    page = Page(html.replace("</i>", "</span>") if 'class="pulse"' in html else html)
    assert page.problems == []


def test_a_piece_is_what_the_whole_document_holds() -> None:
    text = f"# A *title*\n\nSome prose.\n\n{tag('search', 'a fox', query='fox')}\n\nMore."
    document = parse(text)
    whole = str(document_view(RenderedDocument(document=document, results=(PICTURE,)), level=2))
    assert str(live_figure(document.tags[0], PICTURE)).strip() in whole
    assert str(live_prose("# A *title*\n\nSome prose.")).strip() in whole


def test_a_call_tells_what_it_took_and_cost() -> None:
    text = Page(str(live_call(good(query="a red fox"), PICTURE, price=0.04, currency="$"))).text
    assert re.sub(r"\s+", " ", text).startswith("1 search 0.40 s a red fox")
    assert "60\xa0×\xa040" in text
    assert "$0.04" in text
    assert "2 attempts" in str(live_call(good(), FAILED))
    assert "from the cache" in str(live_call(good(), PICTURE.model_copy(update={"cached": True})))
    assert "0.04" not in str(live_call(good(), PICTURE))


def test_the_studios_page_holds_nothing_but_its_own() -> None:
    html, policy = studio_page(token='"><script>pwned=1</script>', model=HOSTILE, tools="<b>", reward=None)
    assert html.count("<script") == 1
    assert '<script src="studio.js" defer></script>' in html
    assert re.findall(r'(?:src|href)="([^"]*)"', html) == ["data:,", "studio.js"]
    assert not re.search(r"<[a-z][^>]*\s(?:on\w+|style)=", html)
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'sha256-")


def test_the_script_makes_no_markup_of_what_it_is_told() -> None:
    """All HTML it sets comes finished from the server; words go in as text."""
    script = studio_script()
    for word in ("eval", "Function(", "document.write", "insertAdjacentHTML", "setTimeout", "http:", "https:"):
        assert word not in script
    assert set(re.findall(r"(?:inner|outer)HTML = (.*?);", script)) == {
        "message.html",
        '`<div id="document">${message.html}</div>`',
    }
