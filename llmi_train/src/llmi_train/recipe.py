"""`Recipe`: everything a training run is told, as one YAML file. Unknown keys are errors with a suggestion."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from llmi_schema import ConfigurationError
from llmi_train.distributed import Zero

RECIPES = Path(__file__).parent / "recipes"
"""The recipes that ship with the package."""


class Lora(BaseModel):
    """PEFT's LoRA, as fields of `peft.LoraConfig`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    r: int = Field(default=32, ge=1)
    lora_alpha: int = Field(default=64, ge=1)
    lora_dropout: float = Field(default=0.0, ge=0, lt=1)
    target_modules: str | list[str] = "all-linear"


class Recipe(BaseModel):
    """One GRPO run.

    Attributes:
        model: folder or Hub name of the policy's weights.
        data: folder of a `datasets.DatasetDict` made by llmi_data; its `train` split is used.
        output_dir: where checkpoints, the adapter and the log go.
        reward: which preset of `llmi_reward.presets` scores documents.
        strict_counts: count pictures exactly, where the published shape pays for near misses.
        tools: which toolkit makes the pictures.
        zero: DeepSpeed's ZeRO stage, or "none" to train without DeepSpeed.
        grpo: fields of TRL's `GRPOConfig`, by their own names.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    data: Path
    output_dir: Path
    reward: Literal["rules"] = "rules"
    strict_counts: bool = False
    tools: Literal["offline"] = "offline"
    zero: Zero = "zero2"
    seed: int = 0
    deadline_seconds: float = Field(default=60.0, gt=0)
    lora: Lora = Lora()
    grpo: dict[str, Any] = {}

    @classmethod
    def from_yaml(cls, path: str | Path, **overrides: Any) -> Self:
        """Read a recipe; keyword arguments replace its values.

        Raises `ConfigurationError`, naming the file, the key and what to write instead.
        """
        import yaml

        try:
            value = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigurationError(f"{path}: cannot read the recipe ({error.strerror})") from error
        except yaml.YAMLError as error:
            raise ConfigurationError(f"{path}: not valid YAML: {error}") from error
        if not isinstance(value, dict):
            raise ConfigurationError(f"{path}: a recipe is a mapping of keys to values")
        try:
            return cls.model_validate(value | overrides)
        except ValidationError as error:
            raise ConfigurationError(f"{path}: {_explain(error, cls)}") from None

    def with_grpo(self, **settings: Any) -> Self:
        """The same recipe with some of the trainer's settings replaced."""
        return self.model_copy(update={"grpo": self.grpo | settings})


def check_keys(given: dict[str, Any], known: set[str], where: str) -> None:
    """Raise `ConfigurationError` for a key that is not known, suggesting the one that was probably meant."""
    for key in given:
        if key not in known:
            raise ConfigurationError(f"{where}: there is no setting {key!r}{_suggestion(key, known)}")


def _explain(error: ValidationError, model: type[BaseModel]) -> str:
    problem = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in problem["loc"])
    match problem["type"]:
        case "extra_forbidden":
            return f"there is no setting {where!r}{_suggestion(where, set(model.model_fields))}"
        case "missing":
            return f"the setting {where!r} is missing"
        case _:
            return f"{where}: {problem['msg'][0].lower()}{problem['msg'][1:]}"


def _suggestion(key: str, known: set[str]) -> str:
    close = get_close_matches(key, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
