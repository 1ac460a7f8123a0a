"""Every benchmark at a small size, in under ten minutes on two cores, with one table and one page of plots.

    python benchmarks/all.py                     # make bench: JSON, logs and index.html in runs/bench
    python benchmarks/all.py parser render       # only these
    python benchmarks/all.py --list              # the commands, to be run one by one

Small sizes show that a benchmark runs and about what it says; bars are held against full sizes, which each benchmark's
own docstring gives and which are recorded in `benchmarks/results`. Nothing there is touched. One that fails costs its
own figures and none of the others'; the status is 1 then.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from figures import Finding, bar, read, shown

HERE = Path(__file__).parent
OUTPUT = HERE.parent / "runs" / "bench"
LONGEST = 240.0
"""Seconds after which a benchmark is ended: on a machine so slow that small sizes are not small."""

SMALL: dict[str, str] = {
    "parser": "parser.py --documents 20000",
    "constrained decoding": "constrained_decoding.py --sizes 2000",
    "constrained validity": "constrained_validity.py --documents 200 --agreement 500 --sizes 2000",
    "rewards": "rewards.py --rounds 5",
    "judges": "judges.py --quick",
    "sandbox speed": "sandbox.py speed --snippets 10 --seconds 5 --trips 50",
    "sandbox soak": "sandbox.py soak --snippets 300",
    "sandbox fuzz": "sandbox.py fuzz --snippets 300",
    "sandbox attacks": "sandbox.py attacks --step 20",
    "render": "render.py --documents 100 --tags 5",
    "render soak": "render_soak.py --renders 200",
    "search": "search_recall.py",
    "streaming": "streaming.py --documents 3 --words 60",
    "data": "data.py check speed duplicates contamination pictures --base 600 --copies 60 --sets 1 --pictures 12",
    "data, many rows": "data.py million --rows 20000",
    "data, killed": "data_kills.py --kills 3 --rows 30",
    "data labels": "data_labels.py --rows 120",
    "data, varied": "data_variety.py --rows 6000",
    "data, published": "publishing.py --rows 200",
    "evaluation": "evaluation.py",
    "scaling": "scaling.py simulate --tasks 60 --n 1 2",
    "training": "train.py --rounds 1 --steps 3",
    "training on a GPU, tiny": "gpu_train.py --tiny --steps 2 --runs plain ours",
    "ablation": "ablation.py --small --seeds 0 --steps 2 --output {output}/ablation",
}


@dataclass(frozen=True, slots=True)
class Run:
    """How one benchmark went."""

    name: str
    seconds: float
    fault: str = ""


def measure(name: str, output: Path) -> Run:
    """Run one benchmark at its small size. What it prints is kept in `<name>.log`."""
    log = output / f"{name.replace(' ', '-').replace(',', '')}.log"
    environment = {**os.environ, "LLMI_BENCHMARK_RESULTS": str(output), "OMP_NUM_THREADS": "1", "COLUMNS": "120"}
    begin = time.monotonic()
    with log.open("w") as lines:
        process = subprocess.Popen(
            [sys.executable, *command(name, output)],
            stdout=lines,
            stderr=subprocess.STDOUT,
            cwd=HERE.parent,
            env=environment,
            start_new_session=True,
        )
        try:
            status = process.wait(LONGEST)
            fault = f"ended with status {status}" if status else ""
        except subprocess.TimeoutExpired:
            fault = f"was ended after {LONGEST:.0f} s"
        finally:
            end(process)
    return Run(name, time.monotonic() - begin, fault and f"{fault}: {log}")


def command(name: str, output: Path) -> list[str]:
    script, *options = SMALL[name].split()
    return [str(HERE / script), *(option.format(output=output) for option in options)]


def end(process: subprocess.Popen[Any]) -> None:
    """End a benchmark with all that it started."""
    import signal

    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait()


# -- what came of it ----------------------------------------------------------------------------------------------


def table(small: Sequence[Finding]) -> list[list[str]]:
    """What, at the small size here, as recorded at full size, bar."""
    recorded = {finding.figure: finding for finding in read(HERE / "results")}

    def cell(finding: Finding | None) -> str:
        return f"{shown(finding.value)} {finding.figure.unit}".rstrip() if finding else ""

    return [
        [
            finding.figure.what,
            cell(finding),
            cell(recorded.get(finding.figure)),
            bar(finding.figure),
        ]
        for finding in small
    ]


COLUMNS = ("", "here, small", "recorded, full size", "bar")


def write(output: Path, runs: Sequence[Run]) -> Path:
    """`figures.md` and `index.html` from what the runs left in `output`."""
    from llmi_sandbox import report

    small = read(output)
    body = table(small)
    lines = [COLUMNS, ("---",) * len(COLUMNS), *body]
    (output / "figures.md").write_text("\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n", encoding="utf-8")
    failed = [run for run in runs if run.fault]
    bars = [finding for finding in small if finding.share_of_bar is not None]
    blocks = [
        report.prose(
            "Small sizes show that a benchmark runs and about what it says. Bars are held against full sizes; "
            "`benchmarks/results` holds what those gave, and each JSON the machine and versions it was measured with."
        ),
        *(report.callout(f"**{run.name}** {run.fault}", title="Failed", kind="warning") for run in failed),
        report.heading("Figures"),
        report.table(COLUMNS, [[cell.replace("`", "") for cell in row] for row in body]),
    ]
    if bars:
        alt = (
            "How many times as good as its bar each figure is: a ring here, at the small size; a dot as recorded, red "
            "where the bar is missed."
        )
        blocks += [report.heading("Beside the bars"), report.chart(_bars(bars), alt=alt, caption=alt)]
    blocks += [
        report.heading("How long each took"),
        report.chart(_seconds(runs), alt="Seconds that each benchmark took, the longest first."),
    ]
    page = output / "index.html"
    page.write_text(report.page("What the benchmarks say", blocks, kicker="LLM-I in Python"), encoding="utf-8")
    return page


def _bars(findings: Sequence[Finding]) -> Any:
    """A point per figure, on a scale that doubles: right of 1 the bar is met. Very good ones are drawn at 32."""
    recorded = {finding.figure: finding.share_of_bar for finding in read(HERE / "results")}
    figure, axes = _canvas(len(findings))
    for row, finding in enumerate(reversed(findings)):
        full = recorded.get(finding.figure)
        axes.plot(_inside(finding.share_of_bar), row, "o", mfc="none", color="#69635a", ms=5)
        if full:
            axes.plot(_inside(full), row, "o", color="#1f6f78" if full >= 1 else "#a23b22", ms=5)
    axes.set_yticks(range(len(findings)), [finding.figure.what.replace("`", "") for finding in reversed(findings)])
    axes.axvline(1, color="#b5ad9e", linewidth=1)
    axes.set_xscale("log", base=2)
    axes.set_xticks([0.5, 1, 2, 4, 8, 16, 32], ["½", "the bar", "2×", "4×", "8×", "16×", "32×"])
    axes.set_xlim(0.4, 40)
    return figure


def _inside(value: float | None) -> float:
    return min(max(value or 0.0, 0.42), 32.0)


def _seconds(runs: Sequence[Run]) -> Any:
    ordered = sorted(runs, key=lambda run: run.seconds)
    figure, axes = _canvas(len(ordered))
    axes.barh([run.name for run in ordered], [run.seconds for run in ordered], color="#1f6f78", height=0.6)
    for row, run in enumerate(ordered):
        axes.annotate(
            f"{run.seconds:.0f} s", (run.seconds, row), (4, 0), textcoords="offset points", va="center", size=8
        )
    return figure


def _canvas(rows: int) -> Any:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.4, 0.5 + 0.27 * rows), layout="constrained", facecolor="none")
    axes = figure.subplots()
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0, labelsize=8)
    axes.grid(axis="x", color="#e2ddd2", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_facecolor("none")
    axes.margins(y=0.02)
    return figure, axes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("benchmarks", nargs="*", metavar="benchmark", help=f"of {'; '.join(SMALL)}; all if none")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="emptied first, unless single benchmarks are named")
    parser.add_argument("--list", action="store_true", help="only show the commands")
    options = parser.parse_args()
    unknown = sorted(set(options.benchmarks) - SMALL.keys())
    if unknown:
        parser.error(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(SMALL)}")
    if options.list:
        print(*(f"{name}: python benchmarks/{SMALL[name].format(output=options.output)}" for name in SMALL), sep="\n")
        return
    if not options.benchmarks:
        shutil.rmtree(options.output, ignore_errors=True)
    output = options.output.resolve()
    output.mkdir(parents=True, exist_ok=True)
    raise SystemExit(run_all(options.benchmarks or list(SMALL), output))


def run_all(names: Sequence[str], output: Path) -> int:
    """Run benchmarks one after the other. Returns the exit status."""
    from results import show
    from rich.console import Console

    console, runs = Console(), []
    for number, name in enumerate(names, 1):
        with console.status(f"{number} of {len(names)}: {name}"):
            run = measure(name, output)
        runs.append(run)
        console.print(f"{number:2} of {len(names)}  {name}  {run.seconds:.0f} s  {run.fault}", highlight=False)
    page = write(output, runs)
    show("Figures", COLUMNS, table(read(output)))
    console.print(f"{sum(run.seconds for run in runs) / 60:.1f} minutes. {page}", soft_wrap=True, highlight=False)
    return int(any(run.fault for run in runs))


if __name__ == "__main__":
    main()
