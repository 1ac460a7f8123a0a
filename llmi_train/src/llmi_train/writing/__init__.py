"""From a prompt to an illustrated document, tools running while the text is still being written.

```python
async with load_policy("vllm:Qwen/Qwen3-30B-A3B@http://localhost:8000/v1") as policy, Toolkit.from_env() as toolkit:
    writing = Writing(policy, Request([{"role": "user", "content": "A page on lighthouses"}]), toolkit)
    async for event in writing.events(): ...      # Wrote, Called, Answered, ..., Finished
save(writing.written, Path("lighthouses.html"))
```
"""

from llmi_train.writing.batch import BatchSummary, row_constraint, write_all
from llmi_train.writing.events import Answered, Called, Event, Finished, Inside, Thinking, Wrote
from llmi_train.writing.saving import SUFFIXES, check_output, load_written, save
from llmi_train.writing.tasks import Task, load_tasks
from llmi_train.writing.writing import Writing
from llmi_train.writing.written import ToolRun, Written

__all__ = [
    "SUFFIXES",
    "Answered",
    "BatchSummary",
    "Called",
    "Event",
    "Finished",
    "Inside",
    "Task",
    "Thinking",
    "ToolRun",
    "Writing",
    "Written",
    "Wrote",
    "check_output",
    "load_tasks",
    "load_written",
    "row_constraint",
    "save",
    "write_all",
]
