"""Supervised warm-up with TRL's SFTTrainer: (prompt, document) pairs, loss on the document only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainerCallback


def warm_up(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    pairs: Dataset,
    output_dir: Path,
    *,
    callbacks: Sequence[TrainerCallback] = (),
    **settings: Any,
) -> None:
    """Train `model` in place.

    Args:
        pairs: columns `prompt` and `completion`, each a list of chat messages.
        settings: fields of TRL's `SFTConfig` that differ from the defaults here.
    """
    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(
        output_dir=str(output_dir),
        **{
            "completion_only_loss": True,
            "report_to": "none",
            "disable_tqdm": True,
            "save_strategy": "no",
            "logging_steps": 10,
            **settings,
        },
    )
    trainer = SFTTrainer(
        model=model, args=config, train_dataset=pairs, processing_class=tokenizer, callbacks=list(callbacks)
    )
    trainer.train()
