"""The demo at a small size, as a user runs it: stopped in the middle, run to its end, opened in a browser."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import chromium
import pytest

pytestmark = [pytest.mark.xdist_group("demo"), pytest.mark.timeout(600)]

NO_NETWORK = """
import socket
connect = socket.socket.connect
def guarded(self, address):
    if self.family in (socket.AF_INET, socket.AF_INET6) and not address[0].startswith(("127.", "::1", "localhost")):
        raise PermissionError(f"the demo tried to reach {address[0]}")
    return connect(self, address)
socket.socket.connect = guarded
"""


def start(folder: Path, guard: Path) -> subprocess.Popen[str]:
    guard.mkdir(exist_ok=True)
    (guard / "sitecustomize.py").write_text(NO_NETWORK)
    environment = {**os.environ, "PYTHONPATH": str(guard), "LLMI_SECRET": "must not reach a snippet"}
    command = [str(Path(sys.executable).with_name("llmi-train")), "demo", "--small", "--output", str(folder)]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        start_new_session=True,
        # A shell that runs the tests in the background makes its children ignore Ctrl-C; a person's terminal does not.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A demo that was interrupted once; its folder and what the second run printed."""
    root = tmp_path_factory.mktemp("end_to_end")
    folder = root / "demo"
    first = start(folder, root / "guard")
    deadline = time.monotonic() + 300
    while not (folder / "base" / "config.json").exists():
        assert first.poll() is None, first.stdout.read() if first.stdout else ""
        assert time.monotonic() < deadline
        time.sleep(0.1)
    os.killpg(first.pid, signal.SIGINT)
    interrupted, _ = first.communicate(timeout=60)
    assert first.returncode == 130, interrupted
    assert "goes on from here" in interrupted
    assert "Traceback" not in interrupted

    second = start(folder, root / "guard")
    output, _ = second.communicate(timeout=400)
    assert second.returncode == 0, output
    return folder, output


def test_the_second_run_goes_on(demo: tuple[Path, str]) -> None:
    _, output = demo
    assert "Going on where the last run" in output
    assert "already done" in output
    assert "Held-out reward" in output


def test_every_result_is_there(demo: tuple[Path, str]) -> None:
    folder, output = demo
    for name in ("dataset", "adapter", "base", "documents", "metrics.json", "reward_curve.png", "report.html"):
        assert (folder / name).exists()
        if name != "base":
            assert str(folder / name) in output
    metrics = json.loads((folder / "metrics.json").read_text())
    assert len(metrics["train"]["log"]) == 4
    assert metrics["write"]["invalid_documents"] == 0
    assert metrics["after"]["answers"] == metrics["data"]["test"]["rows"]


def test_it_is_trained_on_the_marks_of_judges(demo: tuple[Path, str]) -> None:
    folder, output = demo
    assert "a stand-in on this machine" in output
    metrics = json.loads((folder / "metrics.json").read_text())
    assert {"count", "llm", "mllm"} <= set(re.findall(r"\w+", metrics["train"]["reward"]))
    for when in ("before", "after"):
        assert 0 < metrics[when]["judged"] < 1
        assert metrics[when]["without_verdict"] == 0
        assert metrics[when]["judged"] != metrics[when]["reward"]


def test_the_dataset_loads_and_no_scenario_straddles(demo: tuple[Path, str]) -> None:
    from datasets import load_from_disk

    folder, _ = demo
    data = load_from_disk(str(folder / "dataset"))
    families = {split: set(data[split].to_pandas()["provenance"].map(lambda p: p["family"])) for split in data}
    assert families["train"]
    assert families["test"]
    assert not families["train"] & families["test"]
    rows = data["train"].to_pandas()
    assert set(rows["image_count"]) >= {-1, 0, 1, 2, 99}
    assert {tool for tools in rows["required_tools"] for tool in tools} == {"search", "diffusion", "code", "edit"}


def test_the_adapter_is_lora_and_loads(demo: tuple[Path, str]) -> None:
    from llmi_train import Writer

    folder, _ = demo
    assert json.loads((folder / "adapter" / "adapter_config.json").read_text())["peft_type"] == "LORA"
    writer = Writer.load(folder / "base", folder / "adapter", max_new_tokens=8)
    assert len(writer.complete([[{"role": "user", "content": "Two pictures of a fox"}]])) == 1


def test_pictures_really_render_in_a_browser(demo: tuple[Path, str], browser: Any) -> None:
    folder, _ = demo
    written = json.loads((folder / "progress.json").read_text())["done"]["write"]["shown"]
    delivered = sum(bool(result["picture"]) for record in written for result in record["document"]["results"])
    pages = [folder / "report.html", *sorted((folder / "documents").glob("*.html"))]
    for page in pages:
        sizes = chromium.rendered_images(page)
        assert all(width > 0 and height > 0 for width, height in sizes), page
    charts = 2
    assert len(chromium.rendered_images(pages[0])) >= charts + delivered


def test_nothing_is_left_running(demo: tuple[Path, str]) -> None:
    folder, _ = demo
    lines = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout.splitlines()
    assert not [line for line in lines if str(folder) in line and "ps -eo" not in line]
