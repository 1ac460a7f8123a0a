"""Callbacks for the trainers. Imported only where a trainer runs: it needs transformers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from llmi_schema.files import write_whole


class OnStep(TrainerCallback):
    """Hands every finished step and what was logged for it to a function: `tell(step, log)`."""

    def __init__(self, tell: Callable[[int, dict[str, Any]], None]) -> None:
        self.tell = tell

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        self.tell(state.global_step, {})

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self.tell(state.global_step, logs or {})


class Lines(TrainerCallback):
    """One line per logged step, from the first process."""

    _SHOWN = (
        "reward",
        "reward_std",
        "loss",
        "grad_norm",
        "entropy",
        "completions/clipped_ratio",
        "unscored",
        "step_time",
    )

    def __init__(self, console: Console) -> None:
        self._console = console

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if state.is_world_process_zero and logs and "loss" in logs:
            figures = [f"{name.split('/')[-1]} {logs[name]:.4g}" for name in self._SHOWN if logs.get(name) is not None]
            self._console.print(f"{state.global_step}/{state.max_steps}  {'  '.join(figures)}")


class LiveLog(TrainerCallback):
    """Keeps a JSON Lines file up to date with what the trainer logs, so that a run can be watched from outside.

    A resumed run begins with what its checkpoint knows: the lines of steps that are done again are written once.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if state.is_world_process_zero:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._path, "".join(json.dumps(entry) + "\n" for entry in state.log_history))

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if state.is_world_process_zero and state.log_history:
            with self._path.open("a") as file:
                file.write(json.dumps(state.log_history[-1]) + "\n")
