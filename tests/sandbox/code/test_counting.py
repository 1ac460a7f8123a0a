"""`make coverage` counts what confined children do, up to the last line before they stop themselves."""

import sys
from pathlib import Path

import confined
import pytest

from llmi_sandbox.code import CodeSandbox, start
from llmi_sandbox.code.zygote import child, execute

PACKAGE = Path(start.__file__).parent


def lines(module, text):
    return {number for number, line in enumerate(Path(module.__file__).read_text().splitlines(), 1) if text in line}


@pytest.mark.parametrize("without", [(), ("namespaces",)], ids=["tier A", "tier B"])
def test_a_confined_child_is_counted(tier, tmp_path, monkeypatch, without):
    confined.prepare(tmp_path / "counted", PACKAGE)
    monkeypatch.setattr(sys, "path", [str(tmp_path / "counted"), *sys.path])
    with CodeSandbox(workers=1, without=without) as sandbox:
        assert sandbox.run("plt.plot([1, 2])").ok
    arcs = confined.marked(tmp_path / "counted", PACKAGE)
    reached = {line for _, line in arcs[child.__file__]}
    assert lines(child, "send_signal(this, signal.SIGSTOP)") <= reached
    assert not lines(child, "leave(1)") & reached
    assert not lines(execute, 'return Outcome("oom"') & {line for _, line in arcs[execute.__file__]}
