"""How fast judges are asked, what that costs in CPU, and what survives chaos.

    python benchmarks/judges.py                # sizes that show the bars: about four minutes
    python benchmarks/judges.py --quick        # a look: half a minute

The server is one of the tests' own, in a process of its own, and answers after a fixed time; so `N x latency /
concurrency` is what the calls take if asking them cost nothing. The bars:

- wall time <= 1.05 of that for N >= 10 concurrency, <= 1.15 with 5 % transient faults (429, 500, connections reset);
- >= 2,000 requests in flight in one process;
- <= 300 us of CPU per call beyond the client library (the library's own typed call, and its bare post);
- chaos, 30 % of answers 429, 500, timeout, garbage or refusal: no score invented, no sample lost, nothing paid for
  twice after `kill -9` but what was in flight.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from results import record, show

from llmi_reward import Sample
from llmi_reward.chat import ChatClient, Endpoint
from llmi_reward.judges import LLMJudge
from llmi_schema import Constraint, RenderedDocument, parse

TESTS = Path(__file__).parents[1] / "tests/llmi_reward"
PROSE = "Foxes are red, and live in dens that they dig or take over from badgers. " * 25  # 1.8 KB, as answers are


@dataclass(frozen=True, slots=True)
class Server:
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def stats(self) -> dict[str, int]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/stats") as reply:
            return dict(json.load(reply))


@contextmanager
def serving(latency: float, faults: float = 0.0, kinds: str = "429,500,reset") -> Iterator[Server]:
    command = [sys.executable, str(TESTS / "faulty_server.py"), "--latency", str(latency), "--faults", str(faults)]
    command += ["--kinds", kinds, "--retry-after", "0", "--hang-seconds", "30"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        yield Server(int(process.stdout.readline()))
        process.stdin.close()


def sample(number: int) -> Sample:
    document = RenderedDocument(document=parse(f"{PROSE} Part {number}."), results=())
    return Sample("Write about foxes.", document, Constraint())


async def wall(concurrency: int, calls: int, latency: float, faults: float = 0.0, journal: Path | None = None) -> dict:
    """Scores `calls` samples by one judge call each; wall time against N x latency / concurrency."""
    samples = [sample(number) for number in range(calls)]
    with serving(latency, faults) as server:
        place = Endpoint(server.url, "m")
        async with ChatClient(place, concurrency=concurrency, journal=journal) as chat:
            await chat.ask("loads the client library")
            judge = LLMJudge(chat)
            started = time.perf_counter()
            scores = await asyncio.gather(*(judge.judge(one) for one in samples))
            seconds = time.perf_counter() - started
        most = server.stats()["most"]
    ideal = calls * latency / concurrency
    return {
        "calls": calls,
        "concurrency": concurrency,
        "latency": latency,
        "faults": faults,
        "seconds": round(seconds, 3),
        "ratio": round(seconds / ideal, 4),
        "most_in_flight": most,
        "scored": sum(score.value is not None for score in scores),
    }


async def cpu(calls: int, concurrency: int, rounds: int, folder: Path) -> dict[str, float]:
    """Microseconds of CPU per call, best of some rounds: the library's own calls, and ours."""
    import openai

    best: dict[str, float] = {}
    with serving(latency=0.05) as server:
        place = Endpoint(server.url, "m")
        library = openai.AsyncOpenAI(base_url=server.url, api_key="none", max_retries=0)
        texts = [f"{PROSE} Part {number}." for number in range(calls)]

        async def typed(text: str) -> None:
            messages: Any = [{"role": "user", "content": text}]
            await library.chat.completions.create(model="m", messages=messages, max_tokens=1024, temperature=0.0)

        async def bare(text: str) -> None:
            messages = [{"role": "user", "content": text}]
            body = json.dumps({"model": "m", "messages": messages, "max_tokens": 1024, "temperature": 0.0}).encode()
            found = await library.post(
                "/chat/completions",
                cast_to=openai.HttpxBinaryResponseContent,
                content=body,
                options={"headers": {"Content-Type": "application/json"}},
            )
            json.loads(found.content)

        for number in range(rounds):
            best = _better(best, "openai, typed call", await _cpu(typed, texts, concurrency))
            best = _better(best, "openai, bare post", await _cpu(bare, texts, concurrency))
            async with ChatClient(place, concurrency=concurrency) as chat:
                best = _better(best, "ChatClient", await _cpu(chat.ask, texts, None))
            path = folder / f"cpu-{number}.sqlite"
            async with ChatClient(place, concurrency=concurrency, journal=path) as chat:
                best = _better(best, "ChatClient with a journal", await _cpu(chat.ask, texts, None))
                best = _better(best, "replayed from the journal", await _cpu(chat.ask, texts, None))
            samples = [sample(i) for i in range(calls)]
            async with ChatClient(place, concurrency=concurrency) as chat:
                best = _better(best, "LLMJudge", await _cpu(LLMJudge(chat).judge, samples, None))
        await library.close()
    return {name: round(value) for name, value in best.items()}


async def _cpu(call: Callable[[Any], Awaitable[Any]], inputs: list[Any], concurrency: int | None) -> float:
    """CPU of this process, all its threads, in microseconds per call."""
    places = asyncio.Semaphore(concurrency or len(inputs))

    async def one(value: Any) -> None:
        async with places:
            await call(value)

    await one(inputs[0])
    started = time.process_time()
    await asyncio.gather(*(one(value) for value in inputs))
    return (time.process_time() - started) / len(inputs) * 1e6


def _better(best: dict[str, float], name: str, value: float) -> dict[str, float]:
    return {**best, name: min(value, best.get(name, value))}


def chaos(samples: int, concurrency: int, folder: Path) -> dict[str, Any]:
    """Score samples against a server that fails 30 % of the time; kill -9 half-way; score again."""
    journal = folder / "chaos.sqlite"
    kinds = "429,500,hang,garbage,refusal"
    with serving(0.05, faults=0.3, kinds=kinds) as server:
        command = [sys.executable, str(TESTS / "chat/chaos_worker.py"), server.url, str(journal)]
        command += [str(samples), str(concurrency)]
        before = _scores(command, kill_after=samples // 2)
        after = _scores(command)
        stats = server.stats()
    answer = ((1.4 * 4 + 0.6 * 3) / 2 - 1) / 4  # what the server's judge always says
    told = [*before.values(), *after.values()]
    return {
        "samples": samples,
        "concurrency": concurrency,
        "scored_before_the_kill": len(before),
        "scored": sum(value is not None for value in after.values()),
        "unscored": sum(value is None for value in after.values()),
        "lost": samples - len(after),
        "invented": sum(value not in (None, answer) for value in told),
        "paid": stats["paid"],
        "paid_twice": stats["twice"],
    }


def _scores(command: list[str], kill_after: int | None = None) -> dict[int, float | None]:
    told: dict[int, float | None] = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        for line in process.stdout:
            if line.endswith(b"\n"):
                number, value, _ = json.loads(line)
                told[number] = value
            if len(told) == kill_after:
                process.kill()
                break
    return told


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--latency", type=float, help="seconds per answer (2; quick: 0.5)")
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--no-record", action="store_true", help="only print")
    options = parser.parse_args()
    quick = options.quick
    latency = options.latency or (0.5 if quick else 2.0)
    concurrency = options.concurrency
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        walls = {
            "without faults": await wall(concurrency, 10 * concurrency, latency),
            "with a journal": await wall(concurrency, 10 * concurrency, latency, journal=folder / "wall.sqlite"),
            "5 % transient faults": await wall(concurrency, 10 * concurrency, latency, faults=0.05),
            "many at once": await wall(2048, 2048 if quick else 4096, 8.0 if quick else 20.0),
        }
        costs = await cpu(200 if quick else 1000, 32, 2 if quick else 5, folder)
        survived = chaos(200 if quick else 1000, 32, folder)
    show(
        "Wall time against N x latency / concurrency",
        ["", "calls", "concurrency", "latency s", "wall s", "ratio", "most in flight", "scored"],
        [
            [n, w["calls"], w["concurrency"], w["latency"], w["seconds"], w["ratio"], w["most_in_flight"], w["scored"]]
            for n, w in walls.items()
        ],
    )
    bare, typed = costs["openai, bare post"], costs["openai, typed call"]
    show(
        "CPU per call, microseconds",
        ["", "us", "beyond the bare post", "beyond the typed call"],
        [[name, value, value - bare, value - typed] for name, value in costs.items()],
    )
    show("Chaos and kill -9", list(survived), [list(survived.values())])
    if not options.no_record:
        figures = {"wall": walls, "cpu_microseconds": costs, "chaos": survived}
        path = record("judges-quick" if quick else "judges", figures, latency=latency, load=os.getloadavg())
        print(path)


if __name__ == "__main__":
    asyncio.run(main())
