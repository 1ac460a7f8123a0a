"""Callbacks for the trainers. Imported only where a trainer runs: it needs transformers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments


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
