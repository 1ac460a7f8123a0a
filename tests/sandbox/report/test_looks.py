"""The pages in a real browser: pictures that render, nothing that overflows, light, dark, narrow and printed."""

from __future__ import annotations

from pathlib import Path

import pytest
from chromium import Browser
from PIL import Image, ImageStat
from report_samples import plain_document, run_report, tides_document

from llmi_sandbox.report import document_page


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("pages")
    html = {"report": run_report(), "document": document_page(tides_document(), prompt="Explain the tides.")}
    for name, text in html.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return sorted(folder.iterdir())


def test_every_picture_renders(browser: Browser, pages: list[Path]) -> None:
    sizes = {}
    for page in pages:
        browser.open(page)
        sizes[page.stem] = browser.images()
        assert browser.complaints == []
    assert sizes["document"] == [(960, 600), (768, 432), (960, 600)]
    assert len(sizes["report"]) == 5
    assert all(width > 0 and height > 0 for width, height in sizes["report"])


def test_a_broken_picture_is_noticed(browser: Browser, pages: list[Path], tmp_path: Path) -> None:
    broken = tmp_path / "broken.html"
    broken.write_text(
        pages[0].read_text("utf-8").replace("data:image/png;base64,iVBOR", "data:image/png;base64,AAAAA", 1)
    )
    browser.open(broken)
    assert browser.images().count((0, 0)) == 1


@pytest.mark.parametrize("width", [320, 390, 768, 1280, 2200])
def test_nothing_overflows(browser: Browser, pages: list[Path], width: int) -> None:
    for page in pages:
        browser.open(page, width=width)
        browser.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        assert browser.evaluate("document.documentElement.scrollWidth") <= width
        wide = "[...document.images].filter(i => i.getBoundingClientRect().right > innerWidth + 1).length"
        assert browser.evaluate(wide) == 0


def test_lines_stay_readable(browser: Browser, pages: list[Path]) -> None:
    for page in pages:
        browser.open(page, width=2200)
        ems = """Math.max(...[...document.querySelectorAll('p')].map(
            p => p.clientWidth / parseFloat(getComputedStyle(p).fontSize)))"""
        assert browser.evaluate(ems) < 62


@pytest.mark.parametrize("dark", [False, True])
def test_words_have_contrast(browser: Browser, pages: list[Path], dark: bool) -> None:
    """WCAG AA, 4.5 to 1, for every colour that text is set in against the paper behind it."""
    script = """(() => {
        const rgb = colour => colour.match(/[\\d.]+/g).slice(0, 3).map(Number);
        const paper = e => getComputedStyle(e).backgroundColor;
        const hasWords = e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
        return [...document.querySelectorAll('body *')].filter(hasWords).map(e => {
            let behind = e;
            while (behind !== document.body && paper(behind) === 'rgba(0, 0, 0, 0)') behind = behind.parentElement;
            return [e.className || e.tagName, rgb(getComputedStyle(e).color), rgb(paper(behind))];
        });
    })()"""
    for page in pages:
        browser.open(page, dark=dark)
        found = browser.evaluate(script)
        assert len(found) > 20
        weak = [name for name, ink, paper in found if contrast(ink, paper) < 4.5]
        assert weak == []


def test_light_is_light_and_dark_is_dark(browser: Browser, pages: list[Path], tmp_path: Path) -> None:
    means = []
    for dark in (False, True):
        browser.open(pages[1], dark=dark)
        browser.screenshot(tmp_path / "shot.png", full=False)
        with Image.open(tmp_path / "shot.png") as shot:
            means.append(ImageStat.Stat(shot.convert("L")).mean[0])
    assert means[0] > 215
    assert means[1] < 50


def test_it_prints(browser: Browser, pages: list[Path], tmp_path: Path) -> None:
    browser.open(pages[0])
    browser.pdf(tmp_path / "page.pdf")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")


def test_a_document_without_pictures_has_none(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "plain.html"
    file.write_text(document_page(plain_document()), encoding="utf-8")
    browser.open(file)
    assert browser.images() == []


def contrast(one: list[float], other: list[float]) -> float:
    """https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio"""

    def luminance(rgb: list[float]) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in rgb)]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
