"""How long the project benchmark takes when model and judge answer at once: 30 documents, 300 judgements over HTTP.

    python benchmarks/evaluation.py [--tasks 30] [--keep FOLDER]

The model recites the shipped documents, half of them with one criterion broken, so that real tools draw real pictures;
the judge is a server on loopback that gives full marks and counts what it is asked. Then the same again, where nothing
is asked.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from results import record, show

from llmi_reward.chat import ChatClient, Endpoint
from llmi_sandbox import Toolkit
from llmi_train.evaluate import CriterionJudge, ProjectBenchmark, project_tasks, run_benchmark, write_report
from llmi_train.policies import Completion, Request


class Recites:
    """Writes the good document of even tasks, and of odd ones the document that breaks a criterion."""

    identity = "recites the shipped documents"

    async def write(self, request: Request) -> Completion:
        asked = request.messages[-1]["content"]
        number, task = next((n, t) for n, t in enumerate(project_tasks()) if t.prompt == asked)
        text = task.violation(1 + number % 10) if number % 2 else task.good()
        return Completion(text, True, len(text) // 4)

    async def stream(self, request: Request) -> Any:
        yield await self.write(request)


async def serve(asked: list[str]) -> asyncio.Server:
    """An instant judge: full marks with a reason, every request counted."""

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                lengths = [line for line in head.splitlines() if line.startswith("content-length")]
                length = int(lengths[0].split(":")[1])
                asked.append((await reader.readexactly(length)).decode()[-200:])
                message = {"role": "assistant", "content": json.dumps({"reason": "it is there", "score": 2})}
                usage = {"prompt_tokens": 900, "completion_tokens": 12, "total_tokens": 912}
                choice = {"index": 0, "finish_reason": "stop", "message": message}
                body = json.dumps({"model": "instant", "choices": [choice], "usage": usage}).encode()
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n")
                writer.write(f"content-length: {len(body)}\r\n\r\n".encode() + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    return await asyncio.start_server(connection, "127.0.0.1", 0, limit=2**20)


async def measure(folder: Path, tasks: int) -> dict[str, float]:
    asked: list[str] = []
    server = await serve(asked)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    figures: dict[str, float] = {}
    with Toolkit.offline() as toolkit:
        for name in ("first run", "run again"):
            before, started = len(asked), time.perf_counter()
            async with ChatClient(Endpoint(url, "instant"), journal=folder / "judgements.sqlite") as chat:
                benchmark = ProjectBenchmark.load(judge=CriterionJudge(chat, "instant"), limit=tasks)
                run = await run_benchmark(benchmark, Recites(), toolkit, folder)
            figures[f"{name}, seconds"] = round(time.perf_counter() - started, 2)
            figures[f"{name}, judge calls"] = len(asked) - before
        started = time.perf_counter()
        page = write_report(folder)
    server.close()
    figures |= {"report, seconds": round(time.perf_counter() - started, 2), "report, MB": page.stat().st_size / 1e6}
    figures |= {"documents": run.score.tasks, "coverage": run.coverage}
    return figures


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--tasks", type=int, default=30)
    arguments.add_argument("--keep", type=Path, help="keep the evaluation's folder here")
    options = arguments.parse_args()
    folder = options.keep or Path(tempfile.mkdtemp(prefix="llmi-evaluation-"))
    try:
        figures = asyncio.run(measure(folder, options.tasks))
    finally:
        if options.keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    show("Evaluation with an instant judge", ("figure", "value"), list(figures.items()))
    record("evaluation", figures, tasks=options.tasks)


if __name__ == "__main__":
    main()
