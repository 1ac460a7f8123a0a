"""What a recipe is trained on: a preset of `llmi_reward` and the judges it asks.

```python
from llmi_train.reward import RewardSettings, build_reward

build_reward(RewardSettings(strict_counts=True))   # the preset `rules`, which asks nobody
```

A recipe's judges are in its `judges` stanza; what it leaves out comes from the published variables
(`LLM_JUDGE_BASE_URL`, `LLM_JUDGE_MODEL_NAME`, `LLM_JUDGE_API_KEY`, and `MLLM_JUDGE_...`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from llmi_schema import ConfigurationError

if TYPE_CHECKING:
    from llmi_reward import Formula
    from llmi_reward.chat import ChatClient

RewardName = Literal["rules", "llmi", "llmi_tools"]
"""The presets of `llmi_reward.presets` that may be trained on."""


class JudgeSettings(BaseModel):
    """One judge behind an OpenAI-compatible server. What is None is read from the environment.

    Attributes:
        base_url: up to and with `/v1`.
        model: its name there.
        api_key_env: the variable that holds the key; the key itself never stands in a recipe.
        concurrency: most requests in flight, per process.
        deadline_seconds: for one answer over all attempts.
        journal: an SQLite file that keeps every answer, so that a resumed run pays for none twice. Each process of
            a run adds its rank to the name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str | None = None
    model: str | None = None
    api_key_env: str | None = None
    concurrency: int = Field(default=64, ge=1)
    deadline_seconds: float = Field(default=120.0, gt=0)
    journal: Path | None = None

    def client(self, prefix: str, environment: Mapping[str, str] | None = None) -> ChatClient:
        """The client. `prefix` is `LLM_JUDGE` or `MLLM_JUDGE`: where to look for what is not set here.

        Raises `ConfigurationError` naming what is missing.
        """
        from llmi_reward.chat import ChatClient, Endpoint

        found = dict(os.environ if environment is None else environment)
        if self.base_url:
            found[f"{prefix}_BASE_URL"] = self.base_url
        if self.model:
            found[f"{prefix}_MODEL_NAME"] = self.model
        if self.api_key_env:
            if not found.get(self.api_key_env):
                raise ConfigurationError(f"judges: the variable {self.api_key_env} that holds a key is not set")
            found[f"{prefix}_API_KEY"] = found[self.api_key_env]
        return ChatClient(
            Endpoint.from_env(prefix, found),
            concurrency=self.concurrency,
            deadline_seconds=self.deadline_seconds,
            attempt_seconds=self.deadline_seconds,
            journal=self._own_journal(found.get("RANK", "0")),
        )

    def _own_journal(self, rank: str) -> Path | None:
        """SQLite takes one writer at a time: every process keeps its own."""
        if self.journal is None or rank == "0":
            return self.journal
        return self.journal.with_name(f"{self.journal.stem}-{rank}{self.journal.suffix}")


class Judges(BaseModel):
    """Who judges the text and who judges the pictures, and how their marks are weighed.

    Attributes:
        llm, mllm: the judge of the text, and the one that sees the pictures.
        samples: verdicts per judge, of which the median counts.
        text_weight, image_weight: of the text judge's two criteria: 1.4 and 0.6, or 1.5 and 0.5 in the published
            multimodal recipe.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    llm: JudgeSettings = JudgeSettings()
    mllm: JudgeSettings = JudgeSettings()
    samples: int = Field(default=1, ge=1)
    text_weight: float = Field(default=1.4, ge=0)
    image_weight: float = Field(default=0.6, ge=0)


class Rewarded(Protocol):
    """What of a recipe the reward depends on."""

    @property
    def reward(self) -> RewardName: ...
    @property
    def strict_counts(self) -> bool: ...
    @property
    def judges(self) -> Judges: ...


class RewardSettings(BaseModel):
    """The same without a recipe."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reward: RewardName = "rules"
    strict_counts: bool = False
    judges: Judges = Judges()


def build_reward(recipe: Rewarded, environment: Mapping[str, str] | None = None) -> Formula:
    """The formula a recipe names, with its judges.

    Args:
        environment: where judges that are not in the recipe are looked for; the process's own unless given.

    Raises `ConfigurationError` when a judge is neither in the recipe nor in the environment.
    """
    from llmi_reward import presets

    if recipe.reward == "rules":
        return presets.rules(strict=recipe.strict_counts)
    judges = recipe.judges
    preset = {"llmi": presets.llmi, "llmi_tools": presets.llmi_tools}[recipe.reward]
    return preset(
        judges.llm.client("LLM_JUDGE", environment),
        judges.mllm.client("MLLM_JUDGE", environment),
        text_weight=judges.text_weight,
        image_weight=judges.image_weight,
        samples=judges.samples,
        strict=recipe.strict_counts,
    )
