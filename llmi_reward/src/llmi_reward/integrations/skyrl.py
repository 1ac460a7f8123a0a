"""SkyRL-gym: a single-turn environment.

```py
register("illustrated", entry_point=skyrl_env(presets.rules(), render=Toolkit.offline().render, unscored=0.0))
```

Rows say what they want in `reward_spec.ground_truth`: a mapping with `image_count`, JSON of one, or a bare count.
"""

from __future__ import annotations

from typing import Any, Unpack

from llmi_reward.formula import Reward
from llmi_reward.integrations.floats import as_floats
from llmi_reward.integrations.raw_sample import RawSample
from llmi_reward.integrations.scorer import Options, Render, Scorer


def skyrl_env(reward: Reward, *, render: Render | None, unscored: float, **options: Unpack[Options]) -> type:
    """A `BaseTextEnv` that is done after one answer. `unscored` stands in for a missing score; `valid` is then 0."""
    from skyrl_gym.envs.base_text_env import BaseTextEnv, BaseTextEnvStepOutput

    scorer = Scorer(reward, render, **options)

    class IllustratedEnv(BaseTextEnv):
        def __init__(self, env_config: Any = None, extras: dict[str, Any] | None = None) -> None:
            super().__init__()
            self.columns = ((extras or {}).get("reward_spec") or {}).get("ground_truth")
            self.prompt: Any = ""
            self.metrics: dict[str, float] = {}

        def init(self, prompt: Any) -> tuple[Any, dict[str, Any]]:
            self.prompt = prompt
            return prompt, {}

        def step(self, action: str) -> BaseTextEnvStepOutput:
            (scored,) = scorer.score_blocking([RawSample.read(self.prompt, action, self.columns)])
            self.metrics = as_floats(scored, scorer.labels, unscored)
            metadata = {**self.metrics, "reason": scored.score.reason}
            return BaseTextEnvStepOutput(observations=[], reward=self.metrics["score"], done=True, metadata=metadata)

        def get_metrics(self) -> dict[str, Any]:
            return dict(self.metrics)

    return IllustratedEnv
