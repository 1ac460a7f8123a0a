"""The project's one HTML stack: documents, blocks, charts and pages, in one file that does nothing but be read.

```python
from llmi_sandbox import report
from llmi_schema import RenderedDocument, parse

rendered = RenderedDocument(document=parse("# Foxes\\n\\nThey are *red*."), results=())
html = report.document_page(rendered, prompt="What colour are foxes?")
html = report.page("A run", [report.heading("Result"), report.document_card(rendered)])
```
"""

from llmi_sandbox.report.blocks import (
    Cell,
    KeyFigure,
    Marks,
    callout,
    chart,
    code,
    command,
    document_card,
    fold,
    heading,
    key_figures,
    prose,
    request,
    side_by_side,
    table,
)
from llmi_sandbox.report.document import document_view, figure
from llmi_sandbox.report.export import content_parts, write_markdown
from llmi_sandbox.report.pages import document_page, page
from llmi_sandbox.report.plots import component_bars, reward_curve, save_png

__all__ = [
    "Cell",
    "KeyFigure",
    "Marks",
    "callout",
    "chart",
    "code",
    "command",
    "component_bars",
    "content_parts",
    "document_card",
    "document_page",
    "document_view",
    "figure",
    "fold",
    "heading",
    "key_figures",
    "page",
    "prose",
    "request",
    "reward_curve",
    "save_png",
    "side_by_side",
    "table",
    "write_markdown",
]
