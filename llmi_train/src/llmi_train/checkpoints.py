"""Which checkpoint a stopped run continues from."""

from __future__ import annotations

import re
from pathlib import Path

_NAME = re.compile(r"checkpoint-(\d+)")
_WRITTEN_LAST = "trainer_state.json"


def newest_whole_checkpoint(output_dir: Path) -> Path | None:
    """The newest `checkpoint-N` that was written to its end, or None.

    A kill during a save leaves a folder without `trainer_state.json`, which the trainer writes last.
    """
    whole = [
        (int(name[1]), path)
        for path in output_dir.glob("checkpoint-*")
        if (name := _NAME.fullmatch(path.name)) and (path / _WRITTEN_LAST).is_file()
    ]
    return max(whole)[1] if whole else None
