"""`llmi-train write` as a user types it, against a server on this machine."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from scripted_server import Says, Script, ScriptedServer
from typer.testing import CliRunner

from llmi_schema import DiffusionCall, DiffusionParams
from llmi_train.cli import app
from llmi_train.writing import load_written

FOX = DiffusionCall(description="a [red] fox", params=DiffusionParams(prompt="a fox at dawn")).to_tag()
TEXT = f"# Foxes\n\nThey are red.\n\n{FOX}\n\nThe end."


@contextmanager
def serving(script: Script) -> Iterator[ScriptedServer]:
    """The scripted server in a thread, for commands that run loops of their own."""
    loop = asyncio.new_event_loop()
    server = ScriptedServer(script)
    loop.run_until_complete(server.__aenter__())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.__aexit__(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def run(*arguments: str | Path) -> Any:
    return CliRunner().invoke(app, ["write", *map(str, arguments)])


@pytest.mark.parametrize("suffix", [".html", ".md", ".json"])
def test_a_prompt_becomes_a_file(tmp_path: Path, suffix: str) -> None:
    output = tmp_path / f"foxes{suffix}"
    with serving(lambda _: Says(TEXT)) as server:
        result = run("A page on foxes", "-m", f"m@{server.url}", "-o", output, "--prices", "1,2")
    assert result.exit_code == 0, result.output
    assert "# Foxes\n\nThey are red.\n\n" in result.output
    assert "[figure 1: diffusion: a [red] fox]" in result.output
    assert "<imgen>" not in result.output
    assert "1 pictures" in result.output
    assert "cost" in result.output
    text = output.read_text()
    match suffix:
        case ".html":
            assert "data:image/" in text
        case ".md":
            assert (tmp_path / "foxes-0.png").read_bytes().startswith(b"\x89PNG")
        case ".json":
            assert load_written(output).rendered.results[0].ok


def test_pictures_and_wishes_reach_the_server(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (9, 9), "red").save(tmp_path / "a.png")
    with serving(lambda _: Says(TEXT)) as server:
        result = run(
            "Edit it", "-m", f"m@{server.url}", "-o", tmp_path / "a.json", "--image", tmp_path / "a.png",
            "--pictures", "1", "--option", "top_p=0.5", "--option", "temperature=null", "--seed", "4",
        )  # fmt: skip
    assert result.exit_code == 0, result.output
    (body,) = server.bodies
    system, user = body["messages"]
    assert "exactly one picture" in system["content"]
    assert user["content"][0]["type"] == "image_url"
    assert (body["top_p"], body["seed"]) == (0.5, 4)
    assert "temperature" not in body
    assert len(load_written(tmp_path / "a.json").rendered.inputs) == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "give a prompt, or --data"),
        (["x", "--data", "rows.jsonl"], "give a prompt, or --data"),
        (["x", "-o", "a.pdf"], ".html, .md, .json"),
        (["x", "-m", "openai:gpt"], "set OPENAI_API_KEY"),
        (["x", "-m", "m@http://127.0.0.1:9/v1", "--prices", "cheap"], "two numbers"),
        (["x", "-m", "m@http://127.0.0.1:9/v1", "--option", "top_p"], "NAME=VALUE"),
        (["x", "-m", "m@http://127.0.0.1:9/v1", "--pictures", "lots"], "at least one"),
        (["x", "-m", "m@http://127.0.0.1:9/v1", "--tools", "nowhere.toml"], "nowhere.toml"),
        (["--data", "nowhere.jsonl", "-m", "m@http://127.0.0.1:9/v1"], "nowhere.jsonl"),
        (
            ["--data", "table.csv", "-o", "out", "-m", "m@http://127.0.0.1:9/v1"],
            "table.csv: there are no prompts",
        ),
    ],
)
def test_mistakes_are_told_in_a_sentence(
    arguments: list[str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    (tmp_path / "table.csv").write_text("prompt\nFoxes\n")
    result = run(*arguments)
    assert result.exit_code == 1
    assert sentence in result.output
    assert "Traceback" not in result.output


def test_a_stream_that_breaks_off_is_kept_when_asked(tmp_path: Path) -> None:
    output = tmp_path / "a.json"
    with serving(lambda _: Says(TEXT, error="out of memory")) as server:
        result = run("x", "-m", f"m@{server.url}", "-o", output)
        assert result.exit_code == 1
        assert "out of memory" in result.output
        assert "--keep" in result.output
        assert not output.exists()
        kept = run("x", "-m", f"m@{server.url}", "-o", output, "--keep")
    assert kept.exit_code == 1
    assert load_written(output).problem
    assert load_written(output).rendered.results[0].ok


HEAVY = {"torch", "transformers", "trl", "datasets", "outlines", "openai", "matplotlib"}


def test_writing_over_http_loads_nothing_heavy(tmp_path: Path) -> None:
    with serving(lambda _: Says("No pictures.")) as server:
        code = (
            "import sys; from llmi_train.cli import app\n"
            f"app(['write', 'x', '-m', 'm@{server.url}', '-o', '{tmp_path}/a.json'], standalone_mode=False)\n"
            f"print(sorted(sys.modules.keys() & {HEAVY}))"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def command(*arguments: str | Path) -> subprocess.Popen[str]:
    code = "from llmi_train.cli import app; app()"
    return subprocess.Popen(
        [sys.executable, "-c", code, "write", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def until(true: Callable[[], Any], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come to this"
        time.sleep(0.02)


def in_session(session: int) -> list[int]:
    """Every process that the command started, and itself."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    return found


@pytest.mark.parametrize("keep", [True, False])
def test_ctrl_c_ends_everything_and_keeps_what_it_is_asked_to(tmp_path: Path, keep: bool) -> None:
    code = '<imgen>{"source": "code", "description": "bars", "params": {"code": "plt.bar([1, 2], [3, 4])"}}</imgen>'
    with serving(lambda _: Says(f"Begun. {code} " + "word " * 5000, pause=0.02)) as server:
        output = tmp_path / "a.json"
        process = command("x", "-m", f"m@{server.url}", "-o", output, "--unsafe", *(["--keep"] if keep else []))
        assert process.stdout is not None
        seen = ""
        while "figure 1: llmi_sandbox" not in seen and "s]" not in seen:
            line = process.stdout.readline()
            assert line, "it ended too early"
            seen += line
        os.kill(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 130, errors
        until(lambda: not in_session(process.pid))
        until(lambda: server.broken_off)
    assert output.exists() == keep
    if keep:
        written = load_written(output)
        assert written.problem == "stopped"
        assert str(written.rendered).startswith("Begun. ")
    else:
        assert "Nothing was saved" in errors


def test_ctrl_c_ends_a_model_in_this_process(tmp_path: Path, base: Path) -> None:
    output = tmp_path / "a.json"
    process = command("x", "-m", base, "-o", output, "--no-constrain", "--max-tokens", "100000", "--keep")
    assert process.stdout is not None
    process.stdout.readline()  # text is coming
    os.kill(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert "Fatal" not in errors
    assert load_written(output).problem == "stopped"


def test_kill_9_and_the_same_command_again_repeats_no_finished_row(tmp_path: Path) -> None:
    data = tmp_path / "rows.jsonl"
    data.write_text("\n".join(json.dumps({"prompt": f"Row {i}", "id": i}) for i in range(8)))
    folder = tmp_path / "out"
    hold = threading.Event()
    held: list[str] = []

    def script(body: dict[str, Any]) -> Says:
        asked = body["messages"][-1]["content"]
        if asked in ("Row 6", "Row 7") and not hold.is_set():
            held.append(asked)
            return Says(status=503, retry_after="1000")
        return Says(f"{asked}: {FOX}")

    with serving(script) as server:
        arguments = ("--data", data, "-o", folder, "-m", f"m@{server.url}", "--format", "json", "--at-once", "2")
        process = command(*arguments)
        until(lambda: len(list(folder.glob("[0-9].json"))) == 6 and len(held) == 2)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        hold.set()
        asked_before = len(server.bodies)
        again = run(*arguments)
        assert again.exit_code == 0, again.output
        assert "2 written, 6 were there" in again.output
    asked = [body["messages"][-1]["content"] for body in server.bodies[asked_before:]]
    assert sorted(asked) == ["Row 6", "Row 7"]
    for i in range(8):
        written = load_written(folder / f"{i}.json")
        assert str(written.rendered) == f"Row {i}: {FOX}"
        assert written.rendered.results[0].ok
    assert not list(folder.glob(".*.part"))


def test_rows_that_fail_are_named_and_tried_again(tmp_path: Path) -> None:
    data = tmp_path / "rows.jsonl"
    data.write_text('{"prompt": "good", "id": "a"}\nnot json\n{"prompt": "bad", "id": "b"}\n')

    def script(body: dict[str, Any]) -> Says:
        return Says(status=400, message="too long") if body["messages"][-1]["content"] == "bad" else Says("ok")

    with serving(script) as server:
        result = run("--data", data, "-o", tmp_path / "out", "-m", f"m@{server.url}")
    assert result.exit_code == 1
    assert "line 2" in result.output
    assert "b: the server answered 400: too long" in result.output
    assert "the same command tries them again" in result.output
    assert (tmp_path / "out" / "a.html").exists()
