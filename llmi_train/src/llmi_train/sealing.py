"""A trainer whose checkpoints are sealed. Imported only where a trainer runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from llmi_train.checkpoints import prune, seal, weights_written


class Sealing:
    """Put before a transformers trainer among a class's bases.

    Attributes:
        about: what a run must have in common with this one to continue from its checkpoints.
        keep_checkpoints: how many; None keeps all. The trainer's own `save_total_limit` must be unset: it would remove
            an older checkpoint before the newer one is whole.
    """

    about: Mapping[str, Any] = {}
    keep_checkpoints: int | None = None
    accelerator: Any
    args: Any
    state: Any

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        with weights_written(Path(self.args.output_dir)):
            super()._save_checkpoint(model, trial)  # type: ignore[misc]  # the trainer's
        self.accelerator.wait_for_everyone()
        if self.args.should_save:
            folder = Path(self.args.output_dir)
            seal(folder / f"{PREFIX_CHECKPOINT_DIR}-{self.state.global_step}", self.about)
            prune(folder, self.keep_checkpoints)
        self.accelerator.wait_for_everyone()
