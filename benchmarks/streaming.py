"""How soon a tool starts after its tag, and how long a document takes beside the shortest time possible.

    python benchmarks/streaming.py                                        # about a minute
    python benchmarks/streaming.py --documents 3 --words 60               # a quick look

A policy writes at a fixed pace; tools take a known time, so that what is measured is everything in between. The same
documents are written three ways in one run:

- *in process*: a policy in this process.
- *over HTTP*: a server in a process of its own that streams server-sent events, through `ServedPolicy`.
- *afterwards*: the text first, then its pictures, as without streaming.

The *start* of a tool is counted from when its tag's last character was handed over (by the server, in the second case)
to when the tool is called. The shortest time of a document is that of its writing, or of the slowest chain: the moment
a tag is written, or the picture it works on is there, and its tool's time on top.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from results import record, show

from llmi_reward.chat import Endpoint
from llmi_sandbox import Toolkit
from llmi_schema import (
    DiffusionCall,
    DiffusionParams,
    EditCall,
    EditParams,
    Picture,
    Provenance,
    ToolCall,
    ToolResult,
    parse,
)
from llmi_train.policies import Completion, Policy, Request, ServedPolicy
from llmi_train.writing import Finished, Writing

PICTURE = Picture(png=b"", sha256="", width=1, height=1, provenance=Provenance(tool="diffusion", provider="benchmark"))


@dataclass(frozen=True)
class Plan:
    """One document: its pieces as they are written, and for each tag its piece, its tool's time and its source."""

    pieces: list[str]
    ends: list[int]
    seconds: list[float]
    works_on: list[int | None]


def plan(words: int, tags: int, longest: float, seed: int) -> Plan:
    """Words with tags among them, half of which edit an earlier picture."""
    chance = random.Random(seed)
    places = sorted(chance.sample(range(words), tags))
    pieces: list[str] = []
    ends, seconds, works_on = [], [], []
    for word in range(words):
        pieces.append(f"word{word} ")
        if word in places:
            number = len(ends)
            own = round(chance.uniform(longest / 4, longest), 3)
            before = chance.randrange(number) if number and chance.random() < 0.5 else None
            prompt = f"{own} {number} {seed}"
            tag = (
                DiffusionCall(description="", params=DiffusionParams(prompt=prompt))
                if before is None
                else EditCall(description="", params=EditParams(img_index=before, prompt=prompt))
            ).to_tag()
            pieces += [tag[at : at + 5] for at in range(0, len(tag), 5)]
            ends.append(len(pieces) - 1)
            seconds.append(own)
            works_on.append(before)
    return Plan(pieces, ends, seconds, works_on)


@dataclass
class Tools:
    """Takes as many seconds as a prompt begins with; remembers when it was called. With a toolkit around it."""

    identity = "benchmark"
    called: dict[int, float] = field(default_factory=dict)

    async def __call__(self, call: ToolCall, pictures: Sequence[Picture]) -> ToolResult:
        seconds, number, _ = call.params.prompt.split()
        self.called[int(number)] = time.monotonic()
        await asyncio.sleep(float(seconds))
        return ToolResult(picture=PICTURE)


@dataclass
class Paced:
    """Writes a plan's pieces at a fixed pace; remembers when each tag was handed over."""

    plan: Plan
    pace: float
    identity = "paced"
    handed: dict[int, float] = field(default_factory=dict)
    ended: float = 0.0

    async def stream(self, request: Request) -> AsyncIterator[str | Completion]:
        begun = time.monotonic()
        for number, piece in enumerate(self.plan.pieces):
            await asyncio.sleep(max(0.0, begun + self.pace * (number + 1) - time.monotonic()))
            if number in self.plan.ends:
                self.handed[self.plan.ends.index(number)] = time.monotonic()
            yield piece
        self.ended = time.monotonic()
        yield Completion("".join(self.plan.pieces), True, len(self.plan.pieces))

    async def write(self, request: Request) -> Completion:
        async for piece in self.stream(request):
            if isinstance(piece, Completion):
                return piece
        raise AssertionError


@dataclass(frozen=True)
class Measured:
    """Attributes:
    starts: milliseconds from each tag's last character to its tool.
    ratio: the document's time over the shortest possible.
    """

    starts: list[float]
    ratio: float
    seconds: float


def measured(work: Plan, tools: Tools, handed: dict[int, float], begun: float, ended: float, done: float) -> Measured:
    free: list[float] = []  # when each tag's tool could have begun
    ready: list[float] = []  # when its picture could have been there
    for number, (seconds, before) in enumerate(zip(work.seconds, work.works_on, strict=True)):
        free.append(max(handed[number], ready[before]) if before is not None else handed[number])
        ready.append(free[number] + seconds)
    starts = [
        1000 * (tools.called[number] - handed[number]) for number, before in enumerate(work.works_on) if before is None
    ]
    return Measured(starts, (done - begun) / (max([ended, *ready]) - begun), done - begun)


async def in_process(work: Plan, pace: float) -> Measured:
    tools, policy = Tools(), Paced(work, pace)
    begun = time.monotonic()
    await streamed(policy, tools)
    return measured(work, tools, policy.handed, begun, policy.ended, time.monotonic())


async def over_http(work: Plan, pace: float) -> Measured:
    command = [sys.executable, __file__, "--serve", str(pace)]
    server = await asyncio.create_subprocess_exec(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(json.dumps([work.pieces, work.ends]).encode() + b"\n")
    port = int(await server.stdout.readline())
    tools = Tools()
    async with ServedPolicy(Endpoint(f"http://127.0.0.1:{port}/v1", "m")) as policy:
        begun = time.monotonic()
        await streamed(policy, tools)
        done = time.monotonic()
    server.stdin.close()
    stamps = [json.loads(line) for line in (await server.stdout.read()).splitlines()]
    await server.wait()
    handed = {number: at for number, at in stamps if number >= 0}
    ended = next(at for number, at in stamps if number < 0)
    return measured(work, tools, handed, begun, ended, done)


async def afterwards(work: Plan, pace: float) -> Measured:
    tools, policy = Tools(), Paced(work, pace)
    begun = time.monotonic()
    completion = await policy.write(Request([]))
    await kit(tools).render(parse(completion.text))
    return measured(work, tools, policy.handed, begun, policy.ended, time.monotonic())


async def streamed(policy: Policy, tools: Tools) -> None:
    writing = Writing(policy, Request([{"role": "user", "content": "Write."}]), kit(tools))
    async for event in writing.events():
        if isinstance(event, Finished):
            assert event.written.problem is None, event.written.problem
            assert all(result.ok for result in event.written.rendered.results)


def kit(tools: Tools) -> Toolkit:
    return Toolkit({"diffusion": tools, "edit": tools}, concurrency=64)


def serve(pace: float) -> None:
    """A chat server for one document, which comes on standard input; tells when it handed tags over."""
    pieces, ends = json.loads(sys.stdin.readline())
    places = {end: number for number, end in enumerate(ends)}

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        await reader.readexactly(int(head.split("content-length:")[1].split()[0]))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
        begun = time.monotonic()
        stamps = []
        for number, piece in enumerate(pieces):
            await asyncio.sleep(max(0.0, begun + pace * (number + 1) - time.monotonic()))
            value = {"choices": [{"index": 0, "delta": {"content": piece}}]}
            if number in places:
                stamps.append([places[number], time.monotonic()])
            writer.write(f"data: {json.dumps(value)}\n\n".encode())
        stamps.append([-1, time.monotonic()])
        end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
        writer.write(f"data: {json.dumps(end)}\n\ndata: [DONE]\n\n".encode())
        writer.close()
        for stamp in stamps:
            print(json.dumps(stamp), flush=True)

    async def run() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.read)

    asyncio.run(run())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=8)
    parser.add_argument("--words", type=int, default=100)
    parser.add_argument("--tags", type=int, default=6)
    parser.add_argument("--pace", type=float, default=0.01, help="seconds per piece of five letters or a word")
    parser.add_argument("--longest", type=float, default=0.6, help="seconds that a tool takes at most")
    parser.add_argument("--serve", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve is not None:
        serve(options.serve)
        return
    ways = {"in process": in_process, "over HTTP": over_http, "afterwards": afterwards}
    found: dict[str, list[Measured]] = {name: [] for name in ways}
    asyncio.run(in_process(plan(5, 1, 0.01, 0), 0.001))  # the first of a process also imports
    for seed in range(options.documents):
        work = plan(options.words, options.tags, options.longest, seed)
        for name, way in ways.items():
            found[name].append(asyncio.run(way(work, options.pace)))
    rows, figures = [], {}
    for name, runs in found.items():
        starts = sorted(start for run in runs for start in run.starts)
        ratios = [run.ratio for run in runs]
        figures[name] = {
            "start_ms": {"median": statistics.median(starts), "most": starts[-1], "tools": len(starts)},
            "ratio": {"median": statistics.median(ratios), "most": max(ratios)},
            "seconds": statistics.mean(run.seconds for run in runs),
        }
        one = figures[name]
        ratio = [f"{value:.3f}" for value in one["ratio"].values()]
        rows.append([name, *one["start_ms"].values(), *ratio, one["seconds"]])
    columns = ["", "start, ms", "most", "tools", "time / shortest", "most", "s each"]
    show(f"{options.documents} documents of {options.words} words and {options.tags} tags", columns, rows)
    print(record("streaming", figures, **{k: v for k, v in vars(options).items() if k != "serve"}))


if __name__ == "__main__":
    main()
