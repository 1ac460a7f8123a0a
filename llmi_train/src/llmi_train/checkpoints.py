"""Which checkpoint a stopped run continues from, and how a checkpoint becomes one.

A checkpoint counts once it is sealed: after every process has written its part, a file with the sizes of all others
is written. A kill at any moment leaves the newest sealed checkpoint as it was, and older ones go only after that.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from llmi_schema import ConfigurationError

SEAL = "llmi_seal.json"
STATE = "trainer_state.json"
_LEAST_ROOM = 2_000_000
"""Bytes: with more left, something else went wrong."""

_NAME = re.compile(r"checkpoint-(\d+)")
_FOR_RESUMING = re.compile(
    r"optimizer\..*|scheduler\..*|rng_state.*|scaler\..*|training_args\.bin|latest|zero_to_fp32\.py|"
    rf"{re.escape(STATE)}|{re.escape(SEAL)}"
)


@contextmanager
def weights_written(folder: Path) -> Iterator[None]:
    """Around what writes weights: torch, safetensors and tokenizers each have an error of their own for a full disk.

    Raises `ConfigurationError`, which says what to do, where the disk of an existing `folder` is all but full.
    """
    try:
        yield
    except Exception as error:
        free = shutil.disk_usage(folder).free
        if free >= _LEAST_ROOM:
            raise
        raise ConfigurationError(
            f"{folder}: {free / 1e6:.1f} MB are left on its disk, too few for the weights: free some space there and "
            "run it again; it goes on from the newest whole checkpoint"
        ) from error


def seal(checkpoint: Path, about: Mapping[str, Any]) -> None:
    """Mark a checkpoint whole. Call it in one process, when all have written.

    Args:
        about: what a run must have in common with this one to continue from it.
    """
    files = {str(file.relative_to(checkpoint)): file.stat().st_size for file in _files(checkpoint)}
    for name in files:
        _flush(checkpoint / name)
    unsealed = checkpoint / f"{SEAL}.new"
    unsealed.write_text(json.dumps({"files": files, "about": dict(about)}, indent=1))
    _flush(unsealed)
    unsealed.replace(checkpoint / SEAL)
    _flush(checkpoint)


def newest_whole_checkpoint(output_dir: Path) -> Path | None:
    """The newest `checkpoint-N` that is sealed and has all that its seal lists, or None."""
    whole = [(step, path) for step, path in _checkpoints(output_dir) if _is_whole(path)]
    return max(whole)[1] if whole else None


def must_fit(checkpoint: Path, about: Mapping[str, Any]) -> None:
    """Raise `ConfigurationError` when a checkpoint belongs to a run that differs in what `about` says."""
    before = json.loads((checkpoint / SEAL).read_text())["about"]
    now = json.loads(json.dumps(dict(about)))
    different = [f"{key} was {before[key]!r}, is {now[key]!r}" for key in now if before.get(key, now[key]) != now[key]]
    if different:
        raise ConfigurationError(
            f"{checkpoint} cannot be continued: {'; '.join(different)}. Put it back, or choose another output_dir"
        )


def progress(checkpoint: Path) -> dict[str, Any]:
    """The trainer's state at a checkpoint: `global_step`, `max_steps`, `log_history` and more."""
    state: dict[str, Any] = json.loads((checkpoint / STATE).read_text())
    return state


def discard_unfinished(output_dir: Path) -> None:
    """Remove checkpoints that a kill left half-written, so that nothing of them mixes with what is written next."""
    for _, path in _checkpoints(output_dir):
        if not _is_whole(path):
            shutil.rmtree(path)


def prune(output_dir: Path, keep: int | None) -> None:
    """Remove all but the newest `keep` whole checkpoints. The trainer's own rotation knows nothing of seals."""
    if keep is None or keep < 1:
        return
    whole = sorted((step, path) for step, path in _checkpoints(output_dir) if _is_whole(path))
    for _, path in whole[:-keep]:
        (path / SEAL).unlink()  # first: a kill in between must not leave a sealed checkpoint with missing files
        shutil.rmtree(path)


def copy_model(checkpoint: Path, folder: Path) -> None:
    """Copy what a user of the model needs from a checkpoint: adapter and tokenizer, not the optimiser's state."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in checkpoint.iterdir():
        if file.is_file() and not _FOR_RESUMING.fullmatch(file.name):
            shutil.copy2(file, folder / file.name)


def _checkpoints(output_dir: Path) -> list[tuple[int, Path]]:
    found = [(_NAME.fullmatch(path.name), path) for path in output_dir.glob("checkpoint-*") if path.is_dir()]
    return [(int(name[1]), path) for name, path in found if name]


def _is_whole(checkpoint: Path) -> bool:
    try:
        files = json.loads((checkpoint / SEAL).read_text())["files"]
        return all((checkpoint / name).stat().st_size == size for name, size in files.items())
    except (OSError, ValueError, KeyError):
        return False


def _files(checkpoint: Path) -> list[Path]:
    return sorted(path for path in checkpoint.rglob("*") if path.is_file() and not path.name.startswith(SEAL))


def _flush(path: Path) -> None:
    """Onto the disk, so that a seal survives a power cut only if what it seals does."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
