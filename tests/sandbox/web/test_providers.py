"""The three providers over HTTP, in their own shapes, and how a picture is chosen."""

from __future__ import annotations

import asyncio
import json
import time
from urllib.parse import parse_qs

import pytest
from loopback import answer, json_answer, png, redirect

from llmi_sandbox import Fallback, LocalSearch, Openverse, SerpApi, Toolkit, Wanted, Web, WebSearch, WikimediaCommons
from llmi_sandbox.errors import ProviderError
from llmi_sandbox.tools.gallery import gallery
from llmi_sandbox.tools.web_providers import plain
from llmi_schema import ConfigurationError


@pytest.fixture
def web(server):
    one = Web(trusted=server.hosts, look_up=server.look_up, rates={"127.0.0.1": 0})
    yield one
    one.close()


def openverse_row(link: str, **more: object) -> dict:
    return {
        "id": "1",
        "title": "A fox",
        "url": link,
        "thumbnail": link + "?thumb",
        "license": "by-sa",
        "license_version": "2.0",
        "attribution": '"A fox" by Ann is licensed under CC BY-SA 2.0.',
        "foreign_landing_url": "https://example.org/fox",
        "width": 320,
        "height": 240,
        **more,
    }


def commons_page(link: str, index: int = 1, **more: object) -> dict:
    info = {
        "url": link + ".orig",
        "thumburl": link,
        "descriptionurl": "https://commons.wikimedia.org/wiki/File:Fox.jpg",
        "mime": "image/jpeg",
        "width": 2000,
        "height": 1500,
        "extmetadata": {
            "Artist": {"value": '<a href="//x" onclick="alert(1)">Ann</a> &amp; Bob<script>alert(1)</script>'},
            "LicenseShortName": {"value": "CC BY 4.0"},
        },
        **more,
    }
    return {"pageid": index, "title": "File:Fox.jpg", "index": index, "imageinfo": [info]}


async def test_openverse(server, web, calls):
    link = server.on("/fox.png", answer(png()))
    server.on("/v1/images/", json_answer({"result_count": 1, "results": [openverse_row(link)]}))
    result = await WebSearch(Openverse(base=server.base), web=web)(calls.search("red  fox"), ())
    origin = result.picture.provenance
    assert (origin.provider, origin.licence) == ("Openverse", "CC BY-SA 2.0")
    assert origin.attribution == '"A fox" by Ann is licensed under CC BY-SA 2.0.'
    assert origin.source_url == "https://example.org/fox"
    assert origin.request == "red fox"
    asked = server.requests[0]
    assert parse_qs(asked.query) == {"q": ["red fox"], "page_size": ["20"]}
    assert asked.headers["user-agent"].startswith("llmi-sandbox/")


async def test_wikimedia_commons(server, web, calls):
    link = server.on("/fox.png", answer(png()))
    pages = [commons_page(server.url("/gone.png"), 2), commons_page(link, 1)]
    server.on("/w/api.php", json_answer({"query": {"pages": pages}}))
    result = await WebSearch(WikimediaCommons(base=server.base), web=web)(calls.search("fox"), ())
    origin = result.picture.provenance
    assert (origin.licence, origin.attribution) == ("CC BY 4.0", "Ann & Bob")
    assert origin.source_url == "https://commons.wikimedia.org/wiki/File:Fox.jpg"
    sent = parse_qs(server.requests[0].query)
    assert (sent["generator"], sent["gsrnamespace"], sent["iiurlwidth"]) == (["search"], ["6"], ["1024"])


async def test_serpapi_falls_back_to_the_thumbnail(server, web, calls):
    thumb = server.on("/thumb.png", answer(png((240, 200))))
    row = {"original": server.url("/gone.png"), "thumbnail": thumb, "source": "Zoo", "link": "https://zoo.example/fox"}
    server.on("/search.json", json_answer({"images_results": [row]}))
    search = WebSearch(SerpApi(key="s3cret", base=server.base), web=web)
    result = await search(calls.search("fox"), ())
    assert (result.picture.width, result.picture.height) == (240, 200)
    assert (result.picture.provenance.licence, result.picture.provenance.attribution) == (None, "Zoo")
    assert parse_qs(server.requests[0].query)["api_key"] == ["s3cret"]
    assert "s3cret" not in repr(SerpApi(key="s3cret")) + search.identity


@pytest.mark.parametrize(
    ("path", "provider", "nothing"),
    [
        ("/v1/images/", Openverse, {"results": []}),
        ("/w/api.php", WikimediaCommons, {"batchcomplete": True}),
        ("/search.json", SerpApi, {"error": "Google hasn't returned any results for this query."}),
    ],
)
async def test_nothing_found_and_answers_that_make_no_sense(server, web, calls, path, provider, nothing):
    search = WebSearch(provider(base=server.base, **({"key": "k"} if provider is SerpApi else {})), web=web)
    server.on(path, json_answer(nothing))
    assert (await search(calls.search("fox"), ())).reason == "no_result"
    for odd in ([], {"results": 3}, {"query": {"pages": {}}}, {"images_results": None}, "text", None):
        server.on(path, json_answer(odd))
        if provider is WikimediaCommons and isinstance(odd, dict) and "query" not in odd:
            assert (await search(calls.search("fox"), ())).reason == "no_result"
            continue
        with pytest.raises(ProviderError, match="answered without"):
            await search(calls.search("fox"), ())
    for row in (3, {}, {"url": 7}, {"url": ["http://x"]}, {"imageinfo": 3}, {"imageinfo": [None]}, {"original": {}}):
        key, value = ("results", [row]) if provider is Openverse else ("images_results", [row])
        server.on(path, json_answer({"query": {"pages": [row]}} if provider is WikimediaCommons else {key: value}))
        assert (await search(calls.search("fox"), ())).reason == "no_result"


@pytest.mark.parametrize(
    ("status", "reason", "transient"),
    [(401, "unavailable", False), (429, "unavailable", True), (503, "unavailable", True)],
)
async def test_a_provider_that_refuses(server, web, calls, status, reason, transient):
    server.on("/v1/images/", json_answer({"detail": "no"}, status, Retry_After="7"))
    with pytest.raises(ProviderError, match=str(status)) as caught:
        await WebSearch(Openverse(base=server.base), web=web)(calls.search("fox"), ())
    assert (caught.value.reason, caught.value.transient) == (reason, transient)
    assert caught.value.retry_after == (7.0 if transient else None)


async def test_the_best_that_arrives_in_time_wins_and_the_others_are_cancelled(server, web, calls):
    async def endless(request, writer):
        writer.write(b"HTTP/1.1 200 X\r\nContent-Type: image/png\r\n\r\n")
        while True:
            await asyncio.sleep(0.01)
            writer.write(b"x")
            await writer.drain()

    async def slow(request, writer):
        await asyncio.sleep(0.2)
        writer.write(answer(png((300, 300), seed=2)))

    rows = [openverse_row(server.on(f"/{name}.png", handler)) for name, handler in
            (("endless", endless), ("slow", slow), ("quick", answer(png((400, 400), seed=3))))]  # fmt: skip
    server.on("/v1/images/", json_answer({"results": rows}))
    started = time.monotonic()
    result = await WebSearch(Openverse(base=server.base), web=web, wanted=Wanted(grace=0.6))(calls.search("x"), ())
    assert result.picture.width == 300, "better ranked, and only a little later"
    assert 0.2 <= time.monotonic() - started < 2
    result = await WebSearch(Openverse(base=server.base), web=web, wanted=Wanted(grace=0))(calls.search("x"), ())
    assert result.picture.width == 400
    for _ in range(100):
        if server.open <= 1:  # the kept connection to the provider itself
            break
        await asyncio.sleep(0.02)
    assert server.open <= 1, "cancelled downloads are closed"


async def test_sizes_that_do_not_fit_are_not_even_fetched_and_large_ones_are_scaled(server, web, calls):
    rows = [
        openverse_row(server.url("/tiny.png"), width=20, height=20),
        openverse_row(server.url("/strip.png"), width=5000, height=300),
        openverse_row(server.on("/big.jpg", answer(png((2000, 1000), kind="JPEG"), kind="image/jpeg")), width=None),
    ]
    server.on("/v1/images/", json_answer({"results": rows}))
    result = await WebSearch(Openverse(base=server.base), web=web)(calls.search("x"), ())
    assert (result.picture.width, result.picture.height) == (1536, 768)
    assert not [line for line in server.seen if "tiny" in line or "strip" in line]


async def test_a_redirect_to_a_good_place_is_followed(server, web, calls):
    server.on("/there.png", answer(png()))
    server.on("/v1/images/", json_answer({"results": [openverse_row(server.on("/here", redirect("/there.png")))]}))
    assert (await WebSearch(Openverse(base=server.base), web=web)(calls.search("x"), ())).ok


async def test_a_host_is_asked_no_more_often_than_it_likes(server, calls):
    server.on("/v1/images/", json_answer({"results": []}))
    web = Web(rates={"127.0.0.1": 0.15})
    search = WebSearch(Openverse(base=server.base), web=web)
    started = time.monotonic()
    await asyncio.gather(*(search(calls.search(f"{i}"), ()) for i in range(4)))
    web.close()
    assert 0.45 <= time.monotonic() - started < 2


async def test_too_many_waiting_is_said_at_once(server, calls):
    web = Web(rates={"127.0.0.1": 15.0})
    search = WebSearch(Openverse(base=server.base), web=web)
    server.on("/v1/images/", json_answer({"results": []}))
    await search(calls.search("first"), ())
    waiting = asyncio.create_task(search(calls.search("second"), ()))
    await asyncio.sleep(0.05)
    with pytest.raises(ProviderError, match="many are waiting"):
        await search(calls.search("third"), ())
    waiting.cancel()
    web.close()


async def test_providers_stand_in_for_each_other(server, web, calls):
    server.on("/v1/images/", json_answer({}, 503))
    pages = [commons_page(server.on("/fox.png", answer(png())))]
    server.on("/w/api.php", json_answer({"query": {"pages": pages}}))
    chain = Fallback(
        [WebSearch(Openverse(base=server.base), web=web), WebSearch(WikimediaCommons(base=server.base), web=web)]
    )
    result = await chain(calls.search("fox"), ())
    assert result.picture.provenance.provider == "Wikimedia Commons"
    server.on("/w/api.php", json_answer({}))
    result = await chain(calls.search("griffin"), ())
    assert result.reason == "unavailable", "nobody knows what the one that is down would have found"
    server.on("/v1/images/", json_answer({"results": []}))
    assert (await chain(calls.search("griffin"), ())).reason == "no_result"
    own = Fallback([LocalSearch(gallery(), provider="mine"), chain])
    assert (await own(calls.search("a lighthouse"), ())).picture.provenance.provider == "mine"
    with pytest.raises(ConfigurationError, match="at least one"):
        Fallback([])


async def test_answers_are_kept_on_disk(server, web, calls, tmp_path):
    from llmi_sandbox import ResultCache

    server.on("/v1/images/", json_answer({"results": [openverse_row(server.on("/fox.png", answer(png())))]}))
    for _ in range(2):
        search = WebSearch(Openverse(base=server.base), web=web)
        toolkit = Toolkit({"search": search}, cache=ResultCache(folder=tmp_path))
        result = await toolkit.call(calls.search("fox"))
        assert result.ok
    assert result.cached
    assert result.picture.provenance.licence == "CC BY-SA 2.0"
    assert len(server.seen) == 2


def test_credits_lose_their_html():
    assert plain('<a href="javascript:x">Ann</a><style>p{}</style>  &lt;b&gt;') == "Ann <b>"
    assert plain("no html") == "no html"
    assert json.loads(json.dumps(plain("<" * 50_000)))[:1] in ("<", "")


async def test_a_provider_may_say_what_is_wrong(server, web, calls):
    server.on("/search.json", json_answer({"error": "Your account has run out of searches."}))
    with pytest.raises(ProviderError, match="run out of searches"):
        await WebSearch(SerpApi(key="k", base=server.base), web=web)(calls.search("fox"), ())


async def test_an_answer_without_end_is_given_up(server, web, calls, monkeypatch):
    monkeypatch.setattr("llmi_sandbox.web.web.LARGEST_ANSWER", 1000)
    server.on("/v1/images/", json_answer({"results": [], "more": "x" * 1000}))
    with pytest.raises(ProviderError, match="more than 1,000 bytes"):
        await WebSearch(Openverse(base=server.base), web=web)(calls.search("fox"), ())


async def test_calls_that_make_no_sense(web, calls):
    search = WebSearch(Openverse(base="http://127.0.0.1:9"), web=web)
    assert (await search(calls.diffusion("fox"), ())).reason == "unavailable"
    assert (await search(calls.search("  "), ())).reason == "bad_call"


async def test_few_queries_are_remembered_and_failures_not_at_all(server, web, calls, monkeypatch):
    monkeypatch.setattr("llmi_sandbox.tools.web_search._QUERIES_KEPT", 1)
    search = WebSearch(Openverse(base=server.base), web=web)
    server.on("/v1/images/", json_answer({"detail": "no"}, 401))
    with pytest.raises(ProviderError):
        await search(calls.search("fox"), ())
    server.on("/v1/images/", json_answer({"results": []}))
    for query, asked in (("fox", 2), ("fox", 2), ("owl", 3), ("fox", 4)):
        assert (await search.variant(1)(calls.search(query), ())).reason == "no_result"
        assert len(server.seen) == asked, "a variant asks again only for what is not known"
