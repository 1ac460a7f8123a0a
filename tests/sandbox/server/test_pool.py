"""`Pool`: one process per device, the queue, and workers that end."""

from __future__ import annotations

import asyncio
import io
import os
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from llmi_sandbox.server.frames import pack, read
from llmi_sandbox.server.pool import Device, Pool, QueueFullError, WorkerLostError
from llmi_sandbox.server.run import devices_named
from llmi_schema import ConfigurationError

FAKE = (sys.executable, str(Path(__file__).parent / "fake_worker.py"))


@asynccontextmanager
async def pool(models=("tiny",), devices=("cpu",), *, queue=8, seconds=5.0):
    one = Pool(list(models), [Device(name) for name in devices], queue=queue, seconds=seconds, program=FAKE)
    one.start()
    try:
        yield one
    finally:
        await one.close()


def job(prompt: str) -> dict:
    return {"model": "tiny", "prompt": prompt}


async def until(condition, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_one_process_per_device_sees_that_device_alone():
    async with pool(devices=("0", "1", "cpu")) as one:
        await until(lambda: all(worker.state == "ready" for worker in one.workers))
        answers = await asyncio.gather(*(one.submit(job("sleep 0.2")) for _ in range(3)))
    told = sorted((head["gpus"] or "", head["device"]) for head, _ in answers)
    assert told == [("", "cpu"), ("0", "cuda"), ("1", "cuda")]
    assert len({head["pid"] for head, _ in answers}) == 3


async def test_more_jobs_than_workers_wait_their_turn():
    async with pool(devices=("cpu", "cpu"), queue=20) as one:
        answers = await asyncio.gather(*(one.submit(job(f"{i}")) for i in range(20)))
        assert [blobs for _, blobs in answers] == [[f"{i}".encode()] for i in range(20)]
        assert sum(worker.served for worker in one.workers) == 20


async def test_a_full_queue_turns_requests_away():
    async with pool(queue=2) as one:
        await one.submit(job("hello"))
        running = asyncio.create_task(one.submit(job("sleep 0.5")))
        await until(lambda: one.workers[0].state == "busy")
        waiting = [asyncio.create_task(one.submit(job("x"))) for _ in range(2)]
        await until(lambda: one.waiting == 2)
        with pytest.raises(QueueFullError, match="2 requests are waiting"):
            await one.submit(job("too much"))
        waiting[0].cancel()  # a client that went away leaves its place
        await until(lambda: one.waiting == 1)
        extra = asyncio.create_task(one.submit(job("y")))
        assert [blobs for _, blobs in await asyncio.gather(running, waiting[1], extra)] == [
            [b"sleep 0.5"],
            [b"x"],
            [b"y"],
        ]


@pytest.mark.parametrize("fault", ["die", "babble"])
async def test_a_worker_that_ends_loses_its_own_job_alone(fault):
    async with pool() as one:
        await one.submit(job("hello"))
        first = one.workers[0].process.pid
        lost, next_one = await asyncio.gather(one.submit(job(fault)), one.submit(job("after")), return_exceptions=True)
        assert isinstance(lost, WorkerLostError)
        assert next_one[1] == [b"after"]
        assert one.workers[0].process.pid != first
        assert not alive(first)


async def test_a_job_that_takes_too_long_is_given_up():
    async with pool(seconds=0.3) as one:
        await one.submit(job("hello"))
        with pytest.raises(WorkerLostError, match=r"no picture within 0\.3 seconds"):
            await one.submit(job("sleep 60"))
        assert (await one.submit(job("after")))[1] == [b"after"]


async def test_a_model_that_cannot_be_loaded_is_said(monkeypatch):
    monkeypatch.setattr("llmi_sandbox.server.pool.FRUITLESS_STARTS", 1)
    async with pool(models=("broken",)) as one:
        waiting = asyncio.create_task(one.submit(job("x")))
        with pytest.raises(WorkerLostError, match="the model broken cannot be loaded"):
            await asyncio.wait_for(waiting, 10)
        assert not one.ready
        with pytest.raises(WorkerLostError, match="no worker is left"):
            await one.submit(job("x"))


async def test_closing_leaves_no_process():
    async with pool(devices=("cpu", "cpu")) as one:
        await until(lambda: one.ready)
        busy = asyncio.create_task(one.submit(job("sleep 60")))
        await until(lambda: any(worker.state == "busy" for worker in one.workers))
        pids = [worker.process.pid for worker in one.workers if worker.process]
    with pytest.raises(WorkerLostError, match="closing"):
        await busy
    assert not [pid for pid in pids if alive(pid)]


def test_devices():
    assert devices_named(["0", "1", "2"]) == ["0", "1", "2"]
    assert devices_named(["cpu"]) == ["cpu"]
    for wrong in ("gpu", "0-2", "-1", ""):
        with pytest.raises(ConfigurationError, match="is no device"):
            devices_named([wrong])


def test_a_server_of_nothing_is_an_error():
    for models, devices in (((), ("cpu",)), (("tiny",), ())):
        with pytest.raises(ConfigurationError, match="at least one model and one device"):
            Pool(models, [Device(name) for name in devices], queue=1, seconds=1)


async def test_jobs_that_wait_are_told_when_the_server_closes():
    async with pool() as one:
        await until(lambda: one.ready)
        busy, waiting = (asyncio.create_task(one.submit(job("sleep 60"))) for _ in range(2))
        await until(lambda: one.waiting == 1)
    for task in (busy, waiting):
        with pytest.raises(WorkerLostError, match="closing"):
            await task


def test_a_frame_that_is_cut_short_is_the_end():
    frame = pack({"kind": "pictures"}, [b"abc", b"de"])
    assert read(io.BytesIO(frame)) == ({"kind": "pictures"}, [b"abc", b"de"])
    assert [read(io.BytesIO(frame[:size])) for size in range(len(frame))] == [None] * len(frame)


def test_without_a_gpu_auto_is_the_processor(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert devices_named(["auto"]) == ["cpu"]
