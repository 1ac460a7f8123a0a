"""TRL: one composite reward function for `GRPOTrainer` (and trainers with the same convention).

```python
from llmi_reward import presets
from llmi_reward.integrations.trl import trl_reward
from llmi_sandbox import Toolkit

reward = trl_reward(presets.rules(), render=Toolkit.offline().render)
trainer = GRPOTrainer(model, reward_funcs=reward, train_dataset=dataset)
```

Columns of the dataset: `prompt`, `image_count` (published code), and optionally `required_tools` (names),
`input_pictures` or `images` (PNG bytes, `{"bytes": ...}` or Pillow images) and `split`.

One function, not one per component: TRL adds reward functions up with None as 0, so an outage of one would be
trained on. Here a row without a score is None as a whole, and TRL gives it no advantage.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from llmi_reward.formula import Reward
from llmi_reward.integrations.metrics import batch_metrics
from llmi_reward.integrations.rows import Row
from llmi_reward.integrations.scorer import Render, Scored, Scorer
from llmi_schema import DEFAULT_LANGUAGE, ConfigurationError, Language

logger = logging.getLogger(__name__)

TRLReward = Callable[..., Coroutine[Any, Any, list[float | None]]]


@dataclass(frozen=True, slots=True)
class Batch:
    """One call of the reward function: the optimiser step it belongs to (-1 unknown) and its rows, on this process."""

    step: int
    rows: tuple[Scored, ...]


def trl_reward(
    reward: Reward,
    *,
    render: Render | None,
    language: Language = DEFAULT_LANGUAGE,
    deadline_seconds: float | None = 300.0,
    name: str = "reward",
    end_tokens: Collection[int] | None = None,
    on_batch: Callable[[Batch], None] | None = None,
) -> TRLReward:
    """An `async def` reward function for TRL.

    Every completion goes its own way through parse, render and score. What fails in one, its deadline included,
    makes that row None and is logged; its neighbours and the run go on. Metrics are those of `batch_metrics`.

    Args:
        reward: a preset, a formula, or anything that scores a sample.
        render: how a document gets its pictures; with None, what needs delivered pictures is unscored.
        language: the tools that exist.
        deadline_seconds: per completion.
        name: TRL logs the value as `rewards/<name>/mean`.
        end_tokens: token ids that end an answer, usually `{tokenizer.eos_token_id}`. A completion that does not end
            with one was cut off, and its document counts as not finished. Without them nothing counts as cut off.
        on_batch: is handed every scored batch, to keep example documents for a report. Runs in TRL's event loop:
            keep it short. What it raises is logged.

    The function raises `ConfigurationError` when the dataset has no `image_count` column.
    """
    scorer = Scorer(reward, render, language, deadline_seconds)

    async def score(
        prompts: Sequence[Any], completions: Sequence[Any], completion_ids: Sequence[Any] | None = None, **columns: Any
    ) -> list[float | None]:
        scored = await scorer.score_all(_rows(prompts, completions, completion_ids, columns, end_tokens))
        _log(scored, columns.get("log_metric"), columns.get("log_extra"))
        if on_batch is not None:
            try:
                on_batch(Batch(getattr(columns.get("trainer_state"), "global_step", -1), tuple(scored)))
            except Exception:  # a report must not end a training run
                logger.exception("on_batch failed")
        return [s.score.value for s in scored]

    score.__name__ = score.__qualname__ = name
    return score


def _rows(
    prompts: Sequence[Any],
    completions: Sequence[Any],
    completion_ids: Sequence[Any] | None,
    columns: dict[str, Any],
    end_tokens: Collection[int] | None,
) -> list[Row]:
    if "image_count" not in columns:
        raise ConfigurationError("the dataset has no column `image_count`: add one with -1, 0, 1 to 98 or 99 per row")
    if end_tokens is not None and completion_ids is None:
        raise ConfigurationError("end_tokens= needs `completion_ids`, which this version of TRL does not pass")
    none = [None] * len(prompts)
    pictures = columns.get("input_pictures", columns.get("images", none))
    splits = columns.get("split", none)
    ends = none if completion_ids is None else [ids[-1] if len(ids) else None for ids in completion_ids]
    cut_off = [end_tokens is not None and end not in end_tokens for end in ends]
    return [
        Row(prompt, completion, image_count, tools, given, split or "train", truncated)
        for prompt, completion, image_count, tools, given, split, truncated in zip(
            prompts,
            completions,
            columns["image_count"],
            columns.get("required_tools", none),
            pictures,
            splits,
            cut_off,
            strict=True,
        )
    ]


def _log(
    scored: Sequence[Scored],
    log_metric: Callable[[str, float], None] | None,
    log_extra: Callable[[str, list[Any]], None] | None,
) -> None:
    """Curves, and one column per component in TRL's table of completions."""
    if log_metric is not None:
        for metric, value in batch_metrics(scored).items():
            log_metric(metric, value)
    if log_extra is not None:
        for name in dict.fromkeys(name for s in scored for name in s.score.components):
            log_extra(name, [s.score.components.get(name) for s in scored])
        log_extra("unscored_because", [s.score.reason for s in scored])
