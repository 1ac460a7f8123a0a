"""Many renders over servers that do everything wrong: does anything leak?

    python benchmarks/render_soak.py                  # 10,000 renders of five tags, some minutes
    python benchmarks/render_soak.py --renders 300    # a quick look

Real networked tools talk to a server on this machine that hangs, hangs up, answers 429 and 500, truncates, redirects in
circles and sends what is no picture (`tests/sandbox/chaos.py`). Every result must be a picture or a typed reason within
its deadline; files, threads, tasks and memory are counted at the start and at the end. Status 1 when anything is left.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import sys
import threading
import time
from collections import Counter
from pathlib import Path

from results import record, show

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "sandbox"))

from chaos import document, toolkit_over, unleash
from loopback import Loopback

from llmi_sandbox import render_many

LATE = 0.3  # seconds past its deadline that a result may come, besides the longest time the event loop stood still
MORE_MEMORY = 60_000  # kB; allocators keep what they had


def held() -> dict[str, int]:
    gc.collect()
    memory = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    return {
        "files": len(os.listdir("/proc/self/fd")),
        "threads": threading.active_count(),
        "memory in kB": int(memory.split()[1]),
    }


class Heartbeat:
    """How long the event loop stood still at worst: on a busy machine everything in it is late by as much."""

    def __init__(self) -> None:
        self.worst = 0.0

    async def beat(self) -> None:
        while True:
            started = time.monotonic()
            await asyncio.sleep(0.05)
            self.worst = max(self.worst, time.monotonic() - started - 0.05)


async def renders(server: Loopback, count: int, deadline: float) -> tuple[Counter[str], float, float, int]:
    """The outcomes, the longest that a call ran, the longest standstill, and the tasks that were left."""
    outcomes: Counter[str] = Counter()
    longest = 0.0
    before = asyncio.all_tasks()
    heartbeat = Heartbeat()
    beating = asyncio.create_task(heartbeat.beat())
    toolkit = toolkit_over(server, deadline=deadline)
    async for _, rendered in render_many((document(number) for number in range(count)), toolkit, at_once=24):
        server.seen.clear()
        server.requests.clear()
        outcomes.update(result.reason or "picture" for result in rendered.results)
        longest = max(longest, *(result.seconds for result in rendered.results))
    await asyncio.to_thread(toolkit.close)
    beating.cancel()
    await asyncio.gather(beating, return_exceptions=True)
    return outcomes, longest, heartbeat.worst, len(asyncio.all_tasks() - before)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--renders", type=int, default=10_000)
    parser.add_argument("--deadline", type=float, default=1.0)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    with Loopback() as server:
        unleash(server, seed=1)
        asyncio.run(renders(server, max(20, options.renders // 20), options.deadline))  # what is made once is made
        time.sleep(0.5)
        before = held()
        started = time.monotonic()
        outcomes, longest, standstill, tasks = asyncio.run(renders(server, options.renders, options.deadline))
        seconds = time.monotonic() - started
        time.sleep(1)
        after = held()
        connections = server.open
    rows = [[name, before[name], after[name]] for name in before]
    rows += [["tasks", 0, tasks], ["connections", 0, connections]]
    show(f"{options.renders} renders in {seconds:.0f} s", ["", "before", "after"], rows)
    show("Outcomes", ["", "tags"], outcomes.most_common())
    leaks = [name for name in ("files", "threads") if after[name] > before[name]]
    leaks += ["memory"] if after["memory in kB"] - before["memory in kB"] > MORE_MEMORY else []
    leaks += [name for name, left in (("tasks", tasks), ("connections", connections)) if left]
    leaks += ["a call past its deadline"] if longest > options.deadline + standstill + LATE else []
    figures = {
        "before": before,
        "after": after,
        "outcomes": outcomes,
        "longest": longest,
        "standstill": standstill,
        "leaks": leaks,
    }
    print(record("render-soak", {**figures, "seconds": seconds}, **vars(options)))
    if leaks:
        sys.exit(f"left over: {', '.join(leaks)}")


if __name__ == "__main__":
    main()
