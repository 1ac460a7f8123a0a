"""`ProjectBenchmark`: the thirty tasks, judged by a model or checked by rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from llmi_schema import ConfigurationError
from llmi_train.evaluate.benchmark import BenchmarkTask, Result, ask, basis_of
from llmi_train.evaluate.judging import CriterionJudge, Mark
from llmi_train.evaluate.project.checks import Reading, mark
from llmi_train.evaluate.project.tasks import ProjectTask, project_tasks
from llmi_train.writing import Written


@dataclass(frozen=True, slots=True)
class ProjectBenchmark:
    """Attributes:
    projects: the tasks with their criteria and rules.
    judge: None has the rules give the marks.
    """

    projects: tuple[ProjectTask, ...]
    tasks: tuple[BenchmarkTask, ...]
    digest: str
    judge: CriterionJudge | None = None
    name: str = "project"

    @classmethod
    def load(cls, *, judge: CriterionJudge | None = None, limit: int | None = None) -> ProjectBenchmark:
        """`limit` leaves later tasks out; the benchmark stays the same."""
        projects = project_tasks()[:limit]
        if not projects:
            raise ConfigurationError("no task is left: the limit must be at least 1")
        tasks = tuple(
            BenchmarkTask(one.id, one.title, [{"role": "user", "content": one.prompt}], one.pictures, one.questions)
            for one in projects
        )
        told = sha256("\n".join(one.model_dump_json() for one in project_tasks()).encode())
        return cls(projects, tasks, told.hexdigest()[:16], judge)

    @property
    def basis(self) -> str:
        return basis_of(self.judge)

    async def assess(self, task: BenchmarkTask, written: Written) -> Result:
        if self.judge is not None:
            return await ask(self.judge, task, written)
        project = next(one for one in self.projects if one.id == task.id)
        reading = Reading.of(written.rendered)
        marks = []
        for question, criterion in zip(task.questions, project.criteria, strict=True):
            given, why = mark(criterion.check, reading)
            marks.append(Mark(question.id, question.share(given), why, (given,)))
        return Result.of(task.id, marks)

    def figures(self, results: Sequence[Result]) -> dict[str, Any]:
        """Mean of the fully known tasks with and without input pictures."""
        drawn = {task.id for task in self.tasks if task.given}
        kinds = {
            "text": [r.low for r in results if r.known and r.task not in drawn],
            "with pictures": [r.low for r in results if r.known and r.task in drawn],
        }
        return {"by kind": {name: sum(values) / len(values) for name, values in kinds.items() if values}}

    def export(self, folder: Path, documents: Iterable[tuple[BenchmarkTask, Written]]) -> None:
        return None
