"""Kill `llmi-data run` again and again, and see that nothing is paid for twice and nothing comes out different.

    python benchmarks/data_kills.py --kills 100

Each round makes one dataset: once undisturbed, for comparison, and once in a folder of its own, killed with SIGKILL at
random points until it happens to get through. Half of the points are moments between start and end, drawn evenly;
the other half follow a random number of further answers by a few milliseconds, so that answers are on their way.

The model is a deterministic one on loopback that counts the answers it sends by the digest of the request. Its answers
hold that digest, so that the journals tell, after each kill, which answers had been received. One of those that is
sent again has been paid for twice. What was on its way when the process died is counted apart: nobody but the server
knows of it, and it has to be asked for again.
"""

from __future__ import annotations

import argparse
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "tests" / "llmi_data")]

from scripted_model import DIGEST, ScriptedModel  # noqa: E402

RUN = """
folder: {folder}
plan: {{seed: {seed}, cells: [{{count: 3, tools: [search], rows: {a}}}, {{count: any, tools: [code], rows: {b}}},
  {{count: 2, tools: [edit], rows: {c}}}, {{count: at least one, tools: [diffusion], rows: {c}}}]}}
generate: {{model: {{name: writer, base_url: "{url}", concurrency: {concurrency}}}}}
validate:
  reader: {{name: reader, base_url: "{url}", concurrency: {concurrency}}}
  judge: {{name: judge, base_url: "{url}", concurrency: {concurrency}}}
"""
FILES = (
    *("generated.jsonl", "lost.jsonl", "validated.jsonl", "dropped.jsonl"),
    *("curated.jsonl", "removed.jsonl", "clusters.jsonl", "report.json"),
)


@dataclass
class Outcome:
    """What was seen over all rounds."""

    rounds: int = 0
    kills: int = 0
    starts: int = 0
    answers: int = 0
    paid_twice: int = 0
    lost_under_way: int = 0
    different: list[str] = field(default_factory=list)
    moments: Counter[str] = field(default_factory=Counter)
    undisturbed_seconds: float = 0.0


def one_round(model: ScriptedModel, seed: int, kills: int, rows: int, concurrency: int, rng: random.Random) -> Outcome:
    """Make one dataset twice, the second time under at most so many kills."""
    outcome = Outcome(rounds=1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shares = {"a": rows - 3 * (rows // 4), "b": rows // 4, "c": rows // 4}
        files = {}
        for part in ("undisturbed", "killed"):
            files[part] = folder / f"{part}.yaml"
            text = RUN.format(folder=part, seed=seed, url=model.url, concurrency=concurrency, **shares)
            files[part].write_text(text)
        began = time.monotonic()
        _finish(files["undisturbed"])
        outcome.undisturbed_seconds = time.monotonic() - began
        wanted = model.paid.total()
        model.paid.clear()

        received: set[str] = set()
        while True:
            before = Counter(model.paid)
            finished = (
                _run_until_killed(model, files["killed"], outcome, rng, wanted) if kills else _finish(files["killed"])
            )
            outcome.starts += 1
            outcome.paid_twice += sum((model.paid - before)[digest] for digest in received)
            if finished:
                break
            kills -= 1
            outcome.kills += 1
            outcome.moments[_moment(folder / "killed")] += 1
            received = _journaled(folder / "killed")
        outcome.answers = len(model.paid)
        outcome.lost_under_way = model.paid.total() - len(model.paid) - outcome.paid_twice
        for file in FILES:
            if (folder / "undisturbed" / file).read_bytes() != (folder / "killed" / file).read_bytes():
                outcome.different.append(f"seed {seed}: {file}")
        if left := [path.name for path in (folder / "killed").glob(".*.part")]:
            outcome.different.append(f"seed {seed}: left behind: {left}")
        if _dataset(folder / "undisturbed") != _dataset(folder / "killed"):
            outcome.different.append(f"seed {seed}: dataset")
    model.paid.clear()
    return outcome


def _run_until_killed(model: ScriptedModel, file: Path, outcome: Outcome, rng: random.Random, wanted: int) -> bool:
    """Start it, and kill it at a random point; True when it was through before."""
    enough = threading.Event()
    by_time = rng.random() < 0.5
    after = rng.randint(1, max(1, wanted // 2))

    def count() -> None:
        nonlocal after
        after -= 1
        if after <= 0:
            enough.set()

    process = subprocess.Popen(_command(file), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    model.on_answer = (lambda: None) if by_time else count
    deadline = time.monotonic() + (rng.uniform(0, outcome.undisturbed_seconds) if by_time else 60)
    while process.poll() is None and time.monotonic() < deadline and not enough.wait(0.005):
        pass
    model.on_answer = lambda: None
    time.sleep(0 if by_time else rng.uniform(0, 0.01))
    process.send_signal(signal.SIGKILL)
    said = process.communicate()[1].decode()
    time.sleep(0.05)  # the server notices whom it can no longer answer
    if process.returncode == -signal.SIGKILL:
        return False
    if process.returncode:
        raise SystemExit(f"the run failed by itself: {said}")
    return True


def _finish(file: Path) -> bool:
    done = subprocess.run(_command(file), capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"the run failed by itself: {done.stderr}")
    return True


def _command(file: Path) -> list[str]:
    return [sys.executable, "-m", "llmi_data", "run", str(file)]


def _journaled(folder: Path) -> set[str]:
    """The digests of the requests whose answers are on disk."""
    found: set[str] = set()
    for path in folder.glob("answers/*.sqlite"):
        connection = sqlite3.connect(path)
        try:
            found |= {DIGEST.findall(text)[0] for (text,) in connection.execute("SELECT answer FROM answers")}
        except sqlite3.OperationalError:
            pass  # killed before the table was made
        finally:
            connection.close()
    return found


def _moment(folder: Path) -> str:
    """What the run was at when it was killed."""
    if not (folder / "answers" / "generate.sqlite").exists():
        return "starting"
    if not (folder / "generated.jsonl").exists():
        return "generating"
    if not (folder / "validated.jsonl").exists():
        return "validating"
    if not (folder / "curated.jsonl").exists():
        return "curating"
    return "saving the dataset" if not (folder / "report.json").exists() else "ending"


def _dataset(folder: Path) -> Any:
    from llmi_data import load

    return load(folder / "dataset")


def kill_again_and_again(kills: int, rows: int, concurrency: int = 4, seed: int = 0) -> Outcome:
    """Rounds until that many kills were dealt out."""
    rng = random.Random(seed)
    model = ScriptedModel(latency=0.01)
    model.keep_bodies = False
    total = Outcome()
    with model.running():
        while total.kills < kills:
            outcome = one_round(model, seed + total.rounds, kills - total.kills, rows, concurrency, rng)
            for name in ("rounds", "kills", "starts", "answers", "paid_twice", "lost_under_way", "undisturbed_seconds"):
                setattr(total, name, getattr(total, name) + getattr(outcome, name))
            total.different += outcome.different
            total.moments += outcome.moments
    return total


def main() -> None:
    from results import record, show

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--rows", type=int, default=60, help="rows of a round's plan")
    parser.add_argument("--concurrency", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    began = time.monotonic()
    outcome = kill_again_and_again(options.kills, options.rows, options.concurrency, options.seed)
    figures = {
        "kills": outcome.kills,
        "datasets": outcome.rounds,
        "starts": outcome.starts,
        "distinct answers": outcome.answers,
        "received answers paid twice": outcome.paid_twice,
        "answers on their way when killed, asked for again": outcome.lost_under_way,
        "files that differ from an undisturbed run": outcome.different,
        "killed while": dict(outcome.moments.most_common()),
        "minutes": round((time.monotonic() - began) / 60, 1),
    }
    show("kill -9", ["", "seen"], list(figures.items()))
    path = record("data-kills", figures, rows=options.rows, concurrency=options.concurrency, seed=options.seed)
    print(path)
    if outcome.paid_twice or outcome.different:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
