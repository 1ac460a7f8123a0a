"""The four scripts under signals: quiet while they import, orderly once they work, deaf where a shell wants it so."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NAMES = ("data", "reward", "sandbox", "train")
WORK = """
import sys, time

def app():
    try:
        print("working", flush=True)
        for _ in range(300):
            time.sleep(0.1)  # a signal just before a long sleep begins would wait for its end
    finally:
        print("cleaned", flush=True)
"""


def command(folder: Path, name: str, package: str, app: str = WORK) -> subprocess.Popen[str]:
    """A script over a package of this test's own, on the terminal's usual terms."""
    made = folder / f"llmi_{name}"
    made.mkdir()
    (made / "__init__.py").write_text(package)
    (made / "cli.py").write_text(app)
    return subprocess.Popen(
        [sys.executable, "-c", f"import llmi_command; llmi_command.{name}()"],
        env={**os.environ, "PYTHONPATH": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


@pytest.mark.parametrize("name", NAMES)
def test_each_script_is_in_the_module_beside_the_packages(name):
    folder = ROOT / ("sandbox" if name == "sandbox" else f"llmi_{name}")
    project = tomllib.loads((folder / "pyproject.toml").read_text())
    assert project["project"]["scripts"] == {f"llmi-{name}": f"llmi_command:{name}"}


@pytest.mark.parametrize("name", NAMES)
def test_ctrl_c_during_the_imports_shows_nothing(tmp_path, name):
    process = command(tmp_path, name, "import os, signal, time; os.kill(os.getpid(), signal.SIGINT); time.sleep(30)")
    assert process.communicate(timeout=20)[0] == ""
    assert process.returncode == -signal.SIGINT


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("name", NAMES)
def test_a_signal_ends_the_work_in_good_order(tmp_path, name, number):
    process = command(tmp_path, name, "")
    assert process.stdout is not None
    assert process.stdout.readline() == "working\n"
    process.send_signal(number)
    assert process.communicate(timeout=20)[0] == "cleaned\n"
    assert process.returncode == 130


WAITING = """
import asyncio

async def work():
    print("working", flush=True)
    try:
        await asyncio.sleep(30)
    finally:
        await asyncio.sleep(0.1)
        print("cleaned", flush=True)

def app():
    asyncio.run(work())
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_what_an_event_loop_does_in_good_order(tmp_path, number):
    process = command(tmp_path, "train", "", WAITING)
    assert process.stdout is not None
    assert process.stdout.readline() == "working\n"
    process.send_signal(number)
    assert process.communicate(timeout=20)[0] == "cleaned\n"
    assert process.returncode == 130


def test_what_a_shell_put_into_the_background_hears_no_ctrl_c_but_ends_when_told(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)")
    process = command(tmp_path, "train", "")
    assert process.stdout is not None
    assert process.stdout.readline() == "working\n"
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=20)[0] == "cleaned\n"
    assert process.returncode == 128 + signal.SIGTERM


@pytest.mark.parametrize("name", NAMES)
def test_each_tells_its_version(name):
    script = f"import llmi_command; llmi_command.{name}()"
    done = subprocess.run([sys.executable, "-c", script, "--version"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, f"llmi-{name} {version(f'llmi-{name}')}\n"), done.stderr
