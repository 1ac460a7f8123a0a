"""`RunReport`: keeps a run's report up to date while it trains. Imported only where a trainer runs."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from llmi_schema import LLMIError
from llmi_train.watching.page import write_report
from llmi_train.watching.record import RunRecord, record_of, write_record

if TYPE_CHECKING:
    from llmi_train.recipe import Recipe

logger = logging.getLogger(__name__)


class RunReport(TrainerCallback):
    """Writes `run.json` at the start and `report.html` every so many steps and at the end, in the first process.

    While the run goes on a process of its own renders, at the lowest priority and never two at a time, so that a step
    waits for no chart. Put it after whatever writes the log.

    Args:
        run: the run's folder.
        record: what it was told.
        every: steps between two pages; 0 writes one at the end only.
        seconds: and at least so long apart.
    """

    def __init__(self, run: Path, record: RunRecord, *, every: int = 10, seconds: float = 60.0) -> None:
        self._run = run
        self._record = record
        self._every = every
        self._seconds = seconds
        self._last = -float("inf")
        self._rendering: subprocess.Popen[bytes] | None = None

    @classmethod
    def of(cls, recipe: Recipe, *, reward: str = "", every: int = 10) -> RunReport:
        """For a recipe."""
        return cls(recipe.output_dir, record_of(recipe, reward=reward), every=every)

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if state.is_world_process_zero:
            write_record(self._run, self._record)

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if not state.is_world_process_zero or not self._every or state.global_step % self._every:
            return
        if self._busy() or time.monotonic() - self._last < self._seconds:
            return
        self._last = time.monotonic()
        command = [sys.executable, "-m", "llmi_train", "report", str(self._run)]
        self._rendering = subprocess.Popen(  # noqa: S603 - our own command
            ["nice", "-n", "19", *command] if sys.platform.startswith("linux") else command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if not state.is_world_process_zero:
            return
        if self._rendering is not None:
            self._rendering.kill()
            self._rendering.wait()
        try:
            write_report(self._run)
        except (LLMIError, OSError, ValueError) as error:  # a page must not cost a finished run
            logger.warning(
                "the run report could not be written (%s): `llmi-train report %s` tries again", error, self._run
            )

    def _busy(self) -> bool:
        return self._rendering is not None and self._rendering.poll() is None
