"""Scripted policies and models, tools that answer at once, and the hundred broken snippets as they really end."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmi_sandbox import CodeSandbox, CodeTool, Toolkit
from llmi_sandbox.code.limits import Limits

sys.path.insert(0, str(Path(__file__).parent))  # helpers with names of their own


@pytest.fixture(scope="session")
def sandbox() -> Iterator[CodeSandbox]:
    """With little patience for endless loops."""
    with CodeSandbox(workers=2, limits=Limits(cpu_seconds=2)) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def plotting(sandbox: CodeSandbox) -> Toolkit:
    """The code tool alone; equal code is drawn once."""
    return Toolkit({"code": CodeTool(sandbox)})
