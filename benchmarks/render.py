"""How long documents take to render, beside the shortest time possible and beside waves with barriers.

    python benchmarks/render.py                          # about a minute
    python benchmarks/render.py --documents 100          # a quick look

Tools are stand-ins that take a known time, so that what is measured is the rendering itself:

- *one document*: 1 to 20 tags, edits of earlier pictures among them. The critical path is its slowest chain.
- *many documents*: five tags each, three that start from nothing and a chain of two edits, 200 ms per tool, 64 calls
  at a time. The ideal is all calls' time divided by 64.
- *waves*: the same toolkit, when all tags that can run do, all are awaited, and then come the next.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import time
from collections.abc import Sequence
from typing import Any

from results import record, show

from llmi_sandbox import Toolkit, render, render_many
from llmi_sandbox.gate import Gate
from llmi_schema import (
    DiffusionCall,
    DiffusionParams,
    Document,
    EditCall,
    EditParams,
    Picture,
    Provenance,
    Tag,
    ToolCall,
    ToolResult,
    parse,
)

ORIGIN = Provenance(tool="diffusion", provider="benchmark")
PICTURE = Picture(png=b"", sha256="", width=1, height=1, provenance=ORIGIN)


async def timed(call: ToolCall, pictures: Sequence[Picture]) -> ToolResult:
    """Takes as many milliseconds as its prompt says."""
    await asyncio.sleep(float(call.params.prompt.split()[0]) / 1000)
    return ToolResult(picture=PICTURE)


class Named:
    """The same with an identity, so that the cache and its keys take their time as well."""

    identity = "benchmark"

    async def __call__(self, call: ToolCall, pictures: Sequence[Picture]) -> ToolResult:
        return await timed(call, pictures)


def generate(milliseconds: float, name: str = "") -> str:
    return DiffusionCall(description="", params=DiffusionParams(prompt=f"{milliseconds:g} {name}")).to_tag()


def edit(index: int, milliseconds: float, name: str = "") -> str:
    return EditCall(description="", params=EditParams(img_index=index, prompt=f"{milliseconds:g} {name}")).to_tag()


class OneLimit:
    """A toolkit with one limit over all its tools together."""

    def __init__(self, concurrency: int) -> None:
        self._gate = Gate(concurrency)
        self._toolkit = Toolkit({"diffusion": Named(), "edit": timed}, concurrency=10_000)

    async def call(self, call: ToolCall, pictures: Sequence[Picture] = ()) -> ToolResult:
        async with self._gate.place():
            return await self._toolkit.call(call, pictures)


def random_document(tags: int, seed: int) -> tuple[Document, float]:
    """A document and its critical path in seconds."""
    chance = random.Random(seed)
    parts, ends = [], []
    for i in range(tags):
        own = chance.uniform(50, 200)
        before = chance.randrange(i) if i and chance.random() < 0.5 else None
        parts.append(generate(own, str(i)) if before is None else edit(before, own, str(i)))
        ends.append(own / 1000 + (0.0 if before is None else ends[before]))
    return parse("\n\n".join(parts)), max(ends)


async def in_waves(documents: Sequence[Document], kit: OneLimit) -> None:
    """Every call whose picture is there, all documents together; a barrier; the next."""
    results: list[dict[int, Picture | None]] = [{} for _ in documents]
    left = [(number, tag) for number, document in enumerate(documents) for tag in document.tags]
    while left:
        now = [(n, t) for n, t in left if t.call.picture_index is None or t.call.picture_index in results[n]]

        async def run(number: int, tag: Tag) -> None:
            before = tag.call.picture_index
            given = () if before is None else (results[number][before] or PICTURE,)
            results[number][tag.index] = (await kit.call(tag.call, given)).picture

        await asyncio.gather(*(run(number, tag) for number, tag in now))
        left = [item for item in left if item not in now]


def one_document(largest: int) -> dict[str, Any]:
    timed_run(in_waves([random_document(5, 0)[0]], OneLimit(64)))  # the first of a process also imports
    rows, ratios = [], []
    for tags in sorted({1, 2, 3, 5, 8, 10, 15, largest}):
        ours, waves = [], []
        for seed in range(3):
            document, critical = random_document(tags, seed)
            ours.append(timed_run(render(document, OneLimit(64))) / critical)
            waves.append(timed_run(in_waves([document], OneLimit(64))) / critical)
        ratios += ours
        rows.append([tags, max(ours), statistics.median(ours), statistics.median(waves)])
    show("One document: time / critical path", ["tags", "most", "median", "waves, median"], rows)
    return {"worst": max(ratios), "median": statistics.median(ratios), "rows": rows}


def timed_run(work: Any) -> float:
    async def run() -> float:
        started = time.perf_counter()
        await work
        return time.perf_counter() - started

    return asyncio.run(run())


def many_documents(count: int, milliseconds: float, concurrency: int) -> dict[str, Any]:
    texts = [
        "\n".join(
            [*(generate(milliseconds, f"{n} {i}") for i in range(3)), edit(0, milliseconds), edit(3, milliseconds)]
        )
        for n in range(count)
    ]
    ideal = 5 * count * milliseconds / 1000 / concurrency

    async def ours() -> None:
        done = 0
        async for _ in render_many(texts, OneLimit(concurrency)):
            done += 1
        assert done == count

    started = time.process_time()
    seconds = timed_run(ours())
    processor = time.process_time() - started
    waves = timed_run(in_waves([parse(text) for text in texts], OneLimit(concurrency)))
    rows = [["ideal", ideal, 1.0], ["render_many", seconds, seconds / ideal], ["waves", waves, waves / ideal]]
    show(f"{count} documents x 5 tags of {milliseconds:g} ms, {concurrency} at a time", ["", "s", "/ ideal"], rows)
    return {"ideal": ideal, "seconds": seconds, "ratio": seconds / ideal, "waves": waves / ideal, "cpu": processor}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=1000)
    parser.add_argument("--milliseconds", type=float, default=200)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--tags", type=int, default=20)
    options = parser.parse_args()
    figures = {
        "one": one_document(options.tags),
        "many": many_documents(options.documents, options.milliseconds, options.concurrency),
    }
    print(record("render", figures, **vars(options)))


if __name__ == "__main__":
    main()
