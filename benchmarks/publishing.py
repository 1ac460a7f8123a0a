"""A dataset from plan to Hub and back: made offline, published to a Hub on this machine, loaded again, compared.

    python benchmarks/publishing.py --rows 1500 --page card.html

Nothing leaves the machine: the Hub is the tests' own, and the real `huggingface_hub` and `datasets` talk to it. A
benchmark is made of some of the rows, so that the card has finds to list. `--page` writes the card as a page, to look
at in a browser.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from results import record, show

TESTS = Path(__file__).parents[1] / "tests"
REPO = "me/harbour-prompts"
PUBLISH = """
import sys
from llmi_data import PublishConfig, publish
settings = PublishConfig(repo=sys.argv[2], license="cc-by-4.0", title="Harbour prompts")
publish(sys.argv[1], settings, folder=sys.argv[3])
"""
LOAD = """
import sys
from datasets import load_dataset
from llmi_data import from_dataset, load
parts = [load_dataset(sys.argv[1], config) for config in ("text", "multimodal")]
split = load(sys.argv[2])
wrong = 0
for side in ("train", "test"):
    again = {row.id: row for part in parts for row in from_dataset(part[side])}
    wrong += sum(again.pop(row.id, None) != row for row in getattr(split, side)) + len(again)
print(wrong)
"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, default=1500)
    options.add_argument("--page", type=Path, help="write the card as an HTML page, and its files beside it")
    options.add_argument("--no-record", action="store_true", help="do not write benchmarks/results")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="llmi-publishing-") as folder:
        figures = measure(asked.rows, Path(folder), asked.page)
    show("plan to Hub and back", ("what", "figure"), list(figures.items()))
    if not asked.no_record:
        print(record("data-publishing", figures, rows=asked.rows, load=os.getloadavg()))
    if figures["rows read back that differ"]:
        sys.exit("what was read back is not what was published")


def measure(rows: int, folder: Path, page: Path | None) -> dict[str, Any]:
    sys.path.insert(0, str(TESTS))
    from card_page import as_page
    from hub_server import Hub

    from llmi_data import Plan, RunConfig, generate, run

    plan = Plan.demo(rows=rows)
    benchmark = folder / "harbour-bench.jsonl"
    questions = list(generate(plan))[: rows : max(1, rows // 40)]
    benchmark.write_text("".join(json.dumps({"question": row.text}) + "\n" for row in questions))
    source = {"name": "HarbourBench", "file": str(benchmark), "revision": "3f1c9aa", "split": "test"}
    start = time.perf_counter()
    run(RunConfig(folder=folder / "run", plan=plan, curate={"benchmarks": [source]}))
    made = time.perf_counter()
    repository = (page.parent if page else folder) / "card"
    with Hub().running() as hub:
        variables = os.environ | hub.environment(folder / "home")

        def python(code: str, *arguments: str) -> str:
            command = [sys.executable, "-c", code, *arguments]
            return subprocess.run(command, env=variables, check=True, stdout=subprocess.PIPE, text=True).stdout

        python(PUBLISH, str(folder / "run"), REPO, str(repository))
        published = time.perf_counter()
        wrong = int(python(LOAD, REPO, str(folder / "run" / "dataset")))
        back = time.perf_counter()
        there = hub.repositories[f"datasets/{REPO}"]
        commits, stored, private = len(there.commits), sum(map(len, there.files.values())), there.private
    if page:
        page.write_text(as_page((repository / "README.md").read_text(), "card/"), encoding="utf-8")
    summary = json.loads((folder / "run" / "report.json").read_text())
    return {
        "rows published": summary["train"]["rows"] + summary["test"]["rows"],
        "rows read back that differ": wrong,
        "commits": commits,
        "private": private,
        "bytes there": stored,
        "finds of the benchmark": summary["curation"]["benchmarks"][0]["hits"],
        "seconds, plan to dataset": made - start,
        "seconds, publishing": published - made,
        "seconds, reading back": back - published,
    }


if __name__ == "__main__":
    main()
