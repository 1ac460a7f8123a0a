"""verifiers (and prime-rl): a `Task` of illustrated documents.

```py
IllustratedTask = verifiers_task(presets.rules(), render=Toolkit.offline().render)
task = IllustratedTask(IllustratedTask.data_type()(prompt="Show me two foxes.", image_count=2))
```

An unscored sample raises inside scoring: verifiers records it on the trace as failed, and prime-rl leaves the trace
out of its group's advantages.
"""

from __future__ import annotations

from typing import Any, Unpack

from llmi_reward.formula import Reward
from llmi_reward.integrations.floats import value_of
from llmi_reward.integrations.raw_sample import RawSample
from llmi_reward.integrations.scorer import Options, Render, Scorer


def verifiers_task(reward: Reward, *, render: Render | None, **options: Unpack[Options]) -> type:
    """A subclass of `vf.Task` with one reward, `illustrated`; the components are its metrics."""
    import verifiers.v1 as vf

    scorer = Scorer(reward, render, **options)

    class IllustratedData(vf.TaskData):
        image_count: int | str = 0
        required_tools: list[str] = []  # noqa: RUF012  # pydantic copies it for every instance
        split: str = "train"

    class IllustratedTask(vf.Task[IllustratedData]):
        @vf.reward
        async def illustrated(self, trace: Any) -> float:
            row = RawSample.read(
                self.data.prompt_text, trace.last_reply, self.data.model_dump(), truncated=trace.is_truncated
            )
            scored = await scorer.score_one(row)
            value = value_of(scored)
            trace.record_metrics({k: v for k, v in scored.score.components.items() if v is not None})
            return value

    return IllustratedTask
