"""What can be imported from `llmi_sandbox`, and that the example people copy runs as shown."""

import re
import subprocess
import sys

import llmi_sandbox

PUBLIC = [
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
    "Policy",
    "ProviderError",
    "ResultCache",
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


def test_the_public_names():
    assert sorted(llmi_sandbox.__all__) == sorted(PUBLIC)
    assert all(hasattr(llmi_sandbox, name) for name in PUBLIC)


def test_every_public_name_is_documented():
    assert not [name for name in PUBLIC if not getattr(llmi_sandbox, name).__doc__]


def test_the_docstrings_example_prints_what_it_says(tmp_path):
    (example,) = re.findall(r"```python\n(.*?)```", llmi_sandbox.__doc__, re.DOTALL)
    code = [sys.executable, "-c", example]
    done = subprocess.run(code, cwd=tmp_path, timeout=60, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == re.findall(r"print\(.*\)  # (.*)", example)
