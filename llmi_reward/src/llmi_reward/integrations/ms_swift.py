"""ms-swift: an asynchronous outcome reward for GRPO.

```py
orms["illustrated"] = swift_reward(presets.rules(), render=Toolkit.offline().render)  # --reward_funcs illustrated
```

The dataset's columns are those of `trl.py`. Use it alone: ms-swift adds reward functions up with None as 0.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Unpack

from llmi_reward.formula import Reward
from llmi_reward.integrations.columns import columns_to_rows, hand_over
from llmi_reward.integrations.scorer import Options, Render, Scorer


def swift_reward(
    reward: Reward, *, render: Render | None, end_tokens: Collection[int] | None = None, **options: Unpack[Options]
) -> type:
    """An `AsyncORM` class. `end_tokens` is for versions of ms-swift that pass `completion_ids`; see `trl_reward`."""
    from swift.rewards import AsyncORM

    scorer = Scorer(reward, render, **options)

    class IllustratedORM(AsyncORM):
        async def __call__(self, completions: Sequence[Any], **columns: Any) -> list[float | None]:
            prompts = columns.get("messages") or [""] * len(completions)
            return hand_over(
                await scorer.score_all(columns_to_rows(prompts, completions, columns, end_tokens)), columns
            )

    return IllustratedORM
