"""The studio over HTTP: who may ask, and what it answers."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path
from typing import Any

import httpx2
import pytest
from studio_server import Policy, Running, Tools, picture, running

from llmi_reward.chat import ChatError
from llmi_schema import DiffusionCall, DiffusionParams, ImageCount
from llmi_train.studio import app as studio_app_module
from llmi_train.studio.board import Board
from llmi_train.writing.saving import from_json

FOX = DiffusionCall(description="a fox", params=DiffusionParams(prompt="a fox at dawn")).to_tag()


def ready() -> Tools:
    tools = Tools()
    tools.ready.set()
    return tools


def messages(studio: Running, name: str) -> list[dict[str, Any]]:
    """Everything a page is told, to the end."""
    answer = studio.ask("GET", f"sessions/{name}/events")
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    return [json.loads(line) for line in answer.text.splitlines()]


def of_kind(told: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [message for message in told if message["kind"] == kind]


def test_a_document_from_its_beginning_to_its_end() -> None:
    prices = {"diffusion": 0.04}
    with running(Policy("# Foxes\n\nRed.\n\n", FOX, "\n\nThe end."), ready(), prices=prices, currency="$") as studio:
        name = studio.begin(count="1")
        told = messages(studio, name)
        assert [message["html"] for message in of_kind(told, "block")][0::2] == [
            '<h2 class="h1">Foxes</h2>\n<p>Red.</p>\n',
            "<p>The end.</p>\n",
        ]
        (call,) = of_kind(told, "call")
        assert "$0.04" in call["html"]
        assert "CC0-1.0" in call["html"]
        assert "1.25 s" in call["html"]
        (facts,) = of_kind(told, "facts")
        assert {
            "pictures": "1 of 1 tags",
            "tokens": "1,234",
            "tools' cost": "$0.04",
            "model's cost": "$0.25",
        }.items() <= dict(facts["facts"]).items()
        (score,) = of_kind(told, "score")
        assert "1.00" in score["html"]
        assert told[-1] == {"kind": "end", "id": name, "words": "Finished", "problem": None, "saved": True}
        (request,) = studio.studio.policy.asked  # type: ignore[attr-defined]
        assert request.constraint.count == ImageCount.exactly(1)
        assert studio.ask("GET", "sessions").json() == [{"id": name, "prompt": "A page on foxes", "running": False}]


def test_a_document_is_downloaded_in_every_form() -> None:
    with running(Policy("Red.\n\n", FOX), ready()) as studio:
        name = studio.begin()
        messages(studio, name)
        page = studio.ask("GET", f"sessions/{name}/document.html", token=None)
        assert page.headers["content-disposition"].startswith("attachment")
        assert "data:image/png" in page.text
        archive = zipfile.ZipFile(io.BytesIO(studio.ask("GET", f"sessions/{name}/document.zip").content))
        assert sorted(archive.namelist()) == ["document-0.png", "document.md"]
        written = from_json(studio.ask("GET", f"sessions/{name}/document.json").json())
        assert written.rendered.results[0].ok
        for missing in (f"sessions/{name}/document.exe", "sessions/other/document.html"):
            assert studio.ask("GET", missing).status_code == 404


def test_the_users_pictures_are_read_and_shown() -> None:
    from base64 import b64encode

    data = b64encode(picture(3).png).decode()
    with running(Policy("Seen."), ready()) as studio:
        name = studio.begin(pictures=[{"name": "a.png", "data": data}])
        (given,) = of_kind(messages(studio, name), "given")
        assert "data:image/png" in given["html"]
        assert len(studio.studio.policy.asked[0].pictures) == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"{", "JSON"),
        (b'{"prompt": "  "}', "say what the document should be about"),
        (b'{"prompt": 1}', "prompt"),
        (b'{"prompt": "x", "count": "lots"}', "no number of pictures"),
        (b'{"prompt": "x", "temperature": 9}', "temperature"),
        (b'{"prompt": "x", "model": "y"}', "model"),
        (b'{"prompt": "x", "pictures": [{"name": "a.png", "data": "bm8="}]}', "a.png"),
        (b'{"prompt": "x", "pictures": [{"name": "a.png", "data": "%"}]}', "base64"),
    ],
)
def test_bad_requests_are_told_in_a_sentence(body: bytes, sentence: str) -> None:
    with running(Policy("x"), ready()) as studio:
        answer = studio.ask("POST", "sessions", content=body)
        assert answer.status_code == 400
        assert sentence in answer.json()["error"]
        assert studio.ask("GET", "sessions").json() == []


def test_a_body_that_is_too_large_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studio_app_module, "LARGEST_BODY", 1000)
    with running(Policy("x"), ready()) as studio:
        assert studio.ask("POST", "sessions", content=b'{"prompt": "' + b"x" * 5000 + b'"}').status_code == 413


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ({}, None),
        ({}, "guessed"),
        ({"Origin": "https://evil.example"}, "a-token-of-the-tests"),
        ({"Origin": "null"}, "a-token-of-the-tests"),
        ({"Origin": "http://127.0.0.1:1"}, "a-token-of-the-tests"),
    ],
)
def test_requests_from_elsewhere_are_refused(headers: dict[str, str], token: str | None) -> None:
    with running(Policy("x"), ready()) as studio:
        name = studio.begin()
        for method, path in (
            ("POST", "sessions"),
            ("GET", "sessions"),
            ("GET", f"sessions/{name}/events"),
            ("POST", f"sessions/{name}/stop"),
        ):
            answer = studio.ask(method, path, token=token, headers=headers, content=b'{"prompt": "x"}')
            assert answer.status_code == 403, path
        assert len(studio.ask("GET", "sessions").json()) == 1


def test_other_names_do_not_lead_here() -> None:
    with running(Policy("x"), ready()) as studio:
        for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", "127.0.0.1.", ""):
            assert studio.ask("GET", "", headers={"Host": host}).status_code in (400, 421), host
        assert studio.ask("GET", "", headers={"Host": "localhost:1"}).status_code == 200


def test_browsers_are_told_to_be_strict() -> None:
    with running(Policy("x"), ready()) as studio:
        page = studio.ask("GET", "", token=None)
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert "access-control-allow-origin" not in page.headers
        assert page.headers["x-frame-options"] == "DENY"
        for path in ("", "studio.js", "sessions"):
            assert studio.ask("GET", path).headers["x-content-type-options"] == "nosniff"
        preflight = studio.ask("OPTIONS", "sessions", headers={"Access-Control-Request-Headers": "x-studio-token"})
        assert preflight.status_code == 405
        assert "access-control-allow-origin" not in preflight.headers


def test_stopping_keeps_what_is_there() -> None:
    never = threading.Event()
    with running(Policy("Begun. ", FOX, never, "more")) as studio:
        name = studio.begin()
        until(lambda: studio.studio.toolkit.calls)  # type: ignore[attr-defined]
        studio.ask("POST", f"sessions/{name}/stop")
        told = messages(studio, name)
        assert told[-1]["words"] == "Stopped"
        assert told[-1]["saved"]
        (document,) = of_kind(told, "document")
        assert "Begun." in document["html"]
        assert "stopped before this picture was there" in document["html"]


def test_sessions_are_apart_and_those_that_have_ended_are_read_again() -> None:
    gate = threading.Event()
    with running(Policy("One. ", gate, "Two."), ready()) as studio:
        first, second = studio.begin("First"), studio.begin("Second")
        assert [session["running"] for session in studio.ask("GET", "sessions").json()] == [True, True]
        studio.ask("POST", f"sessions/{first}/stop")
        assert messages(studio, first)[-1]["words"] == "Stopped"
        gate.set()
        assert messages(studio, second)[-1]["words"] == "Finished"
        assert messages(studio, second) == messages(studio, second)
        assert [session["prompt"] for session in studio.ask("GET", "sessions").json()] == ["Second", "First"]


def test_no_more_than_so_many_write_at_a_time() -> None:
    with running(Policy(threading.Event())) as studio:
        for _ in range(8):
            studio.begin()
        answer = studio.ask("POST", "sessions", json={"prompt": "x"})
        assert answer.status_code == 400
        assert "8 documents are being written" in answer.json()["error"]


def test_a_policy_that_fails_is_told_on_the_page() -> None:
    with running(Policy(ChatError("rejected", "the key is <wrong>")), ready()) as studio:
        (end,) = of_kind(messages(studio, studio.begin()), "end")
        assert (end["problem"], end["saved"]) == ("the key is <wrong>", False)
    with running(Policy("Some words. ", ChatError("unreachable", "it broke off")), ready()) as studio:
        (end,) = of_kind(messages(studio, studio.begin()), "end")
        assert (end["words"], end["problem"], end["saved"]) == ("Not finished", "it broke off", True)


async def test_a_board_shows_late_and_slow_readers_the_newest_of_everything() -> None:
    board = Board()
    board.put("a", {"n": 1})
    reader = board.read()
    assert await anext(reader) == {"n": 1}
    for n in range(2, 100):
        board.put("b", {"n": n})
        board.put("a", {"n": n})
    assert [await anext(reader), await anext(reader)] == [{"n": 99}, {"n": 99}]
    waiting = asyncio.ensure_future(anext(reader))
    await asyncio.sleep(0)
    board.put("c", {"n": 100})
    assert await waiting == {"n": 100}
    board.close()
    assert [message async for message in reader] == []
    assert [message["n"] async for message in board.read()] == [99, 99, 100]


def until(true: Any, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come to this"
        time.sleep(0.01)


def test_the_command_serves_until_it_is_interrupted_and_loads_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import atexit, sys; from llmi_train.cli import app\n"
        "heavy = {'torch', 'transformers', 'trl', 'datasets', 'outlines', 'openai', 'matplotlib'}\n"
        "atexit.register(lambda: print('loaded:', *(sys.modules.keys() & heavy)))\napp()"
    )
    command = [sys.executable, "-c", code, "studio", "-m", "m@http://127.0.0.1:9/v1", "--port"]
    process = subprocess.Popen([*command, "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    assert process.stdout is not None
    url = process.stdout.readline().split()[0]
    until(lambda: _answers(url))
    assert "Write a document" in httpx2.get(url).text
    port = url.rstrip("/").rpartition(":")[2]
    taken = subprocess.run([*command, port], capture_output=True, text=True, cwd=tmp_path)
    assert taken.returncode == 1
    assert f"port {port} cannot be used" in taken.stderr
    os.kill(process.pid, signal.SIGINT)
    output, errors = process.communicate(timeout=30)
    assert process.returncode in (0, 130), errors
    assert "Traceback" not in errors
    assert output.splitlines()[-1] == "loaded:"


def _answers(url: str) -> bool:
    try:
        return httpx2.get(url).status_code == 200
    except httpx2.HTTPError:
        return False
