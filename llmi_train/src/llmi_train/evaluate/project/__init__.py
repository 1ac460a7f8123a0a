"""The project's own benchmark: thirty mini-projects with ten criteria each, and a document that breaks each of them."""

from llmi_train.evaluate.project.bench import ProjectBenchmark
from llmi_train.evaluate.project.checks import Check
from llmi_train.evaluate.project.tasks import Criterion, ProjectTask, project_tasks

__all__ = ["Check", "Criterion", "ProjectBenchmark", "ProjectTask", "project_tasks"]
