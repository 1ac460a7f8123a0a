"""What the benchmarks found, in one table: each figure that has a bar, beside it, and the main ones that have none.

    python benchmarks/figures.py            # from benchmarks/results, into its README.md and docs/limits.md
    python benchmarks/figures.py --show     # only on the terminal

Nothing is measured here and nothing is typed: every number comes from the newest JSON of its benchmark. The bars are
the project's own, set before anything was measured; a missed one stays in the table, and `docs/limits.md` lists it.
"""

from __future__ import annotations

import argparse
import json
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from results import RESULTS, show

BEGIN, END = "<!-- figures: written by benchmarks/figures.py -->", "<!-- end of figures -->"
LIMITS = Path(__file__).parents[1] / "docs" / "limits.md"
Measured = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a benchmark: where it stands in its JSON, and the bar it is held against.

    Attributes:
        name: the JSON file, without its date.
        find: gives the figure; KeyError or IndexError where a run did not measure it.
        bar: at most, or at least, so much; None where the figure is only told.
    """

    name: str
    what: str
    unit: str
    find: Callable[[Measured], float]
    way: Literal["≤", "≥", ""] = ""
    bar: float | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A figure as it was measured. `met` is None where there is no bar."""

    figure: Figure
    value: float
    measured: str

    @property
    def met(self) -> bool | None:
        if self.figure.bar is None:
            return None
        return {"≤": operator.le, "≥": operator.ge}[self.figure.way](self.value, self.figure.bar)

    @property
    def share_of_bar(self) -> float | None:
        """How many times as good as the bar: below 1 it is missed."""
        if not self.figure.bar:
            return None
        if self.value <= 0:
            return float("inf") if self.figure.way == "≤" else 0.0
        return self.figure.bar / self.value if self.figure.way == "≤" else self.value / self.figure.bar


def at(*path: str) -> Callable[[Measured], float]:
    """The figure under these keys."""

    def find(figures: Measured) -> float:
        value: Any = figures
        for key in path:
            value = value[key]
        return float(str(value).rstrip("% "))

    return find


def _worst(key: str) -> Callable[[Measured], float]:
    return lambda figures: max(row[key] for row in figures["adversarial"])


def _caught(share: str) -> Callable[[Measured], float]:
    return lambda figures: (
        100 * min(found for kind, ways in figures["caught"].items() if kind.endswith(share) for found in ways.values())
    )


def _percent(find: Callable[[Measured], float]) -> Callable[[Measured], float]:
    return lambda figures: 100 * find(figures)


def _beyond_the_client(figures: Measured) -> float:
    costs = figures["cpu_microseconds"]
    return costs["ChatClient"] - costs["openai, typed call"]


def _attacks_that_worked(figures: Measured) -> float:
    return sum(len(report["worked"]) for report in figures.values())


def _valid(figures: Measured) -> float:
    return min(run["valid_percent"] for run in figures["generations"] if run["backend"] in ("llguidance", "xgrammar"))


SPEED = "sandbox-speed"
FIGURES = (
    Figure("parser", "a megabyte of the worst text is parsed in", "ms", _worst("parse_ms"), "≤", 50),
    Figure("parser", "parsing twice the text takes, at worst", "times as long", _worst("twice_gc"), "≤", 2.2),
    Figure("parser", "an answer of 4 KB is parsed in", "µs", at("ordinary", "parse_us")),
    Figure("constrained-validity", "constrained documents that are valid", "%", _valid, "≥", 100),
    Figure(
        "constrained-validity",
        "constrained texts on which an engine differs from `re`",
        "",
        at("agreement", "differences"),
        "≤",
        0,
    ),
    Figure("constrained-decoding", "added to a token, 2k tokens", "µs", at("llguidance 2000", "step_us")),
    Figure(
        "constrained-decoding",
        "compiling cold, 150k tokens, llguidance",
        "ms",
        at("llguidance 150000", "first_compile_ms"),
        "≤",
        50,
    ),
    Figure(
        "constrained-decoding", "compiling cold, 150k tokens, xgrammar", "ms", at("xgrammar 150000", "first_compile_ms")
    ),
    Figure("constrained-decoding", "compiling again, cached", "ms", at("llguidance 150000", "cached_ms"), "≤", 1),
    Figure(
        "constrained-decoding",
        "a mask in the first document, 150k tokens",
        "µs",
        at("llguidance 150000", "first_document_mask_us"),
        "≤",
        80,
    ),
    Figure(
        "constrained-decoding",
        "added to a token of 20 ms, 150k tokens",
        "%",
        at("llguidance 150000", "percent_of_20_ms"),
        "≤",
        1,
    ),
    Figure(
        "rewards-rules",
        "completions scored per second and core, parsing included",
        "",
        at("completions_per_second", "ours, parsing included", "median"),
        "≥",
        50_000,
    ),
    Figure(
        "rewards-rules",
        "completions scored the published way, in the same run",
        "",
        at("completions_per_second", "the published way", "median"),
    ),
    Figure(
        "judges",
        "time of 640 judgements beside N × latency / concurrency",
        "times",
        at("wall", "without faults", "ratio"),
        "≤",
        1.05,
    ),
    Figure(
        "judges",
        "time of 640 judgements, 5 % transient faults, beside N × latency / concurrency",
        "times",
        at("wall", "5 % transient faults", "ratio"),
        "≤",
        1.15,
    ),
    Figure("judges", "requests in flight in one process", "", at("wall", "many at once", "most_in_flight"), "≥", 2000),
    Figure("judges", "CPU of a call, less that of the `openai` client's own", "µs", _beyond_the_client, "≤", 300),
    Figure("judges", "scores invented in an outage", "", at("chaos", "invented"), "≤", 0),
    Figure("judges", "samples lost in an outage", "", at("chaos", "lost"), "≤", 0),
    Figure(
        SPEED,
        "CPU of a fresh interpreter beside the sandbox's",
        "times",
        at("CPU: fresh interpreter / sandbox, geometric mean"),
        "≥",
        10,
    ),
    Figure(
        SPEED,
        "CPU of a fresh interpreter beside the sandbox's, simple plots",
        "times",
        at("CPU: the same, simple plots"),
        "≥",
        14,
    ),
    Figure(
        SPEED,
        "figures per second from the sandbox, beside fresh interpreters",
        "times",
        at("good figures per second: ratio"),
        "≥",
        13,
    ),
    Figure(
        SPEED,
        "good snippets that succeed, 8 times oversubscribed",
        "%",
        at("good snippets that succeed, 8 times oversubscribed"),
        "≥",
        100,
    ),
    Figure(SPEED, "an empty round trip to the sandbox, on demand", "ms", at("empty round trip on demand, ms"), "≤", 5),
    Figure(
        SPEED, "an empty round trip to the sandbox, with spares", "ms", at("empty round trip with spares, ms"), "≤", 2.5
    ),
    Figure(
        SPEED,
        "isolation, of a round trip to the sandbox",
        "ms",
        at("isolation, ms of the round trip on demand"),
        "≤",
        1,
    ),
    Figure(
        SPEED,
        "overhead of the sandbox over drawing in process",
        "ms",
        at("overhead over drawing in process, ms"),
        "≤",
        12,
    ),
    Figure("sandbox-attacks", "attacks that worked, the documented ones apart", "", _attacks_that_worked, "≤", 0),
    Figure(
        "sandbox-fuzz",
        "fuzzed inputs that ended in no known way",
        "",
        lambda figures: len(figures["unexpected"]),
        "≤",
        0,
    ),
    Figure(
        "sandbox-soak-a-100000",
        "descriptors, processes, mounts and files left over after 100,000 snippets",
        "",
        lambda figures: sum(figures["drift"][what] for what in ("descriptors", "processes", "mounts", "files")),
        "≤",
        0,
    ),
    Figure(
        "sandbox-soak-a-100000",
        "memory grown meanwhile, of host or zygote",
        "MB",
        lambda figures: max(figures["drift"]["host memory, MB"], figures["drift"]["zygote memory, MB"]),
        "≤",
        2,
    ),
    Figure(
        "render",
        "a document's time beside its slowest chain of tools, at worst",
        "times",
        at("one", "worst"),
        "≤",
        1.05,
    ),
    Figure("render", "many documents beside the ideal", "times", at("many", "ratio"), "≤", 1.1),
    Figure(
        "render-soak",
        "kinds of things left over after many renders",
        "",
        lambda figures: len(figures["leaks"]),
        "≤",
        0,
    ),
    Figure(
        "search-recall",
        "pictures found first by words not in their caption",
        "%",
        _percent(at("captions, keywords and synonyms", "at 1")),
    ),
    Figure(
        "streaming",
        "a tool starts after its tag, over HTTP, at worst",
        "ms",
        at("over HTTP", "start_ms", "most"),
        "≤",
        20,
    ),
    Figure(
        "streaming",
        "a streamed document's time beside the shortest possible, at worst",
        "times",
        at("over HTTP", "ratio", "most"),
        "≤",
        1.05,
    ),
    Figure(
        "data-labels",
        "wrong labels caught",
        "%",
        _percent(at("offline generator, offline reader", "wrong labels caught")),
        "≥",
        95,
    ),
    Figure(
        "data-labels",
        "right rows dropped for their labels",
        "%",
        _percent(at("offline generator, offline reader", "right rows dropped")),
        "≤",
        1,
    ),
    Figure(
        "data-duplicates",
        "rows of distinct scenarios dropped as duplicates",
        "%",
        _percent(at("dropped", "distinct scenarios", "without provenance")),
        "≤",
        1,
    ),
    Figure(
        "data-contamination",
        "planted contamination found, of the kind found least",
        "%",
        lambda figures: 100 * min(figures["found"].values()),
        "≥",
        100,
    ),
    Figure("data-duplicates", "copies with 10 % of words edited that are caught", "%", _caught(" 10%"), "≥", 100),
    Figure("data-duplicates", "copies with 20 % edited that are caught", "%", _caught(" 20%"), "≥", 90),
    Figure("data-speed", "4,000 rows curated in", "s", at("seconds"), "≤", 5),
    Figure(
        "data-check",
        "rows checked per second and core",
        "",
        at("prompt and labels", "checked per second"),
        "≥",
        200_000,
    ),
    Figure("data-million-1000000", "a million rows deduplicated in", "min", at("minutes"), "≤", 10),
    Figure("data-kills", "answers paid for twice after `kill -9`", "", at("received answers paid twice"), "≤", 0),
    Figure(
        "ablation-300",
        "held-out answers with the right number of pictures, 300 steps on the whole reward",
        "%",
        _percent(at("hybrid", "count", "mean")),
        "≥",
        95,
    ),
    Figure(
        "ablation-300",
        "held-out answers with every required tool, 300 steps on the whole reward",
        "%",
        _percent(at("hybrid", "tools", "mean")),
        "≥",
        95,
    ),
    Figure(
        "evaluation", "30 tasks and 300 judgements, judge and model at once", "s", at("first run, seconds"), "≤", 60
    ),
    Figure(
        "train", "processor time added to a step of plain TRL", "%", _percent(at("processor_seconds", "added")), "≤", 2
    ),
)


def read(folder: Path = RESULTS) -> list[Finding]:
    """Every figure that the newest results in a folder hold."""
    return [finding for figure in FIGURES for finding in _find(figure, folder)]


def _find(figure: Figure, folder: Path) -> Iterator[Finding]:
    files = sorted(
        path for name in (figure.name, f"{figure.name}-quick") for path in folder.glob(f"????-??-??-{name}.json")
    )
    if not files:
        return
    entry = json.loads(files[-1].read_text())
    try:
        yield Finding(figure, figure.find(entry["figures"]), entry["measured"][:10])
    except (KeyError, IndexError):
        return  # a small run leaves parts out


def shown(value: float) -> str:
    """Three significant digits, whole numbers whole."""
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:#.3g}".rstrip(".")


def bar(figure: Figure) -> str:
    return f"{figure.way} {figure.bar:,g}" if figure.bar is not None else ""


def rows(findings: Sequence[Finding]) -> list[list[str]]:
    """What, measured, bar, whether it is met, benchmark."""
    return [
        [
            f.figure.what,
            f"{shown(f.value)} {f.figure.unit}".rstrip(),
            bar(f.figure),
            {True: "met", False: "missed", None: ""}[f.met],
            f.figure.name,
        ]
        for f in findings
    ]


COLUMNS = ("", "measured", "bar", "", "benchmark")


def _table(columns: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    lines = [columns, ("---",) * len(columns), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def readme(findings: Sequence[Finding]) -> str:
    dates = sorted({finding.measured for finding in findings})
    measured = " to ".join(dict.fromkeys((dates[0], dates[-1])))
    return (
        "# What was measured\n\n"
        f"{BEGIN}\n"
        f"From the JSON files beside this page, measured {measured}; each says on what machine, with which versions\n"
        "and options. `python benchmarks/figures.py` writes this page anew.\n\n"
        f"{_table(COLUMNS, rows(findings))}{END}\n"
    )


def limits(page: str, findings: Sequence[Finding]) -> str:
    """The page with its table of missed bars written anew."""
    missed = [row[:3] for row, finding in zip(rows(findings), findings, strict=True) if finding.met is False]
    there = {finding.figure for finding in findings}
    missed += [
        [figure.what, "not recorded", bar(figure)]
        for figure in FIGURES
        if figure.bar is not None and figure not in there
    ]
    table = _table(COLUMNS[:3], missed) if missed else "No bar is missed in the recorded runs.\n"
    return re.sub(f"{BEGIN}.*?{END}", lambda _: f"{BEGIN}\n{table}{END}", page, flags=re.DOTALL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--show", action="store_true", help="write nothing")
    options = parser.parse_args()
    findings = read()
    show("What was measured", COLUMNS, rows(findings))
    if not options.show:
        (RESULTS / "README.md").write_text(readme(findings), encoding="utf-8")
        LIMITS.write_text(limits(LIMITS.read_text(encoding="utf-8"), findings), encoding="utf-8")


if __name__ == "__main__":
    main()
