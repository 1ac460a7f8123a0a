"""The same command goes on after a kill, to the same weights, bit by bit."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from llmi_sandbox import Toolkit
from llmi_schema import ConfigurationError
from llmi_train import RECIPES, Recipe, train
from llmi_train.callbacks import OnStep
from llmi_train.checkpoints import SEAL, newest_whole_checkpoint

Tiny = Callable[..., Recipe]
Fingerprint = Callable[[Path], str]

STEPS = 4
LONGER = {"max_steps": STEPS, "save_steps": 1, "save_total_limit": 2}


class PowerCut(Exception):  # noqa: N818
    pass


def command(output: Path, *flags: str) -> list[str]:
    grpo = [f"--{name}={value}" for name, value in LONGER.items()]
    recipe = ["--config", str(RECIPES / "tiny" / "qwen3.yaml"), "--output_dir", str(output)]
    return [sys.executable, "-m", "llmi_train", "grpo", *recipe, *grpo, *flags]


def kill_after(step: int, arguments: Sequence[str], output: Path) -> None:
    """Start the command and kill it, and all it started, once a later step is under way."""
    environment = {
        name: value for name, value in os.environ.items() if name not in ("WORLD_SIZE", "RANK", "LOCAL_RANK")
    }
    environment["OMP_NUM_THREADS"] = "1"
    log = output.with_suffix(".txt").open("wb")
    process = subprocess.Popen(arguments, env=environment, stdout=log, stderr=log, start_new_session=True)
    deadline = time.monotonic() + 280
    while not (output / f"checkpoint-{step}" / SEAL).exists():
        assert process.poll() is None, output.with_suffix(".txt").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    log.close()


def steps_of(output: Path) -> list[int]:
    log = [json.loads(line) for line in (output / "log.jsonl").read_text().splitlines()]
    return [entry["step"] for entry in log if "loss" in entry]


@pytest.mark.timeout(900)  # it starts torch four times
def test_after_a_kill_the_command_goes_on_to_the_same_adapter(
    tiny: Tiny, toolkit: Toolkit, tmp_path: Path, fingerprint: Fingerprint
) -> None:
    whole = train(tiny(output="whole", grpo=LONGER), toolkit=toolkit)
    killed = tmp_path / "killed"
    kill_after(2, command(killed), killed)
    assert not (killed / "adapter").exists()
    done: list[int] = []
    adapter = train(
        tiny(output="killed", grpo=LONGER), toolkit=toolkit, callbacks=[OnStep(lambda s, log: done.append(s))]
    )
    assert 1 not in done
    assert max(done) == STEPS
    assert fingerprint(adapter) == fingerprint(whole)
    assert steps_of(killed) == steps_of(tmp_path / "whole") == [1, 2, 3, 4]
    assert sorted(path.name for path in killed.glob("checkpoint-*")) == ["checkpoint-3", "checkpoint-4"]


def test_without_deepspeed_from_the_newest_whole_checkpoint(
    tiny: Tiny, toolkit: Toolkit, fingerprint: Fingerprint
) -> None:
    recipe = tiny(output="whole", zero="none", grpo=LONGER)
    whole = train(recipe, toolkit=toolkit)

    def cut(step: int, log: dict[str, Any]) -> None:
        if step == 3 and not log:
            raise PowerCut

    stopped = tiny(output="stopped", zero="none", grpo=LONGER)
    with pytest.raises(PowerCut):
        train(stopped, toolkit=toolkit, callbacks=[OnStep(cut)])
    half = stopped.output_dir / "checkpoint-3"  # as a kill leaves it: the state is there, the seal is not
    shutil.copytree(stopped.output_dir / "checkpoint-2", half)
    (half / SEAL).unlink()
    (half / "optimizer.pt").write_bytes(b"half")
    newest = newest_whole_checkpoint(stopped.output_dir)
    assert newest is not None
    assert newest.name == "checkpoint-2"
    assert fingerprint(train(stopped, toolkit=toolkit)) == fingerprint(whole)


def test_a_finished_run_does_no_step_more(tiny: Tiny, toolkit: Toolkit, fingerprint: Fingerprint) -> None:
    recipe = tiny(zero="none")
    adapter = train(recipe, toolkit=toolkit)
    before, log = fingerprint(adapter), (recipe.output_dir / "log.jsonl").read_text()
    shutil.rmtree(adapter)  # stopped after the last step, before its adapter was written

    def never(step: int, log: dict[str, Any]) -> None:
        raise AssertionError("a step was made")

    assert train(recipe, toolkit=toolkit, callbacks=[OnStep(never)]) == adapter
    assert fingerprint(adapter) == before
    assert json.loads(log.splitlines()[0]) == json.loads((recipe.output_dir / "log.jsonl").read_text().splitlines()[0])
    assert train(recipe.with_grpo(max_steps=3), toolkit=toolkit) == adapter  # asked for more, it goes on
    assert steps_of(recipe.output_dir) == [1, 2, 3]


def test_another_run_is_not_continued(tiny: Tiny, toolkit: Toolkit) -> None:
    recipe = tiny(zero="none", grpo={"max_steps": 1})
    train(recipe, toolkit=toolkit)
    with pytest.raises(ConfigurationError, match="cannot be continued: lora was"):
        train(recipe.model_copy(update={"lora": recipe.lora.model_copy(update={"r": 8})}), toolkit=toolkit)


def test_a_checkpoint_between_two_updates_of_a_generation_is_refused(tiny: Tiny, toolkit: Toolkit) -> None:
    with pytest.raises(ConfigurationError, match="choose a multiple of 2"):
        train(tiny("qwen3-moe", grpo={"save_steps": 1}), toolkit=toolkit)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("zero", ["none", "zero2", "zero3"])
def test_two_processes_after_a_kill_of_the_launcher(zero: str, tmp_path: Path, fingerprint: Fingerprint) -> None:
    flags = ["--processes", "2", "--zero", zero]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    subprocess.run(command(whole, *flags), check=True, capture_output=True, timeout=400)
    kill_after(2, command(killed, *flags), killed)
    deadline = time.monotonic() + 60
    while left := running(killed):
        assert time.monotonic() < deadline, left
        time.sleep(0.1)
    subprocess.run(command(killed, *flags), check=True, capture_output=True, timeout=400)
    assert fingerprint(killed / "adapter") == fingerprint(whole / "adapter")
    assert steps_of(killed) == [1, 2, 3, 4]
    assert not running(tmp_path)


def running(folder: Path) -> list[str]:
    lines = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line for line in lines if str(folder) in line and "llmi_train" in line]
