"""Conversion: rows of TRL, verl (the published contract) and OpenAI chats, read and written.

```python
from llmi_data import Plan, generate, write_rows
from llmi_data.conversion import convert, read_any

write_rows("rows.jsonl", generate(Plan.demo(rows=60)))
convert("rows.jsonl", "train.parquet", to="verl").lost
rows = list(read_any("train.parquet"))      # the format is told from the file
```
"""

from llmi_data.conversion.convert import Converted, convert, format_of, read_any
from llmi_data.conversion.formats import FORMATS, Format, FormatName, recognise
from llmi_data.conversion.records import Record, expected_records, read_records
from llmi_data.conversion.writing import columns, write_records

__all__ = [
    "FORMATS",
    "Converted",
    "Format",
    "FormatName",
    "Record",
    "columns",
    "convert",
    "expected_records",
    "format_of",
    "read_any",
    "read_records",
    "recognise",
    "write_records",
]
