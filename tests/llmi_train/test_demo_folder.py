from __future__ import annotations

from pathlib import Path

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
