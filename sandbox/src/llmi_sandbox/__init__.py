"""Runs the tool calls of illustrated documents and shows the result.

```python
import asyncio
from llmi_sandbox import Toolkit

text = 'A fox. <imgen>{"source": "search", "description": "a fox", "params": {"query": "red fox"}}</imgen>'
with Toolkit.offline() as toolkit:
    rendered = asyncio.run(toolkit.render(text))
print(rendered.delivered[0].provenance.attribution)  # “a red fox in the snow”, drawn by llmi_sandbox's offline gallery
```
"""

from llmi_sandbox.cache import ResultCache
from llmi_sandbox.code import CodeResult, CodeSandbox
from llmi_sandbox.errors import PictureError, SandboxUnavailableError
from llmi_sandbox.pictures import PictureLimits, decode, encode, from_bytes, is_blank
from llmi_sandbox.render import render
from llmi_sandbox.statistics import Statistics, ToolStatistics
from llmi_sandbox.toolkit import Toolkit
from llmi_sandbox.tools.base import Tool
from llmi_sandbox.tools.code import CodeTool
from llmi_sandbox.tools.edit import OfflineEditor
from llmi_sandbox.tools.gallery import gallery, write_gallery
from llmi_sandbox.tools.generate import OfflineGenerator
from llmi_sandbox.tools.search import Captioned, LocalSearch

__version__ = "0.1.0"

__all__ = [
    "Captioned",
    "CodeResult",
    "CodeSandbox",
    "CodeTool",
    "LocalSearch",
    "OfflineEditor",
    "OfflineGenerator",
    "PictureError",
    "PictureLimits",
    "ResultCache",
    "SandboxUnavailableError",
    "Statistics",
    "Tool",
    "ToolStatistics",
    "Toolkit",
    "decode",
    "encode",
    "from_bytes",
    "gallery",
    "is_blank",
    "render",
    "write_gallery",
]
