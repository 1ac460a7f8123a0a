"""Score against cost: the same tasks with more and more candidates, into a folder that a later run goes on with."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from llmi_reward import Sample, Score
from llmi_schema import ConfigurationError, Constraint, LLMIError
from llmi_schema.files import write_whole
from llmi_train.scaling.candidate import Question
from llmi_train.scaling.cost import Cost
from llmi_train.scaling.report import ScalingReport
from llmi_train.scaling.scale import Scaled
from llmi_train.writing import Task

_SETTINGS = ".scaled-by.json"


class Point(BaseModel):
    """One task with one number of candidates.

    Attributes:
        score: by the scorer, who chose nothing; None where there is none, and `unscored` says why.
        document: the file of the document, beside the points.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str
    n: int
    score: float | None
    unscored: str | None
    document: str | None
    report: ScalingReport


class Mean(BaseModel):
    """All tasks with one number of candidates.

    Attributes:
        low, high: the mean score, bounds of it where scores are missing.
        lower, upper: the 95 % bootstrap interval.
        tasks, scored: how many there are, and have a score.
        satisfied: the share whose constraint is satisfied.
        cost: of a task, the mean; its counts are rounded.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    n: int
    low: float
    high: float
    lower: float
    upper: float
    tasks: int
    scored: int
    satisfied: float
    cost: Cost
    stopped: int

    @property
    def score(self) -> float:
        """The middle of the bounds."""
        return (self.low + self.high) / 2

    @property
    def score_text(self) -> str:
        return f"{self.low:.3f}" if self.low == self.high else f"{self.low:.3f}–{self.high:.3f}"

    @property
    def interval_text(self) -> str:
        """A single task has none."""
        return f"{self.lower:.3f}–{self.upper:.3f}" if self.tasks > 1 else "–"


@dataclass(slots=True)
class Curve:
    """Attributes:
    scorer: who scored.
    points: every task with every number of candidates.
    failed: by `task, n`, why there is no point; a later run tries again.
    found: how many points were there already.
    """

    scorer: str
    points: list[Point] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    found: int = 0

    def means(self) -> list[Mean]:
        """By number of candidates, over the tasks that have a point for each of them."""
        numbers = sorted({point.n for point in self.points})
        by_task: dict[str, dict[int, Point]] = {}
        for point in self.points:
            by_task.setdefault(point.task, {})[point.n] = point
        whole = [points for points in by_task.values() if len(points) == len(numbers)]
        return [_mean(n, [points[n] for points in whole]) for n in numbers] if whole else []

    def to_json(self) -> str:
        value = {
            "scorer": self.scorer,
            "means": [mean.model_dump(mode="json") for mean in self.means()],
            "points": [point.model_dump(mode="json") for point in self.points],
            "failed": self.failed,
        }
        return f"{json.dumps(value, indent=1)}\n"


async def draw_curve(
    tasks: Sequence[Task],
    numbers: Iterable[int],
    answer: Callable[[Question, int], Awaitable[Scaled]],
    score: Callable[[Sample], Awaitable[Score]],
    folder: Path,
    *,
    scorer: str,
    settings: Mapping[str, Any],
    at_once: int = 4,
    progress: Callable[[Curve], None] = lambda curve: None,
) -> Curve:
    """Answer every task with every number of candidates, and score what is returned.

    What is finished is a file in `folder`: the same call again does only the rest. A task that fails is told in the
    curve and costs its neighbours nothing.

    Args:
        answer: answers a question with n candidates.
        score: scores the returned document; its cost is not counted.
        settings: what the points depend on; a folder holds those of one set of settings.
        at_once: tasks in work at a time.

    Raises `ConfigurationError` when the folder holds the points of other settings.
    """
    _claim(folder, {"scorer": scorer, **settings})
    curve = Curve(scorer)
    free = asyncio.Semaphore(at_once)

    async def work(task: Task, n: int) -> None:
        path = folder / "points" / f"{task.name}-n{n}.json"
        async with free:
            point = _read(path)
            if point is not None:
                curve.found += 1
            else:
                try:
                    point = await _point(task, n, answer, score, folder)
                    await asyncio.to_thread(write_whole, path, f"{point.model_dump_json(indent=1)}\n")
                except ConfigurationError:
                    raise
                except LLMIError as error:
                    curve.failed[f"{task.name}, n = {n}"] = str(error)
            if point is not None:
                curve.points.append(point)
            progress(curve)

    try:
        async with asyncio.TaskGroup() as group:
            for task in tasks:
                for n in sorted(set(numbers)):
                    group.create_task(work(task, n))
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    curve.points.sort(key=lambda point: (point.task, point.n))
    return curve


async def _point(
    task: Task,
    n: int,
    answer: Callable[[Question, int], Awaitable[Scaled]],
    score: Callable[[Sample], Awaitable[Score]],
    folder: Path,
) -> Point:
    question = Question(task.messages, task.pictures, task.constraint or Constraint())
    scaled = await answer(question, n)
    if scaled.best is None:
        outcome = Score.unscored(f"the {scaled.report.stopped} ended before there was a document")
        return Point(task=task.name, n=n, score=None, unscored=outcome.reason, document=None, report=scaled.report)
    outcome = await score(scaled.best.sample(question))
    name = f"documents/{task.name}-n{n}.html"
    await asyncio.to_thread(_write_document, folder / name, scaled, question)
    return Point(task=task.name, n=n, score=outcome.value, unscored=outcome.reason, document=name, report=scaled.report)


def _mean(n: int, points: list[Point]) -> Mean:
    from llmi_train.evaluate.statistics import estimate

    low = [0.0 if point.score is None else point.score for point in points]
    high = [1.0 if point.score is None else point.score for point in points]
    means = estimate(low, high)
    total = Cost()
    for point in points:
        total = total + point.report.cost
    share = 1 / len(points)
    return Mean(
        n=n,
        low=means.low,
        high=means.high,
        lower=means.lower,
        upper=means.upper,
        tasks=len(points),
        scored=sum(point.score is not None for point in points),
        satisfied=share * sum(point.report.satisfied is True for point in points),
        cost=Cost(
            writes=round(share * total.writes),
            asks=round(share * total.asks),
            tools=round(share * total.tools),
            tokens=round(share * total.tokens),
            money=None if total.money is None else share * total.money,
            seconds=share * total.seconds,
        ),
        stopped=sum(point.report.stopped is not None for point in points),
    )


def _claim(folder: Path, settings: Mapping[str, Any]) -> None:
    path = folder / _SETTINGS
    mine = json.loads(json.dumps(settings))
    try:
        (folder / "points").mkdir(parents=True, exist_ok=True)
        (folder / "documents").mkdir(exist_ok=True)
        found = json.loads(path.read_text()) if path.exists() else None
        if found is None:
            write_whole(path, json.dumps(mine))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{folder}: cannot use this folder ({error})") from error
    if found is not None and found != mine:
        other = ", ".join(name for name in {**mine, **found} if found.get(name) != mine.get(name))
        raise ConfigurationError(f"{folder} holds points with another {other}: choose another folder")


def _read(path: Path) -> Point | None:
    try:
        return Point.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValidationError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path} is no point of `llmi-train scale`: delete it, and it is made again"
        ) from error


def _write_document(path: Path, scaled: Scaled, question: Question) -> None:
    from llmi_reward.judges.prompt import question_text
    from llmi_sandbox.report import document_page

    if scaled.best is not None:
        write_whole(path, document_page(scaled.best.rendered, prompt=question_text(question.messages)))
