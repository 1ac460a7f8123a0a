"""Constraint-annotated prompts for illustrated documents: plan, generate, validate blind, split.

```python
from llmi_data import Plan, make_dataset

made = make_dataset(Plan.demo(rows=120), seed=7)
made.train[0].text              # a prompt that never names a tool
made.train[0].constraint        # how many pictures, which tools
made.report.agreement.share     # how often a reader who saw no label arrived at it
made.dataset["train"]           # a datasets.Dataset, columns as TRL wants them
```
"""

from llmi_data.dataset import features, from_dataset, load, save, to_dataset, to_dataset_dict
from llmi_data.errors import PlanError, RowError, SplitError
from llmi_data.jsonl import read_rows, write_rows
from llmi_data.offline import generate
from llmi_data.pipeline import MadeDataset, Progress, Report, make_dataset
from llmi_data.plan import Assignment, Cell, Plan
from llmi_data.row import Message, Origin, Question, Reading, Row, Verdict
from llmi_data.scenario import Scenario, Series
from llmi_data.splits import Split, Straddler, split, straddlers
from llmi_data.summary import Summary, plot_cells, summarize
from llmi_data.validation import (
    Agreement,
    BlindReader,
    Dropped,
    OfflineReader,
    UnclearError,
    Validated,
    tool_namings,
    validate,
    validate_async,
)

__version__ = "0.1.0"

__all__ = [
    "Agreement",
    "Assignment",
    "BlindReader",
    "Cell",
    "Dropped",
    "MadeDataset",
    "Message",
    "OfflineReader",
    "Origin",
    "Plan",
    "PlanError",
    "Progress",
    "Question",
    "Reading",
    "Report",
    "Row",
    "RowError",
    "Scenario",
    "Series",
    "Split",
    "SplitError",
    "Straddler",
    "Summary",
    "UnclearError",
    "Validated",
    "Verdict",
    "features",
    "from_dataset",
    "generate",
    "load",
    "make_dataset",
    "plot_cells",
    "read_rows",
    "save",
    "split",
    "straddlers",
    "summarize",
    "to_dataset",
    "to_dataset_dict",
    "tool_namings",
    "validate",
    "validate_async",
    "write_rows",
]
