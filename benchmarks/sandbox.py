"""The code sandbox beside a fresh interpreter per snippet, which is what the published code does.

    python benchmarks/sandbox.py speed                      # a hundred varied snippets, throughput, latency: 6 minutes
    python benchmarks/sandbox.py soak --snippets 20000      # nothing may leak: 10 minutes; 100000 take an hour
    python benchmarks/sandbox.py fuzz --snippets 10000      # no input may raise: 2 minutes
    python benchmarks/sandbox.py attacks                    # as root also as nobody and as in Docker: 1 minute

Processor time of the sandbox is all of it: the child's, the zygote's and launcher's, and the host's for decoding and
encoding. Both sides get the same snippets, in the same run, and both hand back PNG bytes.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, get_args

import typer
from results import record, show

from llmi_sandbox.code import CodeSandbox, Kind, Limits

app = typer.Typer(help=__doc__, pretty_exceptions_enable=False, rich_markup_mode=None)

COLLECTIONS = Path(__file__).parents[1] / "tests/sandbox/code"
"""Where the snippets and the attacks of the tests are."""

SIMPLE = ("lines", "bars")
"""Topics of one plain chart each; the others have panels, themes, surfaces, programs."""

_FRESH = """
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt, pandas as pd, seaborn as sns, numpy as np
exec(compile(open("snippet.py").read(), "snippet.py", "exec"), {"plt": plt, "pd": pd, "sns": sns, "np": np,
     "__name__": "__main__"})
if plt.get_fignums():
    plt.savefig("figure.png")
"""


def _snippets(wanted: int) -> dict[str, str]:
    """A sample of the collection, evenly over its topics."""
    sys.path.insert(0, os.fspath(COLLECTIONS))
    from snippets import load

    every = [(name, code) for name, code in load().items() if "sys.exit" not in code]
    return dict(every[k * len(every) // wanted] for k in range(min(wanted, len(every))))


# -- speed ------------------------------------------------------------------------------------------------------


@app.command()
def speed(
    snippets: int = typer.Option(100, help="How many snippets are timed, one at a time."),
    seconds: float = typer.Option(30, help="How long each side's throughput is measured."),
    trips: int = typer.Option(200, help="Empty round trips of each sort."),
) -> None:
    """Processor time, throughput, oversubscription and latency, beside fresh interpreters."""
    chosen = _snippets(snippets)
    figures: dict[str, Any] = {}
    figures |= _processor_time(chosen)
    figures |= _throughput(chosen, seconds)
    figures |= _oversubscribed(chosen)
    figures |= _latency(trips)
    figures |= _overhead([code for name, code in chosen.items() if name.startswith(SIMPLE)][:20])
    rows = [(name, figures[name], bar) for name, bar in _BARS.items()]
    show("The code sandbox", ("", "measured", "bar"), rows)
    record("sandbox-speed", figures, snippets=len(chosen), seconds=seconds, trips=trips)


_BARS = {
    "CPU: fresh interpreter / sandbox, geometric mean": ">= 10",
    "CPU: the same, simple plots": ">= 14",
    "good figures per second: sandbox": "",
    "good figures per second: fresh interpreters": "",
    "good figures per second: ratio": ">= 13",
    "good snippets that succeed, 8 times oversubscribed": "100 %",
    "empty round trip on demand, ms": "<= 5",
    "empty round trip with spares, ms": "<= 2.5",
    "isolation, ms of the round trip on demand": "<= 1",
    "overhead over drawing in process, ms": "<= 12",
}


def _fresh(code: str) -> tuple[bool, float, float]:
    """Whether a fresh interpreter drew it, and its seconds and processor seconds."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "snippet.py").write_text(code)
        environment = {**os.environ, "MPLBACKEND": "Agg", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-c", _FRESH],
            cwd=folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        return (
            Path(folder, "figure.png").exists(),
            time.perf_counter() - started,
            usage.ru_utime + usage.ru_stime,
        )


def _processor_time(chosen: dict[str, str]) -> dict[str, Any]:
    fresh, warm = {}, {}
    children = 0.0
    with CodeSandbox(workers=1) as sandbox:
        sandbox.run("plt.plot([1, 2])")
        buried = _buried_processor_seconds()
        for name, code in chosen.items():
            before = _own_processor_seconds()
            result = sandbox.run(code)
            time.sleep(0.02)  # until the child is buried and the next one waits
            spent = _own_processor_seconds() - before + result.cpu_seconds
            children += result.cpu_seconds
            drawn, _, beside = _fresh(code)
            if not (result.ok and drawn):
                typer.echo(f"left out: {name}: {result.kind}, fresh interpreter: {drawn}", err=True)
                continue
            warm[name], fresh[name] = spent, beside
        burial = max(0.0, _buried_processor_seconds() - buried - children) / len(chosen)
    warm = {name: spent + burial for name, spent in warm.items()}
    ratios = {name: fresh[name] / warm[name] for name in warm}
    simple = [ratio for name, ratio in ratios.items() if name.startswith(SIMPLE)]
    return {
        "CPU: fresh interpreter / sandbox, geometric mean": statistics.geometric_mean(ratios.values()),
        "CPU: the same, simple plots": statistics.geometric_mean(simple),
        "CPU seconds, sandbox": sum(warm.values()),
        "CPU seconds, fresh interpreters": sum(fresh.values()),
        "CPU ms to take a child apart, in each": 1000 * burial,
        "CPU ratios": {name: round(ratio, 2) for name, ratio in ratios.items()},
    }


def _own_processor_seconds() -> float:
    """Of this process, and of the launchers and zygotes below it; children are in their results."""
    below = (Path(f"/proc/{pid}/schedstat").read_text().split()[0] for pid in _descendants(zygotes_only=True))
    return time.process_time() + sum(map(int, below)) / 1e9


def _buried_processor_seconds() -> float:
    """Of all children that have ended, to their very end. A result tells of its child until the figure was drawn."""
    time.sleep(0.1)
    stats = (Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1] for pid in _descendants(zygotes_only=True))
    ticks = sum(int(word) for stat in stats for word in stat.split()[13:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def _throughput(chosen: dict[str, str], seconds: float) -> dict[str, Any]:
    cores = len(os.sched_getaffinity(0))
    codes = list(chosen.values())

    def endless() -> Iterator[str]:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            yield from codes[:: max(1, len(codes) // 10)]

    with CodeSandbox(workers=cores) as sandbox:
        sandbox.run("pass")
        started = time.monotonic()
        good = sum(result.ok for result in sandbox.run_many(endless()))
        warm = good / (time.monotonic() - started)
    started = time.monotonic()
    with ThreadPoolExecutor(cores) as pool:
        drawn = 0
        while time.monotonic() - started < seconds:
            drawn += sum(ok for ok, _, _ in pool.map(_fresh, codes[:: max(1, len(codes) // 10)]))
        fresh = drawn / (time.monotonic() - started)
    return {
        "good figures per second: sandbox": warm,
        "good figures per second: fresh interpreters": fresh,
        "good figures per second: ratio": warm / fresh,
    }


def _oversubscribed(chosen: dict[str, str]) -> dict[str, Any]:
    threads = 8 * len(os.sched_getaffinity(0))
    codes = (list(chosen.values()) * 2)[: max(2 * threads, len(chosen))]
    with CodeSandbox(workers=threads) as sandbox, ThreadPoolExecutor(threads) as pool:
        results = list(pool.map(sandbox.run, codes))
    good = sum(result.ok for result in results)
    return {"good snippets that succeed, 8 times oversubscribed": f"{100 * good / len(results):g} %"}


def _latency(trips: int) -> dict[str, Any]:
    everything = ("namespaces", "landlock", "seccomp", "limits")
    on_demand = CodeSandbox(workers=2, spares=0)
    ahead = CodeSandbox(workers=2)
    bare = CodeSandbox(workers=2, spares=0, unsafe=True, without=everything)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with on_demand, ahead, bare:
            times: dict[str, list[float]] = {"on demand": [], "with spares": [], "bare": []}
            for _ in range(trips + 10):  # in turns, so that all meet the same machine
                for name, sandbox in (("on demand", on_demand), ("with spares", ahead), ("bare", bare)):
                    time.sleep(0.01)  # a spare is forked while nothing else is to be done
                    started = time.perf_counter()
                    sandbox.run("pass")
                    times[name].append(1000 * (time.perf_counter() - started))
    middle = {name: statistics.median(values[10:]) for name, values in times.items()}
    return {
        "empty round trip on demand, ms": middle["on demand"],
        "empty round trip with spares, ms": middle["with spares"],
        "isolation, ms of the round trip on demand": middle["on demand"] - middle["bare"],
    }


def _overhead(codes: list[str]) -> dict[str, Any]:
    """Time on the clock over drawing the same figure in a warm process, both up to the encoded picture."""
    draw = _drawing_in_process()
    differences = []
    with CodeSandbox(workers=1) as sandbox:
        for code in codes:
            inside, outside = [], []
            for _ in range(5):
                time.sleep(0.01)
                inside.append(_timed(lambda code=code: draw(code)))
                outside.append(_timed(lambda code=code: sandbox.run(code)))
            differences.append(1000 * (statistics.median(outside) - statistics.median(inside)))
    return {"overhead over drawing in process, ms": statistics.median(differences)}


def _drawing_in_process() -> Callable[[str], Any]:
    import matplotlib as mpl
    from PIL import Image

    from llmi_sandbox.code.sandbox import NAMESPACE
    from llmi_sandbox.code.zygote.figure import Pixels
    from llmi_sandbox.pictures import encode, is_blank
    from llmi_schema import Provenance

    mpl.use("Agg")
    modules = {name: importlib.import_module(module) for name, module in NAMESPACE.items()}
    plt = modules["plt"]

    def draw(code: str) -> Any:
        mpl.rcdefaults()
        mpl.use("Agg")
        exec(compile(code, "snippet", "exec"), dict(modules))
        pixels = Pixels()
        plt.gcf().savefig(pixels, format="rgba")
        image = Image.frombuffer("RGBA", pixels.size, pixels.view, "raw", "RGBA", 0, 1)
        is_blank(image)
        plt.close("all")
        return encode(image, Provenance(tool="code", provider="in process"))

    return draw


def _timed(action: Callable[[], Any]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


# -- soak -------------------------------------------------------------------------------------------------------

_GOOD = (
    "plt.figure(figsize=(3, 2)); plt.plot(np.arange({n}))",
    "plt.figure(figsize=(2, 2)); plt.bar(range(4), [{n}, 2, 3, 4])",
    "open('f', 'w').write('x' * {n}); plt.figure(figsize=(2, 2)); plt.title('{n}')",
    "plt.figure(figsize=(2, 2)); plt.plot([{n}, 1]); plt.savefig('a.png'); plt.close()",
)
_BAD = (
    "raise ValueError({n})",
    "plt.plot(",
    "import os; os._exit({n} % 7)",
    "x = bytearray(10**11)",
    "import ctypes; ctypes.string_at(0)",
    "import ctypes; ctypes.CDLL(None).ptrace(0, 0, 0, 0)",
    "open('/etc/shadow')",
    "import threading, time; threading.Thread(target=time.sleep, args=(9,), daemon=True).start(); 1 / 0",
    "import os\nfor k in range(40): os.makedirs(f'{{k}}/a/b'); open(f'{{k}}/a/f', 'w').write('x' * 999)\n1 / 0",
    "print('x' * 100_000); pass",
)


@app.command()
def soak(
    snippets: int = typer.Option(20_000, help="How many snippets; three in ten fail."),
    without_namespaces: bool = typer.Option(False, help="In tier B, as in a container."),
    minutes: float = typer.Option(math.inf, help="Stop after so long, and record how many it were."),
) -> None:
    """Run thousands of snippets and look for what they leave behind."""
    with tempfile.TemporaryDirectory() as folder:
        tempfile.tempdir = folder
        with CodeSandbox(without=("namespaces",) if without_namespaces else ()) as sandbox:
            begun = time.monotonic()
            first = _until(begun + 60 * minutes / 5, _mixed(max(200, snippets // 20)))
            for _ in sandbox.run_many(first):
                pass
            before = _traces(folder)
            started = time.monotonic()
            under_way = _until(begun + 60 * minutes, _mixed(snippets))
            kinds = Counter(_with_progress(result.kind for result in sandbox.run_many(under_way)))
            seconds = time.monotonic() - started
            asked, snippets = snippets, kinds.total()
            after = _traces(folder)
            tier = sandbox.start().tier
        tempfile.tempdir = None
        left = [os.fspath(path) for path in Path(folder).iterdir()]
    drift = {name: after[name] - before[name] for name in before}
    rows = [(name, before[name], after[name], drift[name]) for name in before]
    show(
        f"{snippets:,} snippets in tier {tier}, {snippets / seconds:.1f} a second",
        ("", "before", "after", "drift"),
        rows,
    )
    leaks = any(drift[name] for name in ("descriptors", "processes", "mounts", "files")) or bool(left)
    grown = max(drift["host memory, MB"], drift["zygote memory, MB"])
    record(
        f"sandbox-soak-{tier.lower()}-{snippets}",
        {"drift": drift, "left after closing": left, "kinds": kinds, "snippets per second": snippets / seconds},
        snippets=snippets,
        asked_for=asked,
        tier=tier,
    )
    bad = sum(count for kind, count in kinds.items() if kind != "ok")
    typer.echo(f"{bad} failed as they should; leaks: {leaks}; memory grew by {grown:.2f} MB")
    raise typer.Exit(1 if leaks or grown >= 2 or kinds["ok"] != snippets - _failing(snippets) else 0)


def _until(end: float, codes: Iterator[str]) -> Iterator[str]:
    return itertools.takewhile(lambda _: time.monotonic() < end, codes)


def _with_progress(kinds: Iterator[str]) -> Iterator[str]:
    for count, kind in enumerate(kinds, 1):
        if count % 1000 == 0:
            typer.echo(f"{count:,} done", err=True)
        yield kind


def _mixed(count: int) -> Iterator[str]:
    for n in range(count):
        sort, k = (_BAD, n // 10 * 3 + n % 10) if n % 10 < 3 else (_GOOD, n)
        yield sort[k % len(sort)].format(n=n + 1)


def _failing(count: int) -> int:
    return sum(n % 10 < 3 for n in range(count))


def _traces(folder: str) -> dict[str, float]:
    """What might have leaked, once everything is quiet."""
    time.sleep(1)
    zygotes = _descendants(zygotes_only=True)
    return {
        "descriptors": len(os.listdir("/proc/self/fd")),
        "processes": len(_descendants()),
        "mounts": len(Path("/proc/self/mountinfo").read_text().splitlines()),
        "files": sum(1 for _ in Path(folder).rglob("*")),
        "host memory, MB": _memory("self"),
        "zygote memory, MB": sum(_memory(pid) for pid in zygotes),
    }


def _memory(pid: int | str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("RssAnon")).split()[1]) / 1024


def _descendants(*, zygotes_only: bool = False) -> list[int]:
    """Processes below this one; with `zygotes_only`, without the children that run or wait."""
    found: list[tuple[int, int]] = [(os.getpid(), 0)]
    for pid, depth in found:
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            with contextlib.suppress(OSError):  # it has ended meanwhile
                found += [(int(child), depth + 1) for child in task.read_text().split()]
    return [pid for pid, depth in found if depth and not (zygotes_only and _is_child(pid))]


def _is_child(pid: int) -> bool:
    """A confined child has given up its privileges for good; launchers and zygotes have not."""
    try:
        return "NoNewPrivs:\t1" in Path(f"/proc/{pid}/status").read_text()
    except OSError:  # only children come and go
        return True


# -- fuzz -------------------------------------------------------------------------------------------------------


@app.command()
def fuzz(
    snippets: int = typer.Option(10_000, help="How many inputs."), seed: int = typer.Option(0, help="Of the inputs.")
) -> None:
    """Feed bytes, broken syntax, huge and odd texts; no input may raise, each must come back with its kind."""
    kinds: Counter[str] = Counter()
    started = time.monotonic()
    with CodeSandbox(limits=Limits(cpu_seconds=2, wall_seconds=60, memory_bytes=512 * 2**20)) as sandbox:
        for result in sandbox.run_many(_inputs(snippets, random.Random(seed))):
            kinds[result.kind] += 1
        healthy = sandbox.run("plt.plot([1, 2])").ok
    strange = set(kinds) - set(get_args(Kind)) | set(kinds) & {"sandbox_error", "sandbox_lost"}
    show(f"{snippets:,} inputs in {time.monotonic() - started:.0f} s", ("kind", "inputs"), kinds.most_common())
    record("sandbox-fuzz", {"kinds": kinds, "unexpected": sorted(strange), "healthy after": healthy}, snippets=snippets)
    raise typer.Exit(1 if strange or not healthy or kinds.total() != snippets else 0)


def _inputs(count: int, lot: random.Random) -> Iterator[str]:
    codes = list(_snippets(60).values())
    makers: tuple[Callable[[], str], ...] = (
        lambda: lot.randbytes(lot.randrange(400)).decode("latin-1"),
        lambda: lot.randbytes(lot.randrange(400)).decode("utf-8", "surrogateescape"),
        lambda: "".join(chr(lot.randrange(0x110000)) for _ in range(lot.randrange(200))),
        lambda: _mutated(lot.choice(codes), lot),
        lambda: _mutated(lot.choice(codes), lot),
        lambda: lot.choice(codes)[: lot.randrange(300)],
        lambda: "".join(lot.choice("()[]{}'\"\\\n\t :;,=+-*@#%xX019.efb") for _ in range(lot.randrange(300))),
        lambda: lot.choice(("(", "[", "-", "not ", "a.", "f(", "lambda: ", "x = ")) * lot.randrange(20_000),
        lambda: f"x = {'9' * lot.randrange(10_000)}\nplt.title(x)",
        lambda: "#" * lot.randrange(2_000_000) if lot.random() < 0.05 else "plt.title('\\x00\\ud800')",
        lambda: f"\ufeff# coding: {lot.choice(('latin-1', 'utf-7', 'nonsense', 'rot13'))}\nplt.title('é')",
    )
    for n in range(count):
        yield makers[n % len(makers)]()


def _mutated(code: str, lot: random.Random) -> str:
    for _ in range(lot.randrange(1, 6)):
        at, length = lot.randrange(len(code) + 1), lot.randrange(6)
        new = lot.choice(("", "(", "\n", "None", "1e999", "\0", "💥", "yield ", "del ", "import os;", "\t"))
        code = code[:at] + new + code[at + length :]
    return code


# -- attacks ----------------------------------------------------------------------------------------------------


@app.command()
def attacks(step: int = typer.Option(1, help="Try every so manyth only.")) -> None:
    """Run the attack suite of the tests from each sort of host."""
    reports = {}
    for host in ("root", "nobody", "docker") if os.getuid() == 0 else ("as you are",):
        suite = [sys.executable, os.fspath(COLLECTIONS / "attack_suite.py"), host, str(step)]
        done = subprocess.run(suite, capture_output=True, text=True)
        if done.returncode:
            typer.echo(f"{host}: {done.stderr.strip().splitlines()[-1]}", err=True)
        else:
            reports[host] = json.loads(done.stdout)
    rows = [
        (host, report["tier"], report["attacks"], len(report["worked"]), len(report["documented"]), report["well"])
        for host, report in reports.items()
    ]
    show("Attacks that worked", ("host", "tier", "attacks", "worked", "stat probes", "host well"), rows)
    record("sandbox-attacks", reports, step=step)
    raise typer.Exit(1 if any(report["worked"] or not report["well"] for report in reports.values()) else 0)


if __name__ == "__main__":
    app()
