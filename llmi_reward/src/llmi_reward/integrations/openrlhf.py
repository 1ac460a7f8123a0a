"""OpenRLHF: `reward_func(queries, prompts, labels)` for `--reward.remote_url my_reward.py`, and the same over HTTP.

```py
reward_func = openrlhf_reward(presets.rules(), render=Toolkit.offline().render, unscored=0.0, end_marks=["<|im_end|>"])
```

A label is JSON, `{"image_count": 2, "required_tools": ["code"]}`, or a bare image count. OpenRLHF logs and swallows
what a reward raises, and goes on without one: a `limit` cannot stop it, so watch `valid` in its logs.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Unpack

from llmi_reward.formula import Reward
from llmi_reward.integrations.background import run_blocking
from llmi_reward.integrations.floats import as_floats
from llmi_reward.integrations.raw_sample import RawSample
from llmi_reward.integrations.scorer import Options, Render, Scorer

Answer = dict[str, Any]


def openrlhf_reply(
    reward: Reward, *, render: Render | None, unscored: float, end_marks: Sequence[str] = (), **options: Unpack[Options]
) -> Callable[[Sequence[str], Sequence[str], Sequence[Any]], Coroutine[Any, Any, Answer]]:
    """What the HTTP protocol answers: `rewards`, `scores` and `extra_logs`, each a list with one float per query.

    Args:
        end_marks: what ends an answer in the decoded text. They are cut off; an answer without one was cut off.
    """
    scorer = Scorer(reward, render, **options)

    async def reply(queries: Sequence[str], prompts: Sequence[str], labels: Sequence[Any]) -> Answer:
        rows = [
            _row(query, prompt, label, end_marks) for query, prompt, label in zip(queries, prompts, labels, strict=True)
        ]
        flat = [as_floats(scored, scorer.labels, unscored) for scored in await scorer.score_all(rows)]
        logs = {key: [one[key] for one in flat] for key in flat[0] if key != "score"} if flat else {}
        scores = [one["score"] for one in flat]
        return {"rewards": scores, "scores": scores, "extra_logs": logs}

    return reply


def openrlhf_reward(
    reward: Reward,
    *,
    render: Render | None,
    unscored: float,
    end_marks: Sequence[str] = (),
    **options: Unpack[Options],
) -> Callable[..., Answer]:
    """The Python protocol: the same as tensors."""
    reply = openrlhf_reply(reward, render=render, unscored=unscored, end_marks=end_marks, **options)

    def reward_func(queries: Sequence[str], prompts: Sequence[str], labels: Sequence[Any], **_: Any) -> Answer:
        import torch

        answer = run_blocking(reply(queries, prompts, labels))
        logs = {key: torch.tensor(values) for key, values in answer["extra_logs"].items()}
        rewards = torch.tensor(answer["rewards"])
        return {"rewards": rewards, "scores": rewards, "extra_logs": logs}

    return reward_func


def _row(query: str, prompt: str, label: Any, end_marks: Sequence[str]) -> RawSample:
    """A query is prompt and answer in one text, special tokens included."""
    text = query.removeprefix(prompt) if query.startswith(prompt) else query.partition(prompt)[2] or query
    ended = next((text.removesuffix(mark) for mark in end_marks if text.rstrip().endswith(mark)), None)
    return RawSample.read(prompt, text if ended is None else ended, label, truncated=bool(end_marks) and ended is None)
