"""Curation: duplicates, contamination, balance and what straddles a split.

```python
from llmi_data import Plan, generate
from llmi_data.curation import curate

rows = list(generate(Plan.demo(rows=200)))
curated = curate([*rows, *rows[:20]])
curated.report.removed          # {'exact duplicate': 20, ...}
curated.removed[0].decision     # reason, cluster, partner and score
```
"""

from llmi_data.curation.balance import Shortfall, balance
from llmi_data.curation.contamination import Benchmark, BenchmarkFile, Hit, Item, read_benchmark
from llmi_data.curation.curate import Curated, Removed, curate, curate_file, removed_entry
from llmi_data.curation.decisions import BenchmarkCheck, Curation, CurationReport, Decision, Outcome, preference
from llmi_data.curation.meaning import Embed
from llmi_data.curation.settings import CurationSettings

__all__ = [
    "Benchmark",
    "BenchmarkCheck",
    "BenchmarkFile",
    "Curated",
    "Curation",
    "CurationReport",
    "CurationSettings",
    "Decision",
    "Embed",
    "Hit",
    "Item",
    "Outcome",
    "Removed",
    "Shortfall",
    "balance",
    "curate",
    "curate_file",
    "preference",
    "read_benchmark",
    "removed_entry",
]
