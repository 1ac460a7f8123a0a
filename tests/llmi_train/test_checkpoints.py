from __future__ import annotations

from pathlib import Path

from llmi_train.checkpoints import newest_whole_checkpoint


def checkpoint(folder: Path, step: int, *, whole: bool = True) -> Path:
    path = folder / f"checkpoint-{step}"
    path.mkdir(parents=True)
    if whole:
        (path / "trainer_state.json").write_text("{}")
    return path


def test_nothing_to_go_on_from(tmp_path: Path) -> None:
    assert newest_whole_checkpoint(tmp_path) is None
    assert newest_whole_checkpoint(tmp_path / "absent") is None


def test_newest_by_number_not_by_name(tmp_path: Path) -> None:
    checkpoint(tmp_path, 9)
    newest = checkpoint(tmp_path, 10)
    (tmp_path / "checkpoint-best").mkdir()
    assert newest_whole_checkpoint(tmp_path) == newest


def test_a_half_written_checkpoint_is_passed_over(tmp_path: Path) -> None:
    whole = checkpoint(tmp_path, 20)
    checkpoint(tmp_path, 40, whole=False)
    assert newest_whole_checkpoint(tmp_path) == whole
