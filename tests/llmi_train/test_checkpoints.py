from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from llmi_schema import ConfigurationError
from llmi_train.checkpoints import (
    copy_model,
    discard_unfinished,
    must_fit,
    newest_whole_checkpoint,
    prune,
    seal,
    weights_written,
)

ABOUT = {"seed": 1, "lora": {"r": 8}}


def checkpoint(folder: Path, step: int, *, whole: bool = True) -> Path:
    path = folder / f"checkpoint-{step}"
    (path / "global_step1").mkdir(parents=True)
    for name in ("trainer_state.json", "adapter_model.safetensors", "rng_state_0.pth", "global_step1/optimizer.pt"):
        (path / name).write_text(name)
    if whole:
        seal(path, ABOUT)
    return path


def test_nothing_to_go_on_from(tmp_path: Path) -> None:
    assert newest_whole_checkpoint(tmp_path) is None
    assert newest_whole_checkpoint(tmp_path / "absent") is None


def test_newest_by_number_not_by_name(tmp_path: Path) -> None:
    checkpoint(tmp_path, 9)
    newest = checkpoint(tmp_path, 10)
    (tmp_path / "checkpoint-best").mkdir()
    assert newest_whole_checkpoint(tmp_path) == newest


def test_a_half_written_checkpoint_is_passed_over_and_removed(tmp_path: Path) -> None:
    whole = checkpoint(tmp_path, 20)
    half = checkpoint(tmp_path, 40, whole=False)
    assert newest_whole_checkpoint(tmp_path) == whole
    discard_unfinished(tmp_path)
    assert not half.exists()
    assert newest_whole_checkpoint(tmp_path) == whole


@pytest.mark.parametrize("harm", ["cut", "gone"])
def test_a_checkpoint_that_lost_something_is_passed_over(tmp_path: Path, harm: str) -> None:
    whole = checkpoint(tmp_path, 20)
    hurt = checkpoint(tmp_path, 40) / "global_step1" / "optimizer.pt"
    hurt.write_text("") if harm == "cut" else hurt.unlink()
    assert newest_whole_checkpoint(tmp_path) == whole


def test_only_older_whole_ones_are_pruned(tmp_path: Path) -> None:
    for step in (10, 20, 30):
        checkpoint(tmp_path, step)
    half = checkpoint(tmp_path, 40, whole=False)
    prune(tmp_path, None)
    assert len(list(tmp_path.glob("checkpoint-*"))) == 4
    prune(tmp_path, 2)
    assert sorted(path.name for path in tmp_path.glob("checkpoint-*")) == ["checkpoint-20", "checkpoint-30", half.name]


def test_another_runs_checkpoint_is_refused_with_what_differs(tmp_path: Path) -> None:
    path = checkpoint(tmp_path, 10)
    must_fit(path, ABOUT)
    with pytest.raises(ConfigurationError, match=r"checkpoint-10 cannot be continued: seed was 1, is 2"):
        must_fit(path, {**ABOUT, "seed": 2})


def test_what_a_user_of_the_model_needs_is_copied(tmp_path: Path) -> None:
    copy_model(checkpoint(tmp_path, 10), tmp_path / "adapter")
    assert [path.name for path in (tmp_path / "adapter").iterdir()] == ["adapter_model.safetensors"]


@pytest.mark.parametrize("error", [RuntimeError("unexpected pos 64 vs 0"), Exception("No space left"), OSError("full")])
def test_weights_that_find_no_room_end_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=4096))
    with (
        pytest.raises(ConfigurationError, match=r"0\.0 MB are left on its disk, .* free some space"),
        weights_written(tmp_path),
    ):
        raise error


def test_weights_that_fail_with_room_fail_as_they_are(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="a bug"), weights_written(tmp_path):
        raise RuntimeError("a bug")
