"""`llmi-train scale` as a user types it, against a server on this machine."""

from __future__ import annotations

import asyncio
import json
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from scripted import code, diffusion, qualities, search
from scripted_server import Says, ScriptedServer
from typer.testing import CliRunner

from llmi_train.cli import app

WANTED = ("--pictures", "2")


def script(body: dict[str, Any]) -> Says:
    """Writes, compares, picks and repairs, by what it is asked."""
    said = json.dumps(body)
    if "You compare two" in said:
        first, second = qualities(said)
        return Says(json.dumps({"reason": "so", "better": "first" if first > second else "second"}))
    if "You choose a picture" in said:
        return Says(json.dumps({"reason": "so", "best": 1}))
    if "You repair Python code" in said:
        return Says(json.dumps({"diagnosis": "so", "code": "plt.bar([1, 2, 3], [3, 1, 2])"}))
    chance = random.Random(f"{body.get('seed')} {body['messages'][-1]['content']}")
    picture = diffusion("a fox that dreams") if chance.random() < 0.5 else code("plt.bar([1, 2], [3, 1, 2])")
    return Says(f"Foxes. [q={chance.random():.3f}]\n\n{search('red fox')}\n\nThey dream.\n\n{picture}")


@contextmanager
def serving() -> Iterator[ScriptedServer]:
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


def run(*arguments: object) -> Any:
    return CliRunner(env={"MLLM_JUDGE_BASE_URL": ""}).invoke(app, ["scale", *map(str, arguments)])


def test_a_prompt_becomes_a_curve_and_a_second_run_asks_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with serving() as server:
        command = (
            *("A page on foxes", *WANTED, "-m", f"w@{server.url}", "--judge", f"j@{server.url}", "--n", "1,3"),
            *("--prices", "1,2", "--judge-prices", "1,2", "-o", out),
        )
        result = run(*command)
        assert result.exit_code == 0, result.output
        assert "2 points made, 0 were there" in result.output
        asked = len(server.bodies)
        again = run(*command)
        assert again.exit_code == 0, again.output
        assert "0 points made, 2 were there" in again.output
        assert len(server.bodies) == asked
        (out / "points" / "document-n3.json").unlink()
        assert run(*command).exit_code == 0
        assert len(server.bodies) == asked  # every answer was kept
        other = run(*command, "--temperature", "0.5")
        assert other.exit_code == 1
        assert "another temperature: choose another folder" in other.output
    curve = json.loads((out / "scaling.json").read_text())
    assert [mean["n"] for mean in curve["means"]] == [1, 3]
    assert curve["means"][0]["cost"]["tokens"] < curve["means"][1]["cost"]["tokens"]
    assert curve["means"][1]["cost"]["money"] > 0
    stages = [stage["name"] for stage in curve["points"][1]["report"]["stages"]]
    assert stages == ["sample", "filter", "repair", "filter", "pick", "select"]
    page = (out / "scaling.html").read_text()
    assert "What each stage costs and gains" in page
    assert "http://" not in page.replace(server.url, "").replace("http://www.w3.org", "")
    assert (out / "scaling.png").read_bytes().startswith(b"\x89PNG")
    assert "data:image/" in (out / "documents" / "document-n3.html").read_text()


def test_many_prompts_and_a_bad_line(tmp_path: Path) -> None:
    rows = [{"prompt": f"A page on fox {i}", "id": f"fox{i}", "image_count": 2} for i in range(3)]
    data = tmp_path / "rows.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"no": "prompt"}\n')
    with serving() as server:
        result = run(
            *("--data", data, "-m", f"w@{server.url}", "--judge", f"j@{server.url}", "--n", "2,1", "--limit", "2"),
            *("-o", tmp_path / "out", "--enhance", "0"),
        )
    assert result.exit_code == 0, result.output
    curve = json.loads((tmp_path / "out" / "scaling.json").read_text())
    assert [(point["task"], point["n"]) for point in curve["points"]] == [
        ("fox0", 1), ("fox0", 2), ("fox1", 1), ("fox1", 2)
    ]  # fmt: skip
    assert [mean["tasks"] for mean in curve["means"]] == [2, 2]
    assert "line 4" in result.output


def test_without_a_judge_the_fittest_wins_and_it_is_said(tmp_path: Path) -> None:
    with serving() as server:
        result = run("Foxes", *WANTED, "-m", f"w@{server.url}", "--n", "2", "-o", tmp_path / "out")
        assert result.exit_code == 0, result.output
        assert "No judge: the fittest candidate wins" in result.output
        needs = run("Foxes", "-m", f"w@{server.url}", "--polish", "-o", tmp_path / "other")
        assert needs.exit_code == 1
        assert "--polish and --enough need a judge" in needs.output


def test_an_allowance_is_kept_and_told(tmp_path: Path) -> None:
    with serving() as server:
        result = run(
            *("Foxes", "-m", f"w@{server.url}", "--judge", f"j@{server.url}", "--n", "4", "--tokens", "0"),
            *("-o", tmp_path / "out"),
        )
    assert result.exit_code == 0, result.output
    assert "1 cut short by their allowance" in result.output
    (point,) = json.loads((tmp_path / "out" / "scaling.json").read_text())["points"]
    assert (point["score"], point["report"]["stopped"]) == (None, "budget")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "give a prompt, or --data"),
        (("Foxes", "--n", "1,two"), "numbers from 1 on"),
        (("Foxes", "--n", "0"), "numbers from 1 on"),
        (("Foxes", "-m", "m@http://localhost:9/v1", "--judge", "somebody"), "no model on a server"),
        (("Foxes", "-m", "m@http://localhost:9/v1", "--score", "nonsense"), "neither a preset"),
        (("Foxes", "-m", "m@http://localhost:9/v1", "--budget", "1"), "--prices for the model"),
    ],
)
def test_mistakes_are_told_in_a_sentence(tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    result = run(*arguments, "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert says in result.output
    assert "Traceback" not in result.output


@pytest.mark.slow  # trains a tokenizer first, and loads torch
def test_a_model_in_this_process(base: Path, tmp_path: Path) -> None:
    """Tiny, untrained, held to valid tags: what it writes is nonsense, and a curve all the same."""
    result = run(
        *("Foxes", *WANTED, "-m", base, "--n", "1,2", "--max-tokens", "120", "--constrain", "--tokens", "100000"),
        *("-o", tmp_path / "out"),
    )
    assert result.exit_code == 0, result.output
    points = json.loads((tmp_path / "out" / "scaling.json").read_text())["points"]
    assert [point["n"] for point in points] == [1, 2]
    assert all(point["report"]["cost"]["tokens"] > 0 for point in points)
    assert points[1]["report"]["cost"]["writes"] == 2
