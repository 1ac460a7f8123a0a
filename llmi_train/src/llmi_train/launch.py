"""One command, several processes: starts a worker per GPU on this machine and answers for them.

The workers are this same command, each told its place in the group. Signals are passed on, a worker that fails takes
the others with it, and when the launcher is gone, even by `kill -9`, the kernel ends its workers.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO

from llmi_schema import LLMIError
from llmi_train.distributed import free_port, place

logger = logging.getLogger(__name__)

LOGS = "logs"
"""The folder in `output_dir` with what the workers other than the first one print."""

PROGRAM = (sys.executable, "-c", "import llmi_command; llmi_command.train()")
"""What the workers are, unless said otherwise: this command again."""

_LAUNCHER = "LLMI_LAUNCHER_PID"
_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PATIENCE_SECONDS = 30.0
_TAIL_LINES = 20
_PR_SET_PDEATHSIG = 1


class WorkerFailedError(LLMIError):
    """A training process ended with an error; the message has the end of what it printed."""


def visible_gpus() -> int:
    """How many NVIDIA GPUs this process may use, without loading torch."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([name for name in visible.split(",") if name.strip() and name.strip() != "-1"])
    return sum(device.name[len("nvidia") :].isdigit() for device in Path("/dev").glob("nvidia*"))


def default_processes() -> int:
    """One per GPU, eight at most; one where there is none."""
    return min(8, max(1, visible_gpus()))


def is_first() -> bool:
    """Whether this is the process that talks to the user: the launcher, or the only one."""
    return _LAUNCHER not in os.environ


def launch(arguments: Sequence[str], processes: int, output_dir: Path, *, program: Sequence[str] = PROGRAM) -> None:
    """Run `program` with `arguments` as a group of processes on this machine, to the end.

    The first worker prints to this terminal, the others to `output_dir/logs/rank-N.log`.

    Raises `WorkerFailedError` when one fails, `SystemExit` when a signal ended them.
    """
    logs = output_dir / LOGS
    logs.mkdir(parents=True, exist_ok=True)
    port = free_port()
    workers: list[_Worker] = []
    with _signals(workers) as received:
        try:
            for rank in range(processes):
                workers.append(_start([*program, *arguments], rank, processes, port, logs))  # noqa: PERF401 (each counts at once)
            failed = _wait(workers)
        finally:
            _end(workers)
    if received:
        raise SystemExit(128 + received[0])  # the first worker has told the user
    if failed:
        raise WorkerFailedError(failed.story())


def die_with_launcher() -> None:
    """In a worker: ask the kernel to end this process when the launcher ends. Does nothing without our launcher.

    Linux only; elsewhere an orphan ends when the group's next exchange fails.
    """
    launcher = os.environ.get(_LAUNCHER)
    if launcher is None or not sys.platform.startswith("linux"):
        return
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # one that waits for the group would not come round to a handler
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(launcher):  # it ended before we asked
        os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class _Worker:
    rank: int
    process: subprocess.Popen[bytes]
    log: Path | None

    def story(self) -> str:
        code = self.process.returncode
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        if self.log is None:
            return f"training process {self.rank} {how}; its message is above"
        lines = self.log.read_text(errors="replace").splitlines()[-_TAIL_LINES:]
        return "\n".join([f"training process {self.rank} {how}; {self.log} ends with:", *lines])


def _start(command: Sequence[str], rank: int, size: int, port: int, logs: Path) -> _Worker:
    log = None if rank == 0 else logs / f"rank-{rank}.log"
    output: IO[bytes] | None = log.open("wb") if log else None
    environment = os.environ | place(rank, size, port) | {_LAUNCHER: str(os.getpid())}
    environment.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // size)))
    try:
        process = subprocess.Popen(  # noqa: S603 (our own command line again)
            command,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT if output else None,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # signals reach them through us, once
        )
    finally:
        if output:
            output.close()
    return _Worker(rank, process, log)


def _wait(workers: Sequence[_Worker]) -> _Worker | None:
    """Until all have ended well, or the first has not: that one."""
    while True:
        codes = [worker.process.poll() for worker in workers]
        for worker, code in zip(workers, codes, strict=True):
            if code:
                return worker
        if None not in codes:
            return None
        time.sleep(0.1)


def _end(workers: Sequence[_Worker]) -> None:
    """Let nothing of the group run on: workers are asked first and then made to, what they started with them."""
    for worker in workers:
        if worker.process.poll() is None:
            worker.process.terminate()
    deadline = time.monotonic() + _PATIENCE_SECONDS
    for worker in workers:
        try:
            worker.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            logger.warning("training process %d does not end by itself", worker.rank)
        _kill_group(worker.process.pid)
        worker.process.wait()


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


@contextmanager
def _signals(workers: Sequence[_Worker]) -> Iterator[list[int]]:
    """Pass signals on to the workers while they run; yields those that came."""
    received: list[int] = []

    def pass_on(number: int, frame: FrameType | None) -> None:
        received.append(number)
        for worker in workers:
            if worker.process.poll() is None:
                worker.process.send_signal(number)

    before = {number: signal.signal(number, pass_on) for number in _PASSED_ON}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
