"""Watching a run: its curves, what they mean in plain words, and a page that shows both with what the policy writes.

```py
from llmi_train.watching import advise, read_curves, write_report

for advice in advise(read_curves("runs/mine")):
    advice.title, advice.what_to_do
write_report("runs/mine")        # runs/mine/report.html
```

`llmi-train report runs/mine` does the same; `RunReport` keeps the page up to date while a run goes on. TensorBoard,
Trackio and W&B get the same curves from TRL: `report_to: tensorboard` in a recipe's `grpo`.
"""

from llmi_train.watching.advice import Advice, advise
from llmi_train.watching.curves import Curves, read_curves
from llmi_train.watching.page import REPORT, write_report
from llmi_train.watching.record import RunRecord, add_evaluation, read_record, write_record

__all__ = [
    "REPORT",
    "Advice",
    "Curves",
    "RunRecord",
    "add_evaluation",
    "advise",
    "read_curves",
    "read_record",
    "write_record",
    "write_report",
]
