"""The studio's page in headless Chromium: what a person does, and what they see."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from chromium import Browser
from studio_server import Policy, Running, Tools, running

from llmi_schema import DiffusionCall, DiffusionParams, EditCall, EditParams


def draw(description: str, prompt: str) -> str:
    return DiffusionCall(description=description, params=DiffusionParams(prompt=prompt)).to_tag()


def change(index: int, prompt: str) -> str:
    return EditCall(description=prompt, params=EditParams(img_index=index, prompt=prompt)).to_tag()


class Page:
    """The open page, spoken to as a person would."""

    def __init__(self, browser: Browser, studio: Running, **window: Any) -> None:
        self.browser = browser
        browser.open(studio.url, **window)

    def ask(self, expression: str) -> Any:
        return self.browser.evaluate(expression)

    def text(self, selector: str) -> str:
        return str(self.ask(f"(document.querySelector({selector!r}) ?? {{innerText: ''}}).innerText"))

    def write(self, prompt: str) -> None:
        self.ask(f"document.getElementById('prompt').value = {prompt!r}")
        self.ask("document.getElementById('write').click()")

    def until(self, expression: str, seconds: float = 20) -> None:
        end = time.monotonic() + seconds
        while not self.ask(expression):
            assert time.monotonic() < end, f"never: {expression}; the page says {self.text('body')}"
            time.sleep(0.02)

    def until_text(self, words: str, selector: str = "#paper") -> None:
        self.until(f"(document.querySelector({selector!r}) ?? {{innerText: ''}}).innerText.includes({words!r})")

    @property
    def visible(self) -> list[str]:
        """Ids of what can be seen."""
        found: list[str] = self.ask("[...document.querySelectorAll('[id]')].filter(e => e.offsetParent).map(e => e.id)")
        return found


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_text_streams_and_pictures_take_their_places(browser: Browser, gate: threading.Event) -> None:
    tools = Tools()
    policy = Policy(
        "# Foxes\n\nRed, ", "mostly.\n\n", draw("a fox", "fox"), "\n\nMore ", gate, "words.", change(0, "fail")
    )
    with running(policy, tools, prices={"diffusion": 0.04}, currency="€") as studio:
        page = Page(browser, studio)
        assert "Text appears here" in page.text("#paper")
        page.write("A page on foxes")
        page.until_text("More")
        assert page.text("#document h2") == "Foxes"
        page.until("document.querySelectorAll('.waiting .plate').length === 1")
        assert "fox" in page.text("#call-0")
        assert {"stop", "state", "asked"} <= set(page.visible)
        assert "downloads" not in page.visible
        assert len(browser.images()) == 0
        tools.ready.set()  # the picture arrives while the text waits
        page.until("document.querySelectorAll('.waiting').length === 0 && document.images.length === 1")
        assert browser.images() == [(64, 48)]
        assert page.ask("document.querySelector('#body .block:nth-child(2) img') !== null"), "in its place"
        assert "1.25 s" in page.text("#call-0")
        assert "€0.04" in page.text("#call-0")
        gate.set()
        page.until_text("Finished", "#state")
        page.until_text("1.00", "#marks")
        assert page.text("#document").startswith("Foxes")
        assert "nothing was found" in page.text("#document .missing .message")
        assert "no result" in page.text("#call-1")
        assert page.ask("document.querySelectorAll('#marks .bar').length") >= 2
        assert "0.25" in page.text("#facts")
        assert {"downloads", "score", "sums"} <= set(page.visible)
        assert "stop" not in page.visible
        link = page.ask("document.getElementById('as-html').href")
        assert studio.ask("GET", link.removeprefix(studio.url), token=None).status_code == 200
        assert browser.complaints == []


HOSTILE = (
    "<script>pwned = 1</script> <img src=x onerror='pwned = 1'> [click](javascript:pwned=1) "
    "![beacon](http://192.0.2.1/x.png) <style>body{display:none}</style> <iframe src='http://192.0.2.1/'></iframe>\n\n"
    "<svg onload='pwned = 1'> <a href='data:text/html,<script>pwned=1</script>'>x</a> &lt;script&gt; \u202egnp.exe\n\n"
)


def test_hostile_text_is_text(browser: Browser) -> None:
    tools = Tools()
    tools.ready.set()
    bad = (
        '<imgen>{"source": "<script>pwned = 1</script>", "description": "</script><script>pwned = 1</script>"}</imgen>'
    )
    policy = Policy(
        f"<think>{HOSTILE}</think>",
        HOSTILE,
        draw(HOSTILE, HOSTILE),
        bad,
        change(0, f"fail {HOSTILE}"),
        f"{HOSTILE} end",
    )
    with running(policy, tools) as studio:
        page = Page(browser, studio)
        page.write(HOSTILE)
        page.until_text("Finished", "#state")
        assert page.ask("typeof pwned") == "undefined"
        assert "<script>pwned = 1</script>" in page.text("#document")
        assert "painter <b>of</b> tests" in page.text("#document")
        assert (
            page.ask("document.querySelectorAll('iframe, svg[onload], [onerror], style:not(head style)').length") == 0
        )
        assert page.ask("[...new Set([...document.links].map(a => a.protocol))]") == ["http:"]
        assert page.ask("[...document.scripts].map(s => s.getAttribute('src'))") == ["studio.js"]
        asked = [address for address in browser.requests if not address.startswith("data:")]
        assert all(address.startswith(studio.url) for address in asked), asked
        assert browser.complaints == []
        page = Page(browser, studio)  # and again, from the board
        page.until("document.querySelector('#sessions a') !== null")
        page.ask("document.querySelector('#sessions a').click()")
        page.until_text("Finished", "#state")
        assert page.ask("typeof pwned") == "undefined"


def test_the_stop_button_stops(browser: Browser) -> None:
    policy = Policy("Begun.\n\n", draw("a fox", "fox"), threading.Event(), "never")
    with running(policy, Tools()) as studio:
        page = Page(browser, studio)
        page.write("x")
        page.until("document.querySelectorAll('.waiting').length === 1")
        page.ask("document.getElementById('stop').click()")
        page.until_text("Stopped", "#state")
        assert "stopped before this picture was there" in page.text("#document")
        assert policy.open == 0


def test_several_documents_are_a_click_apart(browser: Browser, gate: threading.Event) -> None:
    policy = Policy("Always this. ", gate, "And that.")
    with running(policy, Tools()) as studio:
        page = Page(browser, studio)
        page.write("First")
        page.until_text("Always this")
        page.write("Second")
        page.until("document.querySelectorAll('#sessions a').length === 2")
        page.until_text("Second", "#asked")
        assert page.ask("[...document.querySelectorAll('#sessions a')].map(a => a.innerText)") == ["Second", "First"]
        page.ask("document.querySelectorAll('#sessions a')[1].click()")
        page.until_text("First", "#asked")
        page.until_text("Always this")
        gate.set()
        page.until_text("Finished", "#state")
        assert "And that." in page.text("#document")
        assert page.ask("document.querySelector('#sessions [aria-current]').innerText") == "First"


def test_pictures_are_handed_over(browser: Browser) -> None:
    with running(Policy("Seen."), Tools()) as studio:
        page = Page(browser, studio)
        page.ask("""new Promise(done => {
            const canvas = document.createElement("canvas");
            canvas.width = 30; canvas.height = 20;
            canvas.getContext("2d").fillRect(0, 0, 9, 9);
            canvas.toBlob(blob => {
                const given = new DataTransfer();
                for (const name of ["a.png", "b.png"]) given.items.add(new File([blob], name, { type: "image/png" }));
                document.getElementById("files").files = given.files;
                document.getElementById("files").dispatchEvent(new Event("change"));
                done();
            });
        })""")
        page.until("document.querySelectorAll('#thumbs li').length === 2")
        page.ask("document.querySelector('#thumbs button').click()")
        page.write("Change it")
        page.until_text("Finished", "#state")
        assert "Given by the user" in page.text("#document .inputs .label").capitalize()
        (request,) = studio.studio.policy.asked  # type: ignore[attr-defined]
        assert [(picture.width, picture.provenance.request) for picture in request.pictures] == [(30, "b.png")]


def test_problems_are_told_beside_the_button(browser: Browser) -> None:
    with running(Policy("x"), Tools()) as studio:
        page = Page(browser, studio)
        page.write("   ")
        page.until_text("say what the document should be about", "#complaint")
        assert "complaint" in page.visible


@pytest.mark.parametrize("width", [1440, 1000, 390])
def test_nothing_overflows_at_any_width(browser: Browser, width: int) -> None:
    tools = Tools()
    tools.ready.set()
    long = "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen" * 3
    policy = Policy(f"# {long}\n\n{long}\n\n", draw(long, long), "\n\n", change(0, f"fail {long}"))
    with running(policy, tools, model=long) as studio:
        page = Page(browser, studio, width=width, height=800)
        page.write(long)
        page.until_text("Finished", "#state")
        assert page.ask("document.documentElement.scrollWidth") <= width
        assert {"document", "prompt", "ledger"} <= set(page.visible)
