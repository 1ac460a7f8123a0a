"""One evaluation in one folder: documents, judgements, results. The same call again does only what is missing.

```
folder/documents/<task>.json   as it was written and rendered, whole or not at all
folder/judgements.sqlite       every answer of the judge, on disk before it counts
folder/results.json            made of the two above
```
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from llmi_reward.judges.judge import together
from llmi_sandbox import Toolkit
from llmi_schema import ConfigurationError
from llmi_schema.files import write_whole
from llmi_train.evaluate.benchmark import Benchmark, BenchmarkTask, Result
from llmi_train.evaluate.judging import Mark
from llmi_train.evaluate.statistics import Estimate, Repeatability, estimate, repeatability
from llmi_train.policies import Policy, Request
from llmi_train.writing import Task, Written, load_written, write_all

DOCUMENTS, JUDGEMENTS, RESULTS = "documents", "judgements.sqlite", "results.json"


@dataclass(frozen=True, slots=True)
class Run:
    """What an evaluation found.

    Attributes:
        benchmark, digest: which one, and of which wording.
        basis: "rules", or the judge's name. Scores of different bases are never set beside each other.
        policy: the policy's identity.
        settings: how it wrote.
        results: one per task, in the benchmark's order.
        titles, questions: by task, what it is called and what was asked about its document.
        figures: the benchmark's own.
        export: where the documents lie as the benchmark's own tools read them.
    """

    benchmark: str
    digest: str
    basis: str
    policy: str
    settings: dict[str, Any]
    results: tuple[Result, ...]
    titles: dict[str, str] = field(default_factory=dict)
    questions: dict[str, dict[str, str]] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)
    export: str | None = None

    @property
    def score(self) -> Estimate:
        return estimate([result.low for result in self.results], [result.high for result in self.results])

    @property
    def coverage(self) -> float:
        """Share of the judgements that are there."""
        marks = [mark for result in self.results for mark in result.marks]
        return sum(mark.value is not None for mark in marks) / len(marks) if marks else 1.0

    @property
    def repeatability(self) -> Repeatability | None:
        return repeatability(mark.given for result in self.results for mark in result.marks)

    def criteria(self) -> dict[str, float | None]:
        """Mean of each criterion or component that several tasks share, over the tasks where it is known."""
        found: dict[str, list[float | None]] = {}
        for result in self.results:
            for mark in result.marks:
                found.setdefault(mark.question, []).append(mark.value)
        means: dict[str, float | None] = {}
        for name, values in found.items():
            known = [value for value in values if value is not None]
            if len(values) > 1:
                means[name] = sum(known) / len(known) if known else None
        return means


async def run_benchmark(
    benchmark: Benchmark,
    policy: Policy,
    toolkit: Toolkit,
    folder: Path,
    *,
    settings: Request | None = None,
    constrain: bool = False,
    at_once: int = 8,
    progress: Callable[[Result], None] = lambda result: None,
) -> Run:
    """Write, render and score a document per task.

    Args:
        settings: temperature, seed and max_tokens; its messages are not used.
        constrain: hold documents to what their task asks for, or to the syntax of tags where it says nothing.
        at_once: documents in work at a time.
        progress: called after each task.

    A document that cannot be had is missing, and tried again by the next call. Raises `ConfigurationError` when the
    folder holds another policy's documents, or those of another benchmark.
    """
    settings = settings or Request([])
    _same_benchmark(folder, benchmark)
    waiting = iter(benchmark.tasks)
    results: dict[str, Result] = {}

    async def work() -> None:
        for task in waiting:
            asked = Task(task.id, task.messages, task.pictures, task.constraint)
            summary = await write_all(
                policy, [asked], toolkit, folder / DOCUMENTS, suffix=".json", settings=settings, constrain=constrain
            )
            if task.id in summary.failed:
                result = Result.missing(task, f"no document: {summary.failed[task.id]}")
            else:
                written = await asyncio.to_thread(load_written, document_path(folder, task.id))
                result = await benchmark.assess(task, written)
            results[task.id] = result
            progress(result)

    await together(work() for _ in range(at_once))
    ordered = tuple(results[task.id] for task in benchmark.tasks)
    exported = await asyncio.to_thread(benchmark.export, folder, _documents(benchmark, folder))
    run = Run(
        benchmark=benchmark.name,
        digest=benchmark.digest,
        basis=benchmark.basis,
        policy=policy.identity,
        settings={"temperature": settings.temperature, "seed": settings.seed, "max_tokens": settings.max_tokens},
        results=ordered,
        titles={task.id: task.title for task in benchmark.tasks},
        questions={task.id: {q.id: q.text for q in task.questions} for task in benchmark.tasks if task.questions},
        figures=benchmark.figures(ordered),
        export=str(exported.relative_to(folder)) if exported else None,
    )
    _save(run, folder)
    return run


def document_path(folder: Path, task: str) -> Path:
    return folder / DOCUMENTS / f"{task}.json"


def load_run(folder: Path) -> Run:
    """Read what `run_benchmark` left in a folder. Raises `ConfigurationError` where there is nothing of the kind."""
    path = folder / RESULTS
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        results = tuple(
            Result(**{**one, "marks": tuple(Mark(**{**m, "given": tuple(m["given"])}) for m in one["marks"])})
            for one in value.pop("results")
        )
        return Run(**{key: value[key] for key in Run.__slots__ if key != "results"}, results=results)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot read this file ({error.strerror}): evaluate first") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{path}: these are no results of llmi-train evaluate ({error})") from error


def _documents(benchmark: Benchmark, folder: Path) -> Iterator[tuple[BenchmarkTask, Written]]:
    for task in benchmark.tasks:
        path = document_path(folder, task.id)
        if path.exists():
            yield task, load_written(path)


def _same_benchmark(folder: Path, benchmark: Benchmark) -> None:
    """Documents were written for prompts; a folder keeps to them."""
    path = folder / "benchmark.json"
    mine = {"benchmark": benchmark.name, "digest": benchmark.digest}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
        if found is None:
            write_whole(path, json.dumps(mine))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{folder}: cannot use this folder ({error})") from error
    if found is not None and found != mine:
        raise ConfigurationError(
            f"{folder} belongs to another benchmark or another version of it ({found.get('benchmark')}): "
            "choose another folder"
        )


def summary(run: Run) -> dict[str, Any]:
    """What a card or a table says of it: names and numbers, nested only in the benchmark's own figures."""
    score, repeated = run.score, run.repeatability
    known = {"score": score.low} if score.low == score.high else {"score at least": score.low, "at most": score.high}
    return {
        "marks by": run.basis,
        "policy": run.policy,
        "tasks": score.tasks,
        **known,
        "95 % interval": f"{score.lower:.3f} to {score.upper:.3f}",
        "judgements there": run.coverage,
        **({"repeated marks agree": repeated.same} if repeated else {}),
        **run.figures,
    }


def _save(run: Run, folder: Path) -> None:
    """`summary` and `criteria` can be derived; they are for people, and for `llmi-train push --evaluation`."""
    value = {"summary": summary(run), "criteria": run.criteria(), **asdict(run)}
    write_whole(folder / RESULTS, json.dumps(value, indent=1))
