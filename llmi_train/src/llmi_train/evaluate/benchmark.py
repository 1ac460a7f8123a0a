"""`Benchmark`: prompts, and how to tell what a document for each of them is worth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import shorten
from typing import Any, Protocol

from llmi_reward import Sample
from llmi_reward.judges.checking import Question
from llmi_schema import ConfigurationError, Constraint, Picture
from llmi_train.evaluate.judging import CriterionJudge, Mark
from llmi_train.inputs import load_pictures
from llmi_train.policies import Messages
from llmi_train.writing import Written

RULES = "rules"
"""The basis of scores that no judge gave."""


@dataclass(frozen=True, slots=True)
class BenchmarkTask:
    """One document to write.

    Attributes:
        id: names its files.
        title: for reports.
        given: pictures that go with the prompt.
        files: such pictures on disk, read when they are needed; a benchmark may have thousands.
        questions: what a judge is asked about the document; empty where the benchmark scores otherwise.
        constraint: what the document is held to while it is written, where `constrain` is set.
    """

    id: str
    title: str
    messages: Messages
    given: tuple[Picture, ...] = ()
    questions: tuple[Question, ...] = ()
    constraint: Constraint | None = None
    files: tuple[Path, ...] = ()

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """Raises `ConfigurationError` for a file that is no picture."""
        return self.given + load_pictures(self.files)

    def sample(self, written: Written) -> Sample:
        """What judges and rewards are shown of a document."""
        cut = written.completion is None or not written.completion.finished
        constraint = self.constraint or Constraint()
        return Sample(self.messages, written.rendered, constraint, split="test", truncated=cut)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one task. The score lies between `low` and `high`: equal where nothing is missing.

    A judgement that failed is missing: it counts as nothing in `low` and as full marks in `high`, and the maximum
    stays what it was.

    Attributes:
        marks: by criterion or component, missing ones included.
        figures: what else is known, e.g. which tools were used.
        problem: why there is no document; the score is then between 0 and 1.
    """

    task: str
    low: float
    high: float
    marks: tuple[Mark, ...] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)
    problem: str | None = None

    @property
    def known(self) -> bool:
        return self.low == self.high

    @classmethod
    def of(cls, task: str, marks: Sequence[Mark], **figures: Any) -> Result:
        """The mean of the marks."""
        low = sum(mark.value or 0.0 for mark in marks) / len(marks)
        high = sum(1.0 if mark.value is None else mark.value for mark in marks) / len(marks)
        return cls(task, low, high, tuple(marks), figures)

    @classmethod
    def missing(cls, task: BenchmarkTask, problem: str) -> Result:
        marks = tuple(Mark(question.id, None, problem) for question in task.questions)
        return cls(task.id, 0.0, 1.0, marks, problem=problem)


class Benchmark(Protocol):
    """Attributes:
    name: as it is typed.
    digest: of everything that affects prompts and scores, tasks that a limit leaves out included.
    tasks: in order.
    basis: what scores come from: "rules", or the judge's name.
    """

    @property
    def name(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def tasks(self) -> Sequence[BenchmarkTask]: ...
    @property
    def basis(self) -> str: ...

    async def assess(self, task: BenchmarkTask, written: Written) -> Result:
        """Score one document. Never raises for what a model wrote or a judge did."""
        ...

    def figures(self, results: Sequence[Result]) -> dict[str, Any]:
        """What the benchmark reports besides the mean score, ready for JSON."""
        ...

    def export(self, folder: Path, documents: Iterable[tuple[BenchmarkTask, Written]]) -> Path | None:
        """Write documents as the benchmark's own tools read them; where to, or None where it has no such tools."""
        ...


async def ask(judge: CriterionJudge, task: BenchmarkTask, written: Written, **figures: Any) -> Result:
    """All questions of a task at once."""
    return Result.of(task.id, await judge.marks(task.questions, task.sample(written)), **figures)


def found_files(names: Sequence[str], folder: Path) -> tuple[Path, ...]:
    """Files beside a benchmark's data. Raises `ConfigurationError` for one that is not there."""
    files = tuple(folder / name for name in names)
    for file in files:
        if not file.is_file():
            raise ConfigurationError(f"{file}: the benchmark names this picture, and it is not there")
    return files


def title_of(prompt: str) -> str:
    """For tasks without a name: how the prompt begins."""
    return shorten(prompt, 80, placeholder=" ...")


def basis_of(judge: CriterionJudge | None) -> str:
    return RULES if judge is None else judge.name
