"""The launcher with workers of our own: no trainer, so each test takes a second or two."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from llmi_train.distributed import place
from llmi_train.launch import WorkerFailedError, launch, visible_gpus

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc and prctl")

WORKER = """
import json, os, subprocess, sys, time
from pathlib import Path
from llmi_train.launch import die_with_launcher
die_with_launcher()
what, folder = sys.argv[1], Path(sys.argv[2])
rank = os.environ["RANK"]
if what == "fail" and rank == "1":
    print("rank one has had enough")
    sys.exit(3)
child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
(folder / f"{rank}.new").write_text(json.dumps({"pids": [os.getpid(), child.pid], "env": dict(os.environ)}))
(folder / f"{rank}.new").rename(folder / f"{rank}.json")
if what == "work":
    sys.exit(0)
time.sleep(120)
"""
PROGRAM = (sys.executable, "-c", WORKER)


def workers(folder: Path, number: int) -> list[dict[str, object]]:
    deadline = time.monotonic() + 60
    while len(found := sorted(folder.glob("*.json"))) < number:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return [json.loads(path.read_text()) for path in found]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(pids: list[int]) -> None:
    deadline = time.monotonic() + 30
    while any(alive(pid) for pid in pids):
        assert time.monotonic() < deadline, [pid for pid in pids if alive(pid)]
        time.sleep(0.05)


def start(what: str, folder: Path) -> subprocess.Popen[str]:
    script = (
        "import sys\nfrom pathlib import Path\nfrom llmi_train.launch import launch\n"
        f"launch([{what!r}, {str(folder)!r}], 2, Path({str(folder)!r}), program=({sys.executable!r}, '-c', {WORKER!r}))"
    )
    return subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE, text=True)


def test_every_worker_knows_its_place(tmp_path: Path) -> None:
    launch(["work", str(tmp_path)], 2, tmp_path, program=PROGRAM)
    environments = [worker["env"] for worker in workers(tmp_path, 2)]
    assert [(env["RANK"], env["WORLD_SIZE"]) for env in environments] == [("0", "2"), ("1", "2")]  # type: ignore[index]
    assert len({env["MASTER_PORT"] for env in environments}) == 1  # type: ignore[index]
    assert (tmp_path / "logs" / "rank-1.log").exists()


def test_a_worker_that_fails_takes_the_others_along_and_is_quoted(tmp_path: Path) -> None:
    with pytest.raises(WorkerFailedError, match=r"training process 1 ended with exit code 3(.|\n)*had enough"):
        launch(["fail", str(tmp_path)], 2, tmp_path, program=PROGRAM)
    gone([pid for path in tmp_path.glob("*.json") for pid in json.loads(path.read_text())["pids"]])


def test_a_killed_launcher_leaves_no_worker_behind(tmp_path: Path) -> None:
    launcher = start("sleep", tmp_path)
    pids = [pid for worker in workers(tmp_path, 2) for pid in worker["pids"]]  # type: ignore[attr-defined]
    assert all(alive(pid) for pid in pids)
    launcher.kill()
    launcher.communicate(timeout=30)
    gone(pids)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_reach_the_workers(tmp_path: Path, number: signal.Signals) -> None:
    launcher = start("sleep", tmp_path)
    pids = [pid for worker in workers(tmp_path, 2) for pid in worker["pids"]]  # type: ignore[attr-defined]
    launcher.send_signal(number)
    launcher.communicate(timeout=60)
    assert launcher.returncode == 128 + number
    gone(pids)


@pytest.mark.parametrize(("visible", "number"), [("0,1,2", 3), ("", 0), ("-1", 0), ("GPU-8932", 1)])
def test_gpus_are_counted_without_torch(monkeypatch: pytest.MonkeyPatch, visible: str, number: int) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert visible_gpus() == number
    assert os.environ["CUDA_VISIBLE_DEVICES"] == visible


@pytest.mark.parametrize(
    ("since", "says"),
    [({}, "False None"), ({"WORLD_SIZE": "2", "MASTER_PORT": "1"}, "True 1")],
    ids=["alone", "launched"],
)
def test_a_group_of_one_is_not_handed_on(since: dict[str, str], says: str) -> None:
    tell = "import os; from llmi_train.distributed import *; print(under_a_launcher(), os.environ.get('MASTER_PORT'))"
    code = f"""
import os, subprocess, sys
from llmi_train.distributed import single_process_environment, under_a_launcher
single_process_environment()
assert under_a_launcher() and os.environ["MASTER_PORT"]
subprocess.run([sys.executable, "-c", {tell!r}], env=dict(os.environ, **{since!r}), check=True)
"""
    alone = {name: value for name, value in os.environ.items() if name not in place(0, 1, 0)}
    done = subprocess.run([sys.executable, "-c", code], env=alone, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == says, done.stderr
