"""Servers that do everything wrong: every tag ends in a picture or a typed reason, in time, and nothing is left."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
import time
from typing import get_args

import pytest
from chaos import DEADLINE, FAULTS, document, toolkit_over, unleash
from loopback import answer

from llmi_sandbox import render_many
from llmi_schema import FailureReason, parse

REASONS = set(get_args(FailureReason))


def held() -> tuple[int, int]:
    """Open files and threads of this process."""
    gc.collect()
    return len(os.listdir("/proc/self/fd")), threading.active_count()


@pytest.mark.parametrize("fault", FAULTS)
async def test_one_fault_all_the_time(server, fault):
    unleash(server, 1, faults=(fault,), share=1.0)
    toolkit = toolkit_over(server)
    started = time.monotonic()
    rendered = await toolkit.render(document(1))
    seconds = time.monotonic() - started
    await asyncio.to_thread(toolkit.close)
    for result in rendered.results:
        assert result.reason in REASONS
        assert result.message
        assert result.seconds <= DEADLINE + 0.3
    assert rendered.results[2].reason == "missing_picture"
    assert seconds <= DEADLINE + 0.5, "edits of what is missing wait for nothing more"


async def test_all_faults_by_turns_and_nothing_is_left(server):
    unleash(server, 7)
    warm = toolkit_over(server)
    await warm.render(document(0))
    await asyncio.to_thread(warm.close)
    await asyncio.sleep(0.1)
    before, tasks = held(), asyncio.all_tasks()
    toolkit = toolkit_over(server, deadline=2.0)
    delivered = 0
    async for _, rendered in render_many((document(n) for n in range(60)), toolkit, at_once=16):
        delivered += len(rendered.delivered)
        for result in rendered.results:
            assert result.ok or result.reason in REASONS
            assert result.seconds <= 2.0 + 0.5
    attempted = sum(numbers.attempted for numbers in toolkit.statistics.values())
    await asyncio.to_thread(toolkit.close)
    assert delivered >= 10, "what was well came through"
    assert attempted >= 120
    assert asyncio.all_tasks() == tasks
    for _ in range(100):
        if held() <= before and server.open == 0:
            break
        await asyncio.sleep(0.05)
    assert (held(), server.open) <= (before, 0)


async def test_a_cancelled_render_closes_its_connections(server):
    unleash(server, 1, faults=("never",), share=1.0)
    toolkit = toolkit_over(server, deadline=30)
    task = asyncio.create_task(toolkit.render(parse(document(1))))
    await asyncio.to_thread(lambda: [time.sleep(0.01) for _ in range(500) if server.open < 2])
    assert server.open >= 2
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.to_thread(toolkit.close)
    assert not [thread for thread in threading.enumerate() if thread.name == "llmi-sandbox-network"]


FORK = """
import asyncio, os, sys
from llmi_sandbox import Web
web = Web()
ask = lambda: asyncio.run(web.request("GET", sys.argv[1])).body
assert ask() == b"here"
child = os.fork()
if child == 0:
    os._exit(0 if ask() == b"here" else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert ask() == b"here"
web.close()
"""


async def test_closing_ends_what_runs_with_a_reason(server):
    unleash(server, 1, faults=("never",), share=1.0)
    toolkit = toolkit_over(server, deadline=30)
    task = asyncio.create_task(toolkit.render(document(1)))
    await asyncio.to_thread(lambda: [time.sleep(0.01) for _ in range(500) if server.open < 2])
    await asyncio.to_thread(toolkit.close)
    rendered = await asyncio.wait_for(task, 5)
    assert {result.reason for result in rendered.results} == {"unavailable", "missing_picture"}


def test_a_forked_process_opens_connections_of_its_own(server):
    server.on("/", answer(b"here"))
    command = [sys.executable, "-W", "ignore", "-c", FORK, f"{server.base}/"]
    done = subprocess.run(command, timeout=30, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(server.seen) == 3


def test_one_toolkit_over_many_event_loops(server):
    unleash(server, 3, share=0.0)
    with toolkit_over(server, deadline=5) as toolkit:
        for number in range(20):
            rendered = asyncio.run(toolkit.render(document(number)))
            assert [result.message for result in rendered.results] == [""] * 5
        assert server.open <= 8, "connections are kept and used again"
