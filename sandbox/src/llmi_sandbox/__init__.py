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
from llmi_sandbox.errors import PictureError, ProviderError, SandboxUnavailableError
from llmi_sandbox.pictures import PictureLimits, decode, encode, from_bytes, is_blank
from llmi_sandbox.render import render, render_many, stream
from llmi_sandbox.render_stream import StreamedRender
from llmi_sandbox.retries import RetryPolicy
from llmi_sandbox.statistics import Statistics, ToolStatistics
from llmi_sandbox.toolkit import Toolkit
from llmi_sandbox.tools.base import Tool
from llmi_sandbox.tools.code import CodeTool
from llmi_sandbox.tools.dialects import Drawing
from llmi_sandbox.tools.edit import OfflineEditor
from llmi_sandbox.tools.fallback import Fallback
from llmi_sandbox.tools.gallery import gallery, write_gallery
from llmi_sandbox.tools.generate import OfflineGenerator
from llmi_sandbox.tools.pipelines import Pipeline, PipelineEditor, PipelineGenerator
from llmi_sandbox.tools.search import LocalSearch
from llmi_sandbox.tools.search_index import Captioned
from llmi_sandbox.tools.served import ServedEditor, ServedGenerator
from llmi_sandbox.tools.servers import ImageServer
from llmi_sandbox.tools.web_providers import Openverse, SerpApi, WikimediaCommons
from llmi_sandbox.tools.web_search import Candidate, Wanted, WebSearch
from llmi_sandbox.web import DownloadLimits, Web

__version__ = "0.1.0"

__all__ = [
    "Candidate",
    "Captioned",
    "CodeResult",
    "CodeSandbox",
    "CodeTool",
    "DownloadLimits",
    "Drawing",
    "Fallback",
    "ImageServer",
    "LocalSearch",
    "OfflineEditor",
    "OfflineGenerator",
    "Openverse",
    "PictureError",
    "PictureLimits",
    "Pipeline",
    "PipelineEditor",
    "PipelineGenerator",
    "ProviderError",
    "ResultCache",
    "RetryPolicy",
    "SandboxUnavailableError",
    "SerpApi",
    "ServedEditor",
    "ServedGenerator",
    "Statistics",
    "StreamedRender",
    "Tool",
    "ToolStatistics",
    "Toolkit",
    "Wanted",
    "Web",
    "WebSearch",
    "WikimediaCommons",
    "decode",
    "encode",
    "from_bytes",
    "gallery",
    "is_blank",
    "render",
    "render_many",
    "stream",
    "write_gallery",
]
