"""reasoning-gym: prompts for illustrated documents as a dataset that scores its own answers.

```py
dataset = reasoning_gym_dataset(rows, presets.rules(), render=Toolkit.offline().render, unscored=0.0)
dataset.score_answer(answer, dataset[0])
```

A row is a mapping with `prompt` and `image_count`, and optionally `required_tools` and `split`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from llmi_reward.formula import Reward
from llmi_reward.integrations.floats import as_floats
from llmi_reward.integrations.raw_sample import RawSample
from llmi_reward.integrations.scorer import Options, Render, Scorer


def reasoning_gym_dataset(
    rows: Sequence[Mapping[str, Any]],
    reward: Reward,
    *,
    render: Render | None,
    unscored: float,
    **options: Unpack[Options],
) -> Any:
    """A `ProceduralDataset` over the rows. There is no right answer to show, so `answer` is empty.

    `unscored` stands in for a missing score; how many there were is logged, and `entry["metadata"]["valid"]` is 0.
    """
    from reasoning_gym.dataset import ProceduralDataset

    scorer = Scorer(reward, render, **options)

    class IllustratedDataset(ProceduralDataset):
        def __getitem__(self, idx: int) -> dict[str, Any]:
            if not 0 <= idx < len(rows):
                raise IndexError(idx)
            columns = {key: value for key, value in rows[idx].items() if key != "prompt"}
            return {
                "question": rows[idx]["prompt"],
                "answer": "",
                "metadata": {"source_dataset": "illustrated", **columns},
            }

        def score_answer(self, answer: str | None, entry: dict[str, Any]) -> float:
            row = RawSample.read(entry["question"], answer or "", entry["metadata"])
            (scored,) = scorer.score_blocking([row])
            flat = as_floats(scored, scorer.labels, unscored)
            entry["metadata"]["valid"] = flat["valid"]
            return flat["score"]

    return IllustratedDataset(config=None, seed=0, size=len(rows))
