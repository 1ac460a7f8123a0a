"""The four scripts under signals: quiet while they import, orderly once they work, deaf where a shell wants it so."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
APP = {"data": "cli", "reward": "__main__", "sandbox": "cli", "train": "cli"}
WORK = """
import sys, time

def app():
    try:
        print("working", flush=True)
        time.sleep(30)
    finally:
        print("cleaned", flush=True)

main = app
"""


def command(folder: Path, name: str, package: str, app: str = WORK) -> subprocess.Popen[str]:
    """A script over a package of this test's own, on the terminal's usual terms."""
    made = folder / f"llmi_{name}"
    made.mkdir()
    (made / "__init__.py").write_text(package)
    (made / f"{APP[name]}.py").write_text(app)
    return subprocess.Popen(
        [sys.executable, "-m", f"llmi_{name}_command"],
        env={**os.environ, "PYTHONPATH": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


@pytest.mark.parametrize("name", APP)
def test_each_script_is_the_module_beside_its_package(name):
    folder = ROOT / ("sandbox" if name == "sandbox" else f"llmi_{name}")
    project = tomllib.loads((folder / "pyproject.toml").read_text())
    assert project["project"]["scripts"] == {f"llmi-{name}": f"llmi_{name}_command:main"}
    assert f"src/llmi_{name}_command.py" in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]


@pytest.mark.parametrize("name", APP)
def test_ctrl_c_during_the_imports_shows_nothing(tmp_path, name):
    process = command(tmp_path, name, "import os, signal, time; os.kill(os.getpid(), signal.SIGINT); time.sleep(30)")
    assert process.communicate(timeout=20)[0] == ""
    assert process.returncode == -signal.SIGINT


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("name", APP)
def test_a_signal_ends_the_work_in_good_order(tmp_path, name, number):
    process = command(tmp_path, name, "")
    assert process.stdout is not None
    assert process.stdout.readline() == "working\n"
    process.send_signal(number)
    assert process.communicate(timeout=20)[0] == "cleaned\n"
    assert process.returncode == 130


def test_what_a_shell_put_into_the_background_hears_no_ctrl_c(tmp_path):
    work = WORK.replace("time.sleep(30)", "__import__('os').kill(__import__('os').getpid(), 2)")
    ignoring = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"
    (tmp_path / "sitecustomize.py").write_text(ignoring)
    process = command(tmp_path, "train", "", work)
    assert process.communicate(timeout=20)[0] == "working\ncleaned\n"
    assert process.returncode == 0
