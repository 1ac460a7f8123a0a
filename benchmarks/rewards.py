"""Rules, completions per second on one core: ours beside the published way of doing it.

    python benchmarks/rewards.py                    # 4 KB and 4 tags per completion, about half a minute
    python benchmarks/rewards.py --kilobytes 16 --tags 8

Ours includes parsing, and everything a `Score` holds; the pictures' state is known from where they were made, so
their results are made once, outside the clock. The published way is written here after its description (`reference-
reward` in the notes): tags by a lazy regular expression, each read as a Python literal, pictures counted as the word
`<image>`. It gives one number. Each completion is another text.

Times are the processor's, of one thread: other work on the machine does not count.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import hashlib
import json
import re
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from results import record, show

from llmi_reward import Sample, presets
from llmi_reward.integrations.raw_sample import RawSample
from llmi_reward.integrations.scorer import Scorer
from llmi_reward.reference import count_score, tool_score, valid_tag
from llmi_schema import Constraint, ImageCount, Picture, Provenance, RenderedDocument, ToolResult, parse

TARGET = 50_000
WORDS = re.findall(r"\w+", "the fox walks along a frozen river, listens for mice under snow; evening falls over hills")
CODE = """import matplotlib.pyplot as plt
years = [2019, 2020, 2021, 2022, 2023]
plt.bar(years, [{0}, 14, 17, 16, 21])
plt.xlabel("year")
plt.ylabel("sightings")
plt.title("Foxes, series {0}")
"""


@dataclass(frozen=True)
class Case:
    """One completion in both dialects, with what became of its tags."""

    text: str
    published: str
    results: tuple[ToolResult, ...]
    constraint: Constraint


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kilobytes", type=float, default=4)
    parser.add_argument("--tags", type=int, default=4)
    parser.add_argument("--completions", type=int, default=500, help="different texts")
    parser.add_argument("--rounds", type=int, default=15, help="times that all of them are scored")
    parser.add_argument("--no-record", action="store_true")
    options = parser.parse_args()

    cases = [make_case(i, int(options.kilobytes * 1024), options.tags) for i in range(options.completions)]
    size = statistics.mean(len(case.text.encode()) for case in cases)
    reward = presets.rules()
    rendered = [RenderedDocument(document=parse(case.text), results=case.results) for case in cases]
    parsed = list(zip(rendered, cases, strict=True))
    assert all(reward.score(Sample("?", document, case.constraint)).value == 1.0 for document, case in parsed)
    assert all(published(case) == 1.0 for case in cases)

    scorer = Scorer(reward, None)
    rows = [RawSample("?", document, options.tags, ["search", "code"]) for document in rendered]
    ways: dict[str, Callable[[], Any]] = {
        "the published way": partial(each, published, cases),
        "ours, parsing included": partial(each, partial(ours, reward), cases),
        "of which parsing": partial(each, lambda case: parse(case.text), cases),
        "ours, already parsed": partial(each, partial(score_parsed, reward), parsed),
        "an adapter's rows, already parsed": lambda: asyncio.run(scorer.score_all(rows)),
    }
    rates = {name: rate(way, len(cases), options.rounds) for name, way in ways.items()}
    base = rates["the published way"]["median"]
    show(
        f"Rules: completions per second on one core ({size / 1024:.1f} KB, {options.tags} tags)",
        ["", "median", "best", "microseconds each", "times the published"],
        [
            [name, f"{r['median']:,.0f}", f"{r['best']:,.0f}", 1e6 / r["median"], f"{r['median'] / base:.1f}"]
            for name, r in rates.items()
        ],
    )
    reached = rates["ours, parsing included"]["median"]
    print(f"{reached:,.0f} of the {TARGET:,} completions per second that are asked for")
    if not options.no_record:
        context = {"bytes": size, "tags": options.tags, "completions": options.completions, "rounds": options.rounds}
        print(record("rewards-rules", {"completions_per_second": rates, "target": TARGET}, **context))


def each(way: Callable[[Any], Any], cases: Sequence[Any]) -> None:
    for case in cases:
        way(case)


def rate(way: Callable[[], Any], number: int, rounds: int) -> dict[str, float]:
    """Completions per second of processor time, over rounds."""
    way()
    rates = []
    for _ in range(rounds):
        gc.collect()
        started = time.process_time()
        way()
        rates.append(number / (time.process_time() - started))
    return {"median": statistics.median(rates), "best": max(rates), "worst": min(rates)}


def ours(reward: Any, case: Case) -> Any:
    document = RenderedDocument(document=parse(case.text), results=case.results)
    return reward.score(Sample("?", document, case.constraint))


def score_parsed(reward: Any, pair: tuple[RenderedDocument, Case]) -> Any:
    return reward.score(Sample("?", pair[0], pair[1].constraint))


_THOUGHT = re.compile(r"<think>.*?</think>", re.DOTALL)
_TAG = re.compile(r"<imgen>(\s*\{.*?\}\s*)</imgen>", re.DOTALL)


def published(case: Case) -> float:
    """The release's rules as described: thoughts away, tags out, each one read, `<image>` counted, tools weighed."""
    text = _THOUGHT.sub("", case.published)
    bodies = _TAG.findall(text)
    good = [valid_tag(body, len(bodies), 0) for body in bodies]
    named = [re.search(r"'source': '(\w+)'", body) for body in bodies]
    attempted = {name[1] for name in named if name}
    succeeded = {name[1] for name, fine in zip(named, good, strict=True) if name and fine}
    pictures = _TAG.sub("<image>", text).count("<image>")
    required = case.constraint.required_tools
    count = count_score(case.constraint.count.encode(), pictures, "train")
    return sum(good) / len(good) * (0.6 * count + 0.4 * tool_score(required, attempted, succeeded))


def make_case(number: int, size: int, tags: int) -> Case:
    calls = [call(number, i) for i in range(tags)]
    for_prose = max(0, size - sum(len(json.dumps(one)) + len("<imgen></imgen>\n\n\n\n") for one in calls))
    prose = [paragraph(number + i, for_prose // (tags + 1)) for i in range(tags + 1)]

    def written(write: Callable[[Any], str]) -> str:
        parts = [f"{text}\n\n<imgen>{write(one)}</imgen>\n\n" for text, one in zip(prose, calls, strict=False)]
        return "".join(parts) + prose[-1]

    results = tuple(ToolResult(picture=picture(f"{number} {i}")) for i in range(tags))
    required = frozenset({"search", "code"} if tags > 2 else set())
    constraint = Constraint(count=ImageCount.exactly(tags), required_tools=required)
    return Case(written(json.dumps), written(repr), results, constraint)


def call(number: int, place: int) -> dict[str, Any]:
    source, params = [
        ("search", {"query": f"red fox in snow {number}"}),
        ("diffusion", {"prompt": f"an old map of a forest with foxes, number {number}, watercolour"}),
        ("code", {"code": CODE.format(number)}),
        ("search", {"query": f"den of a fox on a slope {number}"}),
    ][place % 4]
    return {"source": source, "description": f"picture {place} of text {number}", "params": params}


def paragraph(seed: int, size: int) -> str:
    words = " ".join(WORDS[(seed * 7 + i * i) % len(WORDS)] for i in range(size // 3))
    return words[:size]


def picture(content: str) -> Picture:
    """A picture's state: who made it has looked at its pixels already."""
    digest = hashlib.sha256(content.encode()).hexdigest()
    return Picture(png=b"", sha256=digest, width=640, height=480, provenance=Provenance(tool="code", provider="bench"))


if __name__ == "__main__":
    main()
