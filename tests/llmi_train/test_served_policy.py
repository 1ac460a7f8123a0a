"""`ServedPolicy` against a server that says what a script says, cut where it hurts."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from contextlib import aclosing
from typing import Any

import pytest
from scripted_server import Says, ScriptedServer

from llmi_reward.chat import Budget, ChatError, Endpoint, Prices, Retries
from llmi_schema import (
    ConfigurationError,
    ImageCount,
    Picture,
    Provenance,
    RowConstraint,
    SearchCall,
    SearchParams,
    parse,
)
from llmi_train.policies import Completion, Request, ServedPolicy, WritingError, load_policy

FOX = SearchCall(description="a fox", params=SearchParams(query="red fox")).to_tag()
TEXT = f"Ein Füchslein 🦊, “rot”.\n\n{FOX}\n\nUnd Schluss."
ASKED = [{"role": "user", "content": "A page on foxes"}]
QUICK = Retries(attempts=3, first_seconds=0.01)


def served(server: ScriptedServer, **settings: Any) -> ServedPolicy:
    place = Endpoint(server.url, "m", prices=Prices(1.0, 10.0))
    return ServedPolicy(place, **{"retries": QUICK, **settings})


async def streamed(policy: ServedPolicy, request: Request) -> tuple[list[str], Completion]:
    pieces = [piece async for piece in policy.stream(request)]
    assert isinstance(pieces[-1], Completion)
    texts = [piece for piece in pieces if isinstance(piece, str)]
    assert len(texts) == len(pieces) - 1
    assert "".join(texts) == pieces[-1].text
    return texts, pieces[-1]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("cut", [0, 1, 7, 4096])
async def test_a_stream_cut_anywhere_is_the_same_text(cut: int, line_end: str) -> None:
    async with ScriptedServer(lambda _: Says(TEXT, cut=cut, line_end=line_end)) as server, served(server) as policy:
        pieces, completion = await streamed(policy, Request(ASKED))
    assert completion.text == TEXT
    assert completion.finished
    assert completion.tokens == len(TEXT.split(" "))
    assert completion.prompt_tokens == 11
    assert completion.cost == pytest.approx((11 * 1.0 + completion.tokens * 10.0) / 1e6)
    assert len(pieces) > 5


async def test_whole_answers_and_streamed_ones_are_one_answer_to_the_journal(tmp_path: Any) -> None:
    async with ScriptedServer(lambda _: Says(TEXT)) as server:
        async with served(server, journal=tmp_path / "a.sqlite") as policy:
            _, first = await streamed(policy, Request(ASKED, seed=3))
        async with served(server, journal=tmp_path / "a.sqlite") as policy:
            assert await policy.write(Request(ASKED, seed=3)) == first
            pieces, again = await streamed(policy, Request(ASKED, seed=3))
            await policy.write(Request(ASKED, seed=4))
    assert again == first
    assert pieces == [TEXT]
    assert [body.get("seed") for body in server.bodies] == [3, 4]


async def test_what_fails_before_the_first_piece_is_asked_again() -> None:
    outcomes = iter([Says(status=429, retry_after="0"), Says(status=503), Says(TEXT)])
    async with ScriptedServer(lambda _: next(outcomes)) as server, served(server) as policy:
        _, completion = await streamed(policy, Request(ASKED))
    assert completion.text == TEXT
    assert len(server.bodies) == 3


async def test_what_breaks_off_in_the_middle_is_not_and_counts_as_the_most_it_could_cost() -> None:
    budget = Budget(tokens=1_000_000)
    async with (
        ScriptedServer(lambda _: Says(TEXT, breaks_after=700)) as server,
        served(server, budget=budget, max_tokens=500) as policy,
    ):
        pieces: list[Any] = []

        async def listen() -> None:
            async for piece in policy.stream(Request(ASKED)):
                pieces.append(piece)

        with pytest.raises(ChatError) as failure:
            await listen()
    assert failure.value.reason == "unreachable"
    assert TEXT.startswith("".join(pieces))
    assert pieces
    assert len(server.bodies) == 1
    assert budget.used.completion_tokens == 500


async def test_an_error_in_the_stream_is_told_in_the_servers_words() -> None:
    async with ScriptedServer(lambda _: Says("Well", error="out of memory")) as server, served(server) as policy:
        with pytest.raises(ChatError, match="out of memory"):
            await streamed(policy, Request(ASKED))


async def test_a_stream_without_an_end_is_no_answer() -> None:
    async with ScriptedServer(lambda _: Says(TEXT, finish=None)) as server, served(server) as policy:
        with pytest.raises(ChatError, match="broke off"):
            await streamed(policy, Request(ASKED))


async def test_a_server_that_counts_nothing() -> None:
    async with ScriptedServer(lambda _: Says(TEXT, usage=False)) as server, served(server) as policy:
        _, completion = await streamed(policy, Request(ASKED))
    assert (completion.tokens, completion.cost) == (0, None)


async def test_servers_that_know_no_stream_options_or_no_streams() -> None:
    def script(body: dict[str, Any]) -> Says:
        return Says(status=400, message="stream_options: unknown field") if "stream_options" in body else Says(TEXT)

    async with ScriptedServer(script) as server, served(server) as policy:
        assert (await streamed(policy, Request(ASKED)))[1].text == TEXT
        assert (await streamed(policy, Request(ASKED, seed=1)))[1].text == TEXT
    assert ["stream_options" in body for body in server.bodies] == [True, False, False]
    async with ScriptedServer(lambda _: Says(TEXT, streams=False)) as server, served(server) as policy:
        assert (await streamed(policy, Request(ASKED)))[0] == [TEXT]


async def test_stopping_lets_go_of_the_connection() -> None:
    async with ScriptedServer(lambda _: Says(TEXT * 50, pause=0.01)) as server, served(server) as policy:
        async with aclosing(policy.stream(Request(ASKED))) as pieces:
            await anext(pieces)
        for _ in range(200):
            if server.broken_off:
                break
            await asyncio.sleep(0.01)
        assert server.broken_off == 1


async def test_a_wrong_key_is_told_at_once() -> None:
    async with ScriptedServer(lambda _: Says(status=401, message="wrong key")) as server, served(server) as policy:
        with pytest.raises(ChatError, match="wrong key"):
            await policy.write(Request(ASKED))
    assert len(server.bodies) == 1


def picture(number: int) -> Picture:
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(bytes([0, number, 0, 7])))
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")
    return Picture.from_png(png, Provenance(tool="input", provider="user"))


async def test_pictures_stand_where_they_belong() -> None:
    pictures = (picture(1), picture(2))
    places = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "or"}, {"type": "image"}]}]
    async with ScriptedServer(lambda _: Says("ok")) as server, served(server) as policy:
        await policy.write(Request(ASKED, pictures))
        await policy.write(Request(places, pictures))
        with pytest.raises(ConfigurationError, match="places for 2 pictures and 1"):
            await policy.write(Request(places, pictures[:1]))
    first, second = (body["messages"] for body in server.bodies)
    assert "numbers 0 to 1" in first[0]["content"]
    assert [part["type"] for part in first[1]["content"]] == ["image_url", "image_url", "text"]
    assert [part["type"] for part in second[1]["content"]] == ["image_url", "text", "image_url"]
    urls = [part["image_url"]["url"] for part in first[1]["content"][:2]]
    assert len(set(urls)) == 2
    assert all(url.startswith("data:image/png;base64,") for url in urls)


async def test_instructions_stand_aside_for_a_system_message_of_ones_own() -> None:
    own = [{"role": "system", "content": "Be brief."}, *ASKED]
    async with ScriptedServer(lambda _: Says("ok")) as server:
        async with served(server) as policy:
            await policy.write(Request(ASKED))
            await policy.write(Request(own))
        async with served(server, instruct=False) as policy:
            await policy.write(Request(ASKED))
    assert [body["messages"][0]["content"][:9] for body in server.bodies] == ["You write", "Be brief.", "A page on"]


def obeying(text: str) -> Any:
    """A server that answers the probe as one that enforces constraints."""

    def script(body: dict[str, Any]) -> Says:
        grammar = body.get("structured_outputs", {}).get("grammar", "") or body.get("ebnf", "")
        schema = body.get("response_format", {}).get("json_schema", {})
        if "probe-" in grammar:
            return Says(grammar.split('"')[1])
        if schema.get("name") == "probe":
            return Says(json.dumps({"answer": schema["schema"]["properties"]["answer"]["enum"][0]}))
        return Says(text, finish="length" if text.endswith("|") else "stop")

    return script


@pytest.mark.parametrize(("engine", "field"), [("vllm", "structured_outputs"), ("sglang", "ebnf")])
async def test_grammars_are_sent_in_the_engines_words_and_cut_off_text_is_closed(engine: Any, field: str) -> None:
    cut_off = 'A fox. <imgen>{"source": "search", "description": "a fox|'
    async with ScriptedServer(obeying(cut_off)) as server, served(server, engine=engine) as policy:
        request = Request(ASKED, constraint=RowConstraint(ImageCount.exactly(1)))
        pieces, completion = await streamed(policy, request)
        assert (await policy.write(request)).text == completion.text
    assert len(server.bodies) == 3, "one probe for both"
    assert field in server.bodies[1]
    document = parse(completion.text)
    assert len(document.calls) == 1
    assert not completion.finished
    assert len(pieces) > 3


def test_a_probe_that_was_passed_holds_in_every_event_loop() -> None:
    async def twice(policy: ServedPolicy, server: ScriptedServer) -> None:
        request = Request(ASKED, constraint=RowConstraint())
        await asyncio.gather(policy.write(request), policy.write(request))
        await policy.aclose()

    async def run() -> int:
        async with ScriptedServer(obeying("Foxes.")) as server:
            policy = served(server, engine="vllm")
            await asyncio.gather(*(asyncio.to_thread(asyncio.run, twice(policy, server)) for _ in range(2)))
            await twice(policy, server)
            return sum("probe-" in json.dumps(body) for body in server.bodies)

    assert asyncio.run(run()) in (1, 2)  # two loops may find out at the same time


async def test_a_server_that_ignores_constraints_is_found_out_before_it_is_paid() -> None:
    async with (
        ScriptedServer(lambda _: Says("Paris is the capital.")) as server,
        served(server, engine="vllm") as policy,
    ):
        for _ in range(2):
            with pytest.raises(WritingError, match="ignores constraints"):
                await policy.write(Request(ASKED, constraint=RowConstraint()))
        await policy.write(Request(ASKED))
    assert len(server.bodies) == 3


async def test_json_segments_become_text_and_tags_while_they_come() -> None:
    call = json.loads(FOX.removeprefix("<imgen>").removesuffix("</imgen>"))
    answer = json.dumps({"segments": [{"text": 'Red {"foxes"}. '}, call, {"text": " End <imgen>."}]})
    async with ScriptedServer(obeying(answer)) as server, served(server, engine="openai") as policy:
        pieces, completion = await streamed(policy, Request(ASKED, constraint=RowConstraint()))
        assert (await policy.write(Request(ASKED, constraint=RowConstraint()))).text == completion.text
    assert completion.text == f'Red {{"foxes"}}. {FOX} End <imgen.'
    assert pieces[:2] == ['Red {"foxes"}. ', FOX]


async def test_where_nothing_is_enforced_text_comes_as_far_as_it_is_sure_to_stay() -> None:
    extra = SearchCall(description="b", params=SearchParams(query="b")).to_tag()
    text = f"One. {FOX} Two. {extra} Three."
    async with ScriptedServer(lambda _: Says(text)) as server, served(server) as policy:
        request = Request(ASKED, constraint=RowConstraint(ImageCount.exactly(1)))
        pieces, completion = await streamed(policy, request)
        assert (await policy.write(request)).text == completion.text
    assert completion.text == f"One. {FOX} Two.  Three."
    assert pieces[-1] == " Three."
    assert len(pieces) > 3


async def test_limits_and_fields_go_by_the_names_an_endpoint_knows() -> None:
    options = {"max_completion_tokens": 900, "temperature": None, "reasoning_effort": "low"}
    async with ScriptedServer(lambda _: Says("ok")) as server, served(server, options=options) as policy:
        await policy.write(Request(ASKED))
        await policy.write(Request(ASKED, max_tokens=70))
    assert [body["max_completion_tokens"] for body in server.bodies] == [900, 70]
    assert all("max_tokens" not in body and "temperature" not in body for body in server.bodies)
    assert server.bodies[0]["reasoning_effort"] == "low"


async def test_models_that_know_neither_a_temperature_nor_max_tokens_are_asked_in_their_way() -> None:
    def script(body: dict[str, Any]) -> Says:
        if "max_tokens" in body:
            return Says(status=400, message="Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
        if "temperature" in body:
            return Says(status=400, message="'temperature' does not support 0.0 with this model.")
        return Says("ok")

    async with ScriptedServer(script) as server:
        async with served(server) as policy:
            assert (await streamed(policy, Request(ASKED)))[1].text == "ok"
            assert (await policy.write(Request(ASKED, seed=1))).text == "ok"
        assert len(server.bodies) == 4
        async with served(server) as policy:  # and when several are turned away at once
            together = await asyncio.gather(*(policy.write(Request(ASKED, seed=seed)) for seed in range(4)))
        assert [completion.text for completion in together] == ["ok"] * 4
        assert server.bodies[-1]["max_completion_tokens"] == 4096
        async with served(server, options={"temperature": 0.3}) as policy:
            with pytest.raises(ChatError, match="does not support"):
                await policy.write(Request(ASKED))


async def test_the_identity_is_all_that_affects_the_text() -> None:
    place = Endpoint("http://127.0.0.1:9/v1", "m", api_key="secret")
    policies = [
        ServedPolicy(place),
        ServedPolicy(place, engine="vllm"),
        ServedPolicy(place, instruct=False),
        ServedPolicy(place, max_tokens=9),
        ServedPolicy(place, options={"top_p": 0.9}),
    ]
    assert len({policy.identity for policy in policies}) == 5
    assert ServedPolicy(place, concurrency=3).identity == policies[0].identity
    assert not any("secret" in policy.identity for policy in policies)


def test_names_that_a_user_types() -> None:
    keys = {"OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "a", "GEMINI_API_KEY": "g", "AZURE_OPENAI_API_KEY": "z"}
    named = {"WRITER_BASE_URL": "http://w/v1", "WRITER_MODEL_NAME": "n", "WRITER_API_KEY": "w"}

    def place(name: str) -> tuple[str, str, str, Any]:
        policy = load_policy(name, environment=keys | named)
        assert isinstance(policy, ServedPolicy)
        return policy.endpoint.base_url, policy.endpoint.model, policy.endpoint.api_key, policy.engine

    assert place("vllm:org/name@http://h:8000/v1") == ("http://h:8000/v1", "org/name", "k", "vllm")
    assert place("m@v2@https://h/v1") == ("https://h/v1", "m@v2", "k", None)
    assert place("openai:gpt")[0::3] == ("https://api.openai.com/v1", "openai")
    assert place("anthropic:c") == ("https://api.anthropic.com/v1", "c", "a", None)
    assert place("gemini:g")[0].startswith("https://generativelanguage.googleapis.com/")
    assert place("env:WRITER") == ("http://w/v1", "n", "w", None)
    azure = load_policy("azure:d@https://n.openai.azure.com", environment=keys)
    assert isinstance(azure, ServedPolicy)
    assert azure.endpoint.azure_api_version
    for name, problem in {
        "openai:gpt": "set OPENAI_API_KEY",
        "vllm:m": "does not say where the server is",
        "env:NOBODY": "NOBODY_BASE_URL",
        "a+": "MODEL\\+ADAPTER",
    }.items():
        with pytest.raises(ConfigurationError, match=problem):
            load_policy(name, environment={})
    with pytest.raises(ConfigurationError, match="are for servers"):
        load_policy("folder", options={"top_p": 1})


def test_a_served_policy_loads_nothing_heavy() -> None:
    code = (
        "import sys; from llmi_train.policies import load_policy; load_policy('m@http://127.0.0.1:9/v1');"
        "print(*(sys.modules.keys() & {'torch', 'transformers', 'openai', 'datasets', 'outlines', 'matplotlib'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
