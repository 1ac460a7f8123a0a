"""verl: a reward function for `custom_reward_function.path`, and a reward manager for `reward_manager.module.path`.

```py
compute_score = verl_reward(presets.rules(), render=Toolkit.offline().render, unscored=0.0)
```

Rows say what they want in `extra_info`: `image_count`, `required_tools`, `split` (or the published `image_num`,
`tools`), and `question`. verl drops a whole batch's scores when one is None, so an unscored row gets the float you
name, and `valid` 0: filter on it, or watch its mean.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine
from typing import Any, Unpack

from llmi_reward.formula import Reward
from llmi_reward.integrations.floats import as_floats
from llmi_reward.integrations.raw_sample import RawSample
from llmi_reward.integrations.scorer import Options, Render, Scorer


def verl_reward(
    reward: Reward, *, render: Render | None, unscored: float, **options: Unpack[Options]
) -> Callable[..., Coroutine[Any, Any, dict[str, float]]]:
    """`compute_score(data_source, solution_str, ground_truth, extra_info)`: `as_floats` of one row."""
    scorer = Scorer(reward, render, **options)

    async def compute_score(
        data_source: str, solution_str: str, ground_truth: Any = None, extra_info: Any = None, **_: Any
    ) -> dict[str, float]:
        columns = extra_info or {}
        scored = await scorer.score_one(RawSample.read(columns.get("question", ""), solution_str, columns))
        return as_floats(scored, scorer.labels, unscored)

    return compute_score


def verl_reward_manager(
    reward: Reward,
    *,
    render: Render | None,
    unscored: float,
    end_tokens: Collection[int] | None = None,
    **options: Unpack[Options],
) -> type:
    """A `RewardManagerBase` that also knows when an answer was cut off: it does not end with one of `end_tokens`."""
    from verl.experimental.reward_loop.reward_manager.base import RewardManagerBase

    scorer = Scorer(reward, render, **options)

    class IllustratedRewardManager(RewardManagerBase):
        def __init__(self, config: Any, tokenizer: Any, compute_score: Any = None, **_: Any) -> None:
            super().__init__(config, tokenizer, compute_score)

        async def run_single(self, data: Any) -> dict[str, Any]:
            item = data[-1:][0]  # of an answer in several sequences the last one counts
            ids = item.batch["responses"]
            ids = ids[: int(item.batch["attention_mask"][-len(ids) :].sum())]
            text = await asyncio.to_thread(self.tokenizer.decode, ids, skip_special_tokens=True)
            ends = {self.tokenizer.eos_token_id} if end_tokens is None else end_tokens
            cut_off = not len(ids) or int(ids[-1]) not in ends
            columns = item.non_tensor_batch.get("extra_info") or {}
            scored = await scorer.score_one(
                RawSample.read(columns.get("question", ""), text, columns, truncated=cut_off)
            )
            flat = as_floats(scored, scorer.labels, unscored)
            return {"reward_score": flat["score"], "reward_extra_info": flat}

    return IllustratedRewardManager
