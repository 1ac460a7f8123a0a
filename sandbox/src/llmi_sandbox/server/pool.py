"""`Pool`: the workers, one per device, and the queue before them.

A worker does one job at a time; the job that has waited longest goes to the worker that is free first. A worker that
ends is started again, and only its own job is lost. Everything here lives in the server's event loop.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from llmi_sandbox.server.frames import Frame, pack, receive
from llmi_schema import ConfigurationError, LLMIError

log = logging.getLogger(__name__)

FRUITLESS_STARTS = 3
"""So many starts in a row without one finished job, and a worker is given up."""


WORKER = (sys.executable, "-m", "llmi_sandbox.server.worker")


class QueueFullError(LLMIError):
    """More requests wait than the queue holds."""


class WorkerLostError(LLMIError):
    """The worker ended, or was ended, before it answered."""


@dataclass(frozen=True, slots=True)
class Device:
    """Where a worker runs: a GPU's number, or `cpu`."""

    name: str

    @property
    def environment(self) -> dict[str, str]:
        """A worker sees its own GPU only, so that every model is on `cuda:0`."""
        return {} if self.name == "cpu" else {"CUDA_VISIBLE_DEVICES": self.name}

    @property
    def torch_name(self) -> str:
        return "cpu" if self.name == "cpu" else "cuda"


@dataclass(slots=True, eq=False)
class Job:
    """A request on its way; `answer` is the worker's frame."""

    message: Mapping[str, Any]
    blobs: Sequence[bytes]
    answer: asyncio.Future[Frame]


@dataclass(slots=True, eq=False)
class Worker:
    """One process, as the pool sees it."""

    device: Device
    state: Literal["starting", "ready", "busy", "ended", "failed"] = "starting"
    message: str = ""
    served: int = 0
    process: asyncio.subprocess.Process | None = field(default=None, repr=False)

    def as_dict(self) -> dict[str, Any]:
        """For `/health`."""
        pid = self.process.pid if self.process else None
        shown = {"device": self.device.name, "state": self.state, "served": self.served, "pid": pid}
        return {**shown, "message": self.message} if self.message else shown


class Pool:
    """Starts the workers and hands out jobs.

    Args:
        models: what each worker loads.
        devices: one worker for each; a device may occur twice.
        queue: how many jobs may wait.
        seconds: for one job; a worker that takes longer is ended and started again.
        program: what a worker runs; its settings are the last argument.
    """

    def __init__(
        self,
        models: Sequence[str],
        devices: Sequence[Device],
        *,
        dtype: str = "auto",
        queue: int,
        seconds: float,
        program: Sequence[str] = WORKER,
    ) -> None:
        if not models or not devices:
            raise ConfigurationError("a server needs at least one model and one device")
        self._settings = {"models": list(models), "dtype": dtype}
        self._program = program
        self._room = queue
        self._seconds = seconds
        self._jobs: deque[Job] = deque()
        self._arrived = asyncio.Condition()
        self.workers = [Worker(device) for device in devices]
        self.models: dict[str, str] = {}
        self._keepers: list[asyncio.Task[None]] = []

    @property
    def waiting(self) -> int:
        return len(self._jobs)

    @property
    def ready(self) -> bool:
        """Whether any worker can take a job."""
        return any(worker.state in ("ready", "busy") for worker in self.workers)

    def start(self) -> None:
        self._keepers = [asyncio.create_task(self._keep(worker)) for worker in self.workers]

    async def submit(self, message: Mapping[str, Any], blobs: Sequence[bytes] = ()) -> Frame:
        """A job's answer. A caller that is cancelled gives its place up.

        Raises:
            QueueFullError: when too many wait already.
            WorkerLostError: when the worker ended meanwhile, or none is left.
        """
        if all(worker.state == "failed" for worker in self.workers):
            raise WorkerLostError(f"no worker is left: {self.workers[0].message}")
        if len(self._jobs) >= self._room:
            raise QueueFullError(f"{len(self._jobs)} requests are waiting already")
        job = Job(message, blobs, asyncio.get_running_loop().create_future())
        async with self._arrived:
            self._jobs.append(job)
            self._arrived.notify()
        try:
            return await job.answer
        finally:
            if job in self._jobs:
                self._jobs.remove(job)

    async def close(self) -> None:
        """End the workers; jobs in work are lost."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        for job in self._jobs:
            _fail(job, "the server is closing")

    async def _keep(self, worker: Worker) -> None:
        """Keep one worker running."""
        fruitless = 0
        while fruitless < FRUITLESS_STARTS:
            before = worker.served
            try:
                await self._live(worker)
            except (OSError, EOFError, asyncio.IncompleteReadError, ValueError) as error:
                worker.message = worker.message or f"the worker ended ({type(error).__name__})"
            worker.state = "ended"
            fruitless = fruitless + 1 if worker.served == before else 1
            log.error("the worker on %s ended: %s", worker.device.name, worker.message)
            await asyncio.sleep(min(10.0, 0.5 * fruitless))
        worker.state = "failed"
        if all(other.state == "failed" for other in self.workers):
            while self._jobs:
                _fail(self._jobs.popleft(), f"no worker is left: {worker.message}")

    async def _live(self, worker: Worker) -> None:
        """One process from start to end."""
        worker.state = "starting"
        settings = json.dumps({**self._settings, "device": worker.device.torch_name})
        process = worker.process = await asyncio.create_subprocess_exec(
            *self._program,
            settings,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, **worker.device.environment},
            start_new_session=True,  # a Ctrl-C is for the server, which lets workers finish
        )
        try:
            hello, _ = await receive(_stream(process.stdout))
            if hello["kind"] == "failed":
                worker.message = hello["message"]
                return
            self.models = hello["models"]
            worker.message = ""
            while True:
                worker.state = "ready"
                job = await self._next()
                worker.state = "busy"
                await self._do(process, job)
                worker.served += 1
        finally:
            await _end(process, idle=worker.state != "busy")

    async def _next(self) -> Job:
        while True:
            async with self._arrived:
                await self._arrived.wait_for(lambda: bool(self._jobs))
                job = self._jobs.popleft()
            if not job.answer.done():
                return job

    async def _do(self, process: asyncio.subprocess.Process, job: Job) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                stdin = process.stdin
                if stdin is None:
                    raise EOFError
                stdin.write(pack(job.message, job.blobs))
                await stdin.drain()
                frame = await receive(_stream(process.stdout))
        except TimeoutError:
            _fail(job, f"no picture within {self._seconds:g} seconds; the worker was ended")
            raise EOFError from None
        except (OSError, EOFError, ValueError):
            _fail(job, "the worker ended while it made the picture")
            raise
        except asyncio.CancelledError:
            _fail(job, "the server is closing")
            raise
        if not job.answer.done():
            job.answer.set_result(frame)


def _stream(stream: asyncio.StreamReader | None) -> asyncio.StreamReader:
    if stream is None:
        raise EOFError
    return stream


def _fail(job: Job, message: str) -> None:
    if not job.answer.done():
        job.answer.set_exception(WorkerLostError(message))


async def _end(process: asyncio.subprocess.Process, *, idle: bool) -> None:
    """End a process for certain; one that is idle ends by itself when its input does."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(2 if idle else 0):
            await process.wait()
    except TimeoutError:
        if process.returncode is None:
            process.kill()
        await process.wait()
