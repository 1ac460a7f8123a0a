"""What the documentation shows runs as shown."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

import llmi_schema

ROOT = Path(__file__).parents[2]


def test_a_fifth_tool(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(ROOT / "examples" / "fifth_tool.py"), run_name="__main__")
    printed = capsys.readouterr().out
    assert '"dot": "digraph { a -> b", "engine": "dot"}}</imgen>' in printed
    assert "- diagram: structure: flows, hierarchies, networks." in printed


def blocks(text: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


@pytest.mark.parametrize("code", blocks((ROOT / "llmi_schema" / "README.md").read_text()))
def test_readme(code: str) -> None:
    exec(compile(code, "README.md", "exec"), {})


def test_package_docstring() -> None:
    (code,) = blocks(llmi_schema.__doc__ or "")
    exec(compile(code, "__init__.py", "exec"), {})
