"""What can be imported from `llmi_sandbox`, and that the examples people copy run as shown."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import llmi_sandbox

ROOT = Path(llmi_sandbox.__file__).parents[2]

PUBLIC = [
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


def test_the_public_names():
    assert sorted(llmi_sandbox.__all__) == sorted(PUBLIC)
    assert all(hasattr(llmi_sandbox, name) for name in PUBLIC)


def test_every_public_name_is_documented():
    assert not [name for name in PUBLIC if not getattr(llmi_sandbox, name).__doc__]


def examples() -> list[str]:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", f"{llmi_sandbox.__doc__}\n{readme}", re.DOTALL)


@pytest.mark.parametrize("example", examples(), ids=lambda text: text.strip().splitlines()[-1][:40])
def test_examples_run_as_shown(example, tmp_path):
    subprocess.run([sys.executable, "-c", example], check=True, cwd=tmp_path, timeout=60)
