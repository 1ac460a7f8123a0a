"""Supervised warm-up with TRL's SFTTrainer: (prompt, document) pairs, loss on the document only."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmi_train.distributed import forget_earlier_runs

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainerCallback


_SMALL_VOCABULARY = 8192

Pair = tuple[str, str]
"""A prompt and the document that answers it."""


def in_batches_of_like_length(pairs: Sequence[Pair], batch: int, rng: random.Random) -> list[Pair]:
    """The pairs in an order whose consecutive `batch` are of similar length, so that little is padded.

    The batches themselves are shuffled. The trainer's own grouping by length goes from long to short, over and over,
    and a small model ends up believing the short ones it saw last. Use it with `train_sampling_strategy="sequential"`.
    """
    shuffled = rng.sample(pairs, len(pairs))
    batches: list[list[Pair]] = []
    for start in range(0, len(shuffled), 16 * batch):
        pool = sorted(shuffled[start : start + 16 * batch], key=lambda pair: len(pair[0]) + len(pair[1]))
        batches += [pool[at : at + batch] for at in range(0, len(pool), batch)]
    rng.shuffle(batches)
    return [pair for group in batches for pair in group]


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
    from transformers import Trainer
    from trl import SFTConfig, SFTTrainer

    class WholeLogits(SFTTrainer):
        """TRL computes the loss in chunks, to save memory; of a small vocabulary, the whole is faster."""

        def compute_loss(self, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
            return Trainer.compute_loss(self, model, inputs | {"use_cache": False}, *args, **kwargs)

    forget_earlier_runs()
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
    trainer = (WholeLogits if len(tokenizer) <= _SMALL_VOCABULARY else SFTTrainer)(
        model=model, args=config, train_dataset=pairs, processing_class=tokenizer, callbacks=list(callbacks)
    )
    trainer.train()
