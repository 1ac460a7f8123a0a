"""The calling convention TRL and ms-swift share: whole batches, one list per column of the dataset."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from llmi_reward.integrations.metrics import batch_metrics
from llmi_reward.integrations.raw_sample import RawSample
from llmi_reward.integrations.scorer import Scored
from llmi_schema import ConfigurationError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Batch:
    """One call of the reward function: the optimiser step it belongs to (-1 unknown) and its rows, on this process."""

    step: int
    rows: tuple[Scored, ...]


def columns_to_rows(
    prompts: Sequence[Any],
    completions: Sequence[Any],
    columns: dict[str, Any],
    end_tokens: Collection[int] | None = None,
) -> list[RawSample]:
    """One row per completion. Raises `ConfigurationError` when the dataset has no `image_count` column."""
    if "image_count" not in columns:
        raise ConfigurationError("the dataset has no column `image_count`: add one with -1, 0, 1 to 98 or 99 per row")
    none = [None] * len(prompts)
    token_ids = columns.get("completion_ids")
    if end_tokens is not None and token_ids is None:
        raise ConfigurationError("end_tokens= needs `completion_ids`, which this trainer does not pass")
    ends = none if token_ids is None else [ids[-1] if len(ids) else None for ids in token_ids]
    return [
        RawSample(
            prompt, completion, count, tools, given, split or "train", end_tokens is not None and end not in end_tokens
        )
        for prompt, completion, count, tools, given, split, end in zip(
            prompts,
            completions,
            columns["image_count"],
            columns.get("required_tools", none),
            columns.get("input_pictures", columns.get("images", none)),
            columns.get("split", none),
            ends,
            strict=True,
        )
    ]


def hand_over(
    scored: Sequence[Scored], columns: dict[str, Any], on_batch: Callable[[Batch], None] | None = None
) -> list[float | None]:
    """The values for the trainer, after its curves, its table of completions and the hook have had theirs."""
    log_metric, log_extra = columns.get("log_metric"), columns.get("log_extra")
    if log_metric is not None:
        for metric, value in batch_metrics(scored).items():
            log_metric(metric, value)
    if log_extra is not None:
        for name in dict.fromkeys(name for s in scored for name in s.score.components):
            log_extra(name, [s.score.components.get(name) for s in scored])
        log_extra("unscored_because", [s.score.reason for s in scored])
    if on_batch is not None:
        try:
            on_batch(Batch(getattr(columns.get("trainer_state"), "global_step", -1), tuple(scored)))
        except Exception:  # a report must not end a training run
            logger.exception("on_batch failed")
    return [s.score.value for s in scored]
