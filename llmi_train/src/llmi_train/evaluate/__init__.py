"""What a policy is worth: benchmarks, judges, intervals, reports.

```python
benchmark = ProjectBenchmark.load()  # rules; with judge=CriterionJudge(chat, "name") a model gives the marks
run = await run_benchmark(benchmark, policy, Toolkit.offline(), Path("runs/project"))
print(run.score, run.coverage)
write_report(Path("runs/project"))
```

`evaluate` is the short way for rows in memory, without a folder. The rest is loaded when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from llmi_train.evaluate.in_domain import Evaluation, Judged, evaluate, valid

if TYPE_CHECKING:
    from llmi_train.evaluate.benchmark import RULES, Benchmark, BenchmarkTask, Result
    from llmi_train.evaluate.comparison import compare_runs, write_comparison
    from llmi_train.evaluate.isg import ISG
    from llmi_train.evaluate.judging import CriterionJudge, Mark
    from llmi_train.evaluate.opening import OpenING
    from llmi_train.evaluate.project import ProjectBenchmark, ProjectTask, project_tasks
    from llmi_train.evaluate.report import write_report
    from llmi_train.evaluate.rows import RowsBenchmark
    from llmi_train.evaluate.run import Run, load_run, run_benchmark
    from llmi_train.evaluate.statistics import (
        Difference,
        Estimate,
        Repeatability,
        compare,
        estimate,
        repeatability,
        sign_test,
    )

__all__ = [
    "ISG",
    "RULES",
    "Benchmark",
    "BenchmarkTask",
    "CriterionJudge",
    "Difference",
    "Estimate",
    "Evaluation",
    "Judged",
    "Mark",
    "OpenING",
    "ProjectBenchmark",
    "ProjectTask",
    "Repeatability",
    "Result",
    "RowsBenchmark",
    "Run",
    "compare",
    "compare_runs",
    "estimate",
    "evaluate",
    "load_run",
    "project_tasks",
    "repeatability",
    "run_benchmark",
    "sign_test",
    "valid",
    "write_comparison",
    "write_report",
]

_HOMES = {
    name: module
    for module, names in {
        "benchmark": ("RULES", "Benchmark", "BenchmarkTask", "Result"),
        "comparison": ("compare_runs", "write_comparison"),
        "isg": ("ISG",),
        "judging": ("CriterionJudge", "Mark"),
        "opening": ("OpenING",),
        "project": ("ProjectBenchmark", "ProjectTask", "project_tasks"),
        "report": ("write_report",),
        "rows": ("RowsBenchmark",),
        "run": ("Run", "load_run", "run_benchmark"),
        "statistics": ("Difference", "Estimate", "Repeatability", "compare", "estimate", "repeatability", "sign_test"),
    }.items()
    for name in names
}


def __getattr__(name: str) -> object:
    """Commands start without the benchmarks, and without numpy."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
