"""Nearly a third of all calls go wrong: no score is invented, no sample lost, nothing paid for twice."""

import asyncio
import json
import re
import sys
from pathlib import Path

import pytest
from faulty_server import FaultyServer, now_and_then

pytest.importorskip("openai")

SAMPLES, CONCURRENCY, SHARE = 200, 16, 0.3
WORKER = Path(__file__).with_name("chaos_worker.py")


def marks_for(number):
    """What the server's judge thinks of a part; every part has marks of its own."""
    return {"text": number % 5 + 1, "image": number // 5 % 5 + 1}


def value_of(number):
    marks = marks_for(number)
    return ((1.4 * marks["text"] + 0.6 * marks["image"]) / 2 - 1) / 4


def judge_with_faults(share):
    chance = now_and_then(share)

    def script(call):
        fault = chance(call)
        if fault != "ok":
            return fault
        number = int(re.search(r"part (\d+)", call.body["messages"][1]["content"])[1])
        return {name: {"reason": "so it is", "score": mark} for name, mark in marks_for(number).items()}

    return script


async def work(server, journal, samples=SAMPLES, kill_after=None):
    """Run the worker; kill it -9 once it has told this many scores. All the scores it told, by sample."""
    command = [str(WORKER), server.url, str(journal), str(samples), str(CONCURRENCY)]
    process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=asyncio.subprocess.PIPE)
    told = {}
    async for line in process.stdout:
        if not line.endswith(b"\n"):
            break  # cut off by the kill
        number, value, reason = json.loads(line)
        assert number not in told
        told[number] = (value, reason)
        if len(told) == kill_after:
            process.kill()
            kill_after = None
    await process.wait()
    return told


async def test_chaos_and_kill_9(tmp_path):
    journal = tmp_path / "answers.sqlite"
    async with FaultyServer(judge_with_faults(SHARE), latency=0.02, hang_seconds=30, keep_calls=False) as server:
        before = await work(server, journal, kill_after=SAMPLES // 3)
        assert SAMPLES // 3 <= len(before) < SAMPLES
        assert server.paid_twice == 0

        after = await work(server, journal)
        assert sorted(after) == list(range(SAMPLES))  # none is lost
        assert server.paid_twice <= CONCURRENCY  # those in flight when it was killed

        for told in (before, after):  # none is invented
            for number, (value, reason) in told.items():
                assert value is None or value == value_of(number)
                assert (value is None) == bool(reason)
        scored = [value for value, _ in after.values() if value is not None]
        assert 0.8 * SAMPLES < len(scored) < SAMPLES  # passing faults were retried, refusals were not

        # What was scored before the kill is scored alike after it, from the journal.
        assert all(after[number][0] == value for number, (value, _) in before.items() if value is not None)

        paid = server.paid.total()
        server.script = lambda call: "401"
        again = await work(server, journal)
        assert server.paid.total() == paid  # the third run pays nothing
        assert all(again[number][0] == value for number, (value, _) in after.items() if value is not None)


async def test_an_outage_leaves_every_sample_unscored_and_ends(tmp_path):
    async with FaultyServer(lambda call: "500", keep_calls=False) as server:
        told = await work(server, tmp_path / "a.sqlite", samples=50)
    assert len(told) == 50
    assert {value for value, _ in told.values()} == {None}
    assert all(reason.startswith("llm: server error: the server answered 500") for _, reason in told.values())
