"""`kill -9` in the middle of a task: no answer of the judge is asked for again, no document written again."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from counting_judge import CountingJudge, judging
from scripted_server import Says, ScriptedServer

from llmi_train.evaluate import load_run


@contextmanager
def writing() -> Iterator[ScriptedServer]:
    loop = asyncio.new_event_loop()
    server = ScriptedServer(lambda body: Says("# A report\n\nIt has no pictures."))
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


def kept(folder: Path) -> int:
    """Answers that are on disk."""
    try:
        with sqlite3.connect(f"file:{folder / 'judgements.sqlite'}?mode=ro", uri=True) as connection:
            return int(connection.execute("SELECT count(*) FROM answers").fetchone()[0])
    except sqlite3.Error:
        return 0


@pytest.mark.parametrize("kills", [(17,), pytest.param((7, 26), marks=pytest.mark.slow)])  # no end of a task
def test_killed_it_asks_for_each_judgement_once(kills: tuple[int, ...], tmp_path: Path) -> None:
    with writing() as model, judging(CountingJudge()) as judge:
        command = [sys.executable, "-m", "llmi_train", "evaluate", "--bench", "project", "--limit", "4"]
        command += ["-m", f"m@{model.url}", "--judge", f"judge@{judge.url}", "-o", str(tmp_path / "run")]
        command += ["--at-once", "2"]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        for answers in kills:
            judge.silent_after = answers
            process: Any = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
            deadline = time.monotonic() + 180
            while kept(tmp_path / "run") < answers:
                assert process.poll() is None, "it ended before it was killed"
                assert time.monotonic() < deadline, "the judge was not asked"
                time.sleep(0.02)
            process.send_signal(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL
            assert judge.answered.total() == answers
        judge.silent_after = None
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=180, check=False)
        written = len(model.bodies)
        again = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{40 - kills[-1]} judgements received, {kills[-1]} were there" in done.stdout
    assert "0 judgements received, 40 were there" in again.stdout
    assert judge.answered.total() == len(judge.answered) == 40  # each once
    assert written == len(model.bodies)
    run = load_run(tmp_path / "run")
    assert (run.coverage, run.score.low) == (1.0, 1.0)
    assert (tmp_path / "run" / "report.html").exists()
