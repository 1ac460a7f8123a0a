"""inspect_ai: a scorer. What cannot be scored is `Score.unscored`, which inspect leaves out of every metric.

```py
Task(dataset=dataset, solver=generate(), scorer=inspect_scorer(presets.rules(), render=Toolkit.offline().render))
```

A sample's `metadata` holds `image_count`, and optionally `required_tools` and `split`.
"""

from __future__ import annotations

from typing import Any, Unpack

from llmi_reward.formula import Reward
from llmi_reward.integrations.raw_sample import RawSample
from llmi_reward.integrations.scorer import Options, Render, Scorer


def inspect_scorer(
    reward: Reward, *, render: Render | None, name: str = "illustrated", **options: Unpack[Options]
) -> Any:
    """A scorer with mean and standard error; components and contributions are in each score's metadata."""
    from inspect_ai.scorer import Score, Target, mean, scorer, stderr
    from inspect_ai.solver import TaskState

    rows = Scorer(reward, render, **options)

    @scorer(metrics=[mean(), stderr()], name=name)
    def illustrated() -> Any:
        async def score(state: TaskState, target: Target) -> Score:
            text = state.output.completion
            row = RawSample.read(
                state.input_text, text, state.metadata, truncated=state.output.stop_reason == "max_tokens"
            )
            found = (await rows.score_one(row)).score
            metadata = {"components": found.components, "contributions": found.contributions}
            if found.value is None:
                return Score.unscored(reason="unscored", answer=text, explanation=found.reason, metadata=metadata)
            return Score(value=found.value, answer=text, explanation=repr(reward), metadata=metadata)

        return score

    return illustrated()
