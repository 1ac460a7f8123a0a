"""TRL: one composite reward function for `GRPOTrainer` (and trainers with the same convention).

```py
reward = trl_reward(presets.rules(), render=Toolkit.offline().render, end_tokens={tokenizer.eos_token_id})
trainer = GRPOTrainer(model, reward_funcs=reward, train_dataset=dataset)
```

Columns of the dataset: `prompt`, `image_count` (published code), and optionally `required_tools`, `input_pictures` or
`images`, and `split`; see `rows.py`. One function, not one per component: TRL adds reward functions up with None as
0, so an outage of one would be trained on. Here a row without a score is None as a whole: it gets no advantage.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine, Sequence
from typing import Any, Unpack

from llmi_reward.formula import Reward
from llmi_reward.integrations.background import run_blocking
from llmi_reward.integrations.columns import Batch, columns_to_rows, hand_over
from llmi_reward.integrations.scorer import Options, Render, Scorer

__all__ = ["Batch", "TRLReward", "trl_reward", "trl_reward_plain"]

TRLReward = Callable[..., Coroutine[Any, Any, list[float | None]]]


def trl_reward(
    reward: Reward,
    *,
    render: Render | None,
    name: str = "reward",
    end_tokens: Collection[int] | None = None,
    on_batch: Callable[[Batch], None] | None = None,
    **options: Unpack[Options],
) -> TRLReward:
    """An `async def` reward function for TRL.

    Every completion goes its own way through parse, render and score. What fails in one, its deadline included,
    makes that row None and is logged; its neighbours and the run go on. Metrics are those of `batch_metrics`.

    Args:
        reward: a preset, a formula, or anything that scores a sample.
        render: how a document gets its pictures; with None, what needs delivered pictures is unscored.
        name: TRL logs the value as `rewards/<name>/mean`.
        end_tokens: token ids that end an answer, usually `{tokenizer.eos_token_id}`. A completion that does not end
            with one was cut off, and its document counts as not finished. Without them nothing counts as cut off.
        on_batch: is handed every scored batch, to keep example documents for a report. Runs in TRL's event loop:
            keep it short. What it raises is logged.
        options: `language`, `deadline_seconds`, `limit` and `observe` of `Scorer`. A `limit` that is passed ends
            training.

    The function raises `ConfigurationError` when the dataset has no `image_count` column.
    """
    scorer = Scorer(reward, render, **options)

    async def score(prompts: Sequence[Any], completions: Sequence[Any], **columns: Any) -> list[float | None]:
        scored = await scorer.score_all(columns_to_rows(prompts, completions, columns, end_tokens))
        return hand_over(scored, columns, on_batch)

    score.__name__ = score.__qualname__ = name
    return score


def trl_reward_plain(
    reward: Reward,
    *,
    render: Render | None,
    name: str = "reward",
    end_tokens: Collection[int] | None = None,
    on_batch: Callable[[Batch], None] | None = None,
    **options: Unpack[Options],
) -> Callable[..., list[float | None]]:
    """`trl_reward` as a plain function, for trainers that take no coroutines."""
    inner = trl_reward(reward, render=render, name=name, end_tokens=end_tokens, on_batch=on_batch, **options)

    def score(prompts: Sequence[Any], completions: Sequence[Any], **columns: Any) -> list[float | None]:
        return run_blocking(inner(prompts, completions, **columns))

    score.__name__ = score.__qualname__ = name
    return score
