from __future__ import annotations

from pathlib import Path

import pytest

from llmi_schema import ConfigurationError
from llmi_train.demo.judging import judges
from llmi_train.demo.settings import Folder, Settings


def test_a_stopped_demo_goes_on(tmp_path: Path) -> None:
    folder, goes_on = Folder.open(tmp_path / "demo", Settings.small())
    assert not goes_on
    folder.finish("data", {"rows": 3})
    again, goes_on = Folder.open(tmp_path / "demo", Settings.small())
    assert goes_on
    assert again.done == {"data": {"rows": 3}}


def test_a_finished_demo_starts_over(tmp_path: Path) -> None:
    folder, _ = Folder.open(tmp_path / "demo", Settings.small())
    folder.finish("data", {})
    folder.finish("report", {}, last=True)
    (folder.root / "left over").write_text("")
    again, goes_on = Folder.open(tmp_path / "demo", Settings.small())
    assert not goes_on
    assert again.done == {}
    assert not (again.root / "left over").exists()


def test_other_sizes_start_over(tmp_path: Path) -> None:
    folder, _ = Folder.open(tmp_path / "demo", Settings.small())
    folder.finish("data", {})
    _, goes_on = Folder.open(tmp_path / "demo", Settings())
    assert not goes_on


def test_real_judges_must_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LLM_JUDGE_BASE_URL", "LLM_JUDGE_MODEL_NAME", "MLLM_JUDGE_BASE_URL", "MLLM_JUDGE_MODEL_NAME"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigurationError, match="LLM_JUDGE_"), judges(real=True):
        pass


def test_real_judges_are_asked_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for judge in ("LLM_JUDGE", "MLLM_JUDGE"):
        monkeypatch.setenv(f"{judge}_BASE_URL", "http://127.0.0.1:9/v1")
        monkeypatch.setenv(f"{judge}_MODEL_NAME", f"my-{judge}")
    with judges(real=True) as asked:
        assert "my-LLM_JUDGE reads" in asked.introduction
        assert "my-MLLM_JUDGE sees" in asked.introduction
