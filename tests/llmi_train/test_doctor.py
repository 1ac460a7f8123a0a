from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from llmi_schema import SystemRequirementError
from llmi_train import doctor


def test_this_machine_is_fit(tmp_path: Path) -> None:
    findings = doctor.examine(folder=tmp_path / "not" / "there" / "yet")
    doctor.require(findings)
    assert {"Python", "C++ compiler", "code sandbox"} <= {finding.name for finding in findings}


def test_a_missing_compiler_is_said_with_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from llmi_train.cli import app

    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(SystemRequirementError, match=r"C\+\+ compiler.*apt-get install -y g\+\+"):
        doctor.require(doctor.examine())
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 1
    assert "apt-get install -y g++" in result.output
    demo = CliRunner().invoke(app, ["demo", "--output", str(tmp_path / "demo")])
    assert demo.exit_code == 1
    assert not (tmp_path / "demo").exists()


def test_where_nothing_isolates_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from llmi_sandbox import code

    nothing = code.Isolation("none", {}, {"landlock": "this kernel has none"})
    monkeypatch.setattr(code, "probe", lambda: nothing)
    with pytest.raises(SystemRequirementError, match=r"UNSAFE=1"):
        doctor.require(doctor.examine())
    doctor.require(doctor.examine(unsafe=True))
