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

from llmi_data.checking import Checked, check_file, check_lines
from llmi_data.conversion import Converted, convert, read_any
from llmi_data.dataset import features, from_dataset, load, save, to_dataset, to_dataset_dict
from llmi_data.errors import (
    CurationError,
    InputPictureError,
    PlanError,
    PublishingError,
    RowError,
    RunError,
    SplitError,
    StoppedError,
)
from llmi_data.forecast import Forecast, forecast
from llmi_data.generation import ChatWriter, Lost, Pictures, Writer, Written, write_rows_async
from llmi_data.jsonl import read_rows, write_rows
from llmi_data.offline import generate
from llmi_data.operation.config import RunConfig
from llmi_data.operation.run import RunReport, run
from llmi_data.operation.shards import Shard, merge
from llmi_data.operation.steps import generate_rows, validate_rows
from llmi_data.pipeline import MadeDataset, Progress, Report, make_dataset
from llmi_data.plan import Assignment, Cell, Plan
from llmi_data.publishing import Preview, PublishConfig, Published, preview, publish
from llmi_data.row import ImplicitVerdict, Message, Need, Origin, Question, Reading, Row, Verdict
from llmi_data.scenario import Scenario, Series
from llmi_data.splits import Split, Straddler, assign_sides, split, straddlers
from llmi_data.summary import Summary, plot_cells, plot_overview, summarize
from llmi_data.validation import (
    Agreement,
    BlindReader,
    ChatReader,
    Dropped,
    ImplicitnessJudge,
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
    "ChatReader",
    "ChatWriter",
    "Checked",
    "Converted",
    "CurationError",
    "Dropped",
    "Forecast",
    "ImplicitVerdict",
    "ImplicitnessJudge",
    "InputPictureError",
    "Lost",
    "MadeDataset",
    "Message",
    "Need",
    "OfflineReader",
    "Origin",
    "Pictures",
    "Plan",
    "PlanError",
    "Preview",
    "Progress",
    "PublishConfig",
    "Published",
    "PublishingError",
    "Question",
    "Reading",
    "Report",
    "Row",
    "RowError",
    "RunConfig",
    "RunError",
    "RunReport",
    "Scenario",
    "Series",
    "Shard",
    "Split",
    "SplitError",
    "StoppedError",
    "Straddler",
    "Summary",
    "UnclearError",
    "Validated",
    "Verdict",
    "Writer",
    "Written",
    "assign_sides",
    "check_file",
    "check_lines",
    "convert",
    "features",
    "forecast",
    "from_dataset",
    "generate",
    "generate_rows",
    "load",
    "make_dataset",
    "merge",
    "plot_cells",
    "plot_overview",
    "preview",
    "publish",
    "read_any",
    "read_rows",
    "run",
    "save",
    "split",
    "straddlers",
    "summarize",
    "to_dataset",
    "to_dataset_dict",
    "tool_namings",
    "validate",
    "validate_async",
    "validate_rows",
    "write_rows",
    "write_rows_async",
]
