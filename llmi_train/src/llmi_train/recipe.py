"""`Recipe`: everything a training run is told, as one YAML file. Unknown keys are errors with a suggestion.

The file sets defaults and command-line flags override them, as with TRL's own parser (`flags.py`). Beyond that a file
may build on another (`extends`) and say what changes with the number of processes (`ladder`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from llmi_schema import ConfigurationError
from llmi_schema.yaml_text import parse_yaml
from llmi_train.distributed import Zero
from llmi_train.reward import Judges, RewardName

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

RECIPES = Path(__file__).parent / "recipes"
"""The recipes that ship with the package."""

Constrain = Literal["none", "syntax", "row"]
"""What a rollout may not write: nothing is ruled out; text that is no document of the tag language; a document that
does not satisfy its row's own labels."""

Truncated = Literal["score", "mask", "repair"]
"""What becomes of an answer that was cut off: it is scored as it is (an unfinished document); it is left out of its
group and of the loss; it is ended and scored as if it had ended so."""

_MOST_PROCESSES = 8

T = TypeVar("T", bound=BaseModel)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Lora(_Part):
    """PEFT's LoRA, as fields of `peft.LoraConfig`.

    `target_parameters` names expert weights, which are parameters and not modules; `exclude_modules` is a regular
    expression, such as `.*visual.*` to leave a vision tower as it is.
    """

    r: int = Field(default=32, ge=1)
    lora_alpha: int = Field(default=64, ge=1)
    lora_dropout: float = Field(default=0.0, ge=0, lt=1)
    target_modules: str | list[str] = "all-linear"
    target_parameters: list[str] | None = None
    exclude_modules: str | list[str] | None = None


class Kept(_Part):
    """Which completions are kept for the run report, in `output_dir/completions`.

    Attributes:
        every: optimiser steps between two that are kept; 0 keeps none.
        rows: most completions of a kept step.
        steps: most kept steps; when there are more, every second one goes, the first and the last stay.
    """

    every: int = Field(default=10, ge=0)
    rows: int = Field(default=8, ge=1)
    steps: int = Field(default=64, ge=2)


class Rung(_Part):
    """What is different on a number of processes."""

    zero: Zero | None = None
    grpo: dict[str, Any] = {}


class Recipe(_Part):
    """One GRPO run.

    Attributes:
        model: folder or Hub name of the policy's weights; `twin:qwen3` (or another of `twins.TWINS`) builds a tiny
            model of that architecture with random weights.
        data: folder of a `datasets.DatasetDict` made by llmi_data, whose `train` split is used; `demo:64` composes
            that many rows on the spot.
        output_dir: where checkpoints, the adapter, kept completions and the log go.
        reward: which preset of `llmi_reward.presets` scores documents.
        strict_counts: count pictures exactly, where the published shape pays for near misses.
        judges: who is asked for marks, see `Judges`; not needed for `reward: rules`.
        tools: which toolkit makes the pictures: `offline`, `env` (what the environment's keys allow), or a file for
            `Toolkit.from_file`.
        deadline_seconds: for one completion's pictures and score together.
        most_unscored: the run ends with a sentence when more than this share of the last 256 completions of a process
            had no score, as in an outage of a judge; None lets it go on.
        zero: DeepSpeed's ZeRO stage, or "none" to train without DeepSpeed.
        processes: how many processes train, one per GPU; by default all GPUs of this machine, or one without any.
        prompts_per_generation: how many prompts are answered at once, over all processes. Sets
            `gradient_accumulation_steps` and `steps_per_generation`, so that it stays the same on any number of GPUs.
        updates_per_generation: optimiser steps made from them. Above 1 the later ones are off-policy.
        instruct: begin every prompt with the system prompt that teaches the tags; a model that has not seen them
            writes none otherwise.
        max_prompt_tokens: rows with longer prompts are left out.
        max_pixels: pictures a vision-language model is shown are made smaller, to this many pixels.
        constrain: see `Constrain`. A column `constrain` of the data overrides it row by row.
        truncated: see `Truncated`.
        completions: see `Kept`.
        lora: see `Lora`.
        grpo: fields of TRL's `GRPOConfig`, by their own names.
        ladder: by number of processes, what is different; the largest entry that is not above it counts.
        env: variables to set before anything is loaded, as in TRL's own recipes.
    """

    model: str
    data: Path
    output_dir: Path
    reward: RewardName = "rules"
    strict_counts: bool = False
    judges: Judges = Judges()
    tools: str = "offline"
    deadline_seconds: float = Field(default=60.0, gt=0)
    most_unscored: float | None = Field(default=None, ge=0, le=1)
    zero: Zero = "zero2"
    processes: int | None = Field(default=None, ge=1, le=_MOST_PROCESSES)
    prompts_per_generation: int | None = Field(default=None, ge=1)
    updates_per_generation: int = Field(default=1, ge=1)
    seed: int = 0
    instruct: bool = False
    max_prompt_tokens: int | None = Field(default=None, ge=1)
    max_pixels: int | None = Field(default=None, ge=1)
    constrain: Constrain = "none"
    truncated: Truncated = "score"
    completions: Kept = Kept()
    lora: Lora = Lora()
    grpo: dict[str, Any] = {}
    ladder: dict[int, Rung] = {}
    env: dict[str, str] = {}

    @classmethod
    def from_yaml(cls, path: str | Path, **overrides: Any) -> Self:
        """Read a recipe; keyword arguments replace its values, mappings key by key.

        Raises `ConfigurationError`, naming the file, the key and what to write instead.
        """
        return read_yaml(cls, path, overrides)

    def with_grpo(self, **settings: Any) -> Self:
        """The same recipe with some of the trainer's settings replaced."""
        return self.model_copy(update={"grpo": self.grpo | settings})

    def on(self, processes: int) -> Self:
        """The recipe as it is run on so many processes: the ladder climbed, the batch arithmetic done. Run as it is, or
        written to a file, the result is the same run.

        Raises `ConfigurationError` when the prompts of a generation cannot be shared out evenly.
        """
        rungs = [number for number in self.ladder if number <= processes]
        rung = self.ladder[max(rungs)] if rungs else Rung()
        grpo = self.grpo | rung.grpo
        if self.prompts_per_generation is not None:
            grpo |= self._steps(grpo, processes)
        done = {"grpo": grpo, "zero": rung.zero or self.zero, "processes": processes}
        return self.model_copy(update={**done, "ladder": {}, "prompts_per_generation": None})

    def _steps(self, grpo: dict[str, Any], processes: int) -> dict[str, int]:
        given = {"gradient_accumulation_steps", "steps_per_generation", "generation_batch_size"} & grpo.keys()
        if given:
            raise ConfigurationError(
                f"grpo.{min(given)} follows from prompts_per_generation: set one of the two, not both"
            )
        prompts, answers = self.prompts_per_generation or 0, grpo.get("num_generations", 8)
        together = grpo.get("per_device_train_batch_size", 8) * processes
        samples, updates = prompts * answers, self.updates_per_generation
        accumulation, rest = divmod(samples, updates * together)
        if rest or not accumulation:
            raise ConfigurationError(
                f"{prompts} prompts with {answers} answers are {samples} samples, which {updates} updates of "
                f"{processes} processes with per_device_train_batch_size {together // processes} cannot share evenly: "
                "choose a batch size that divides them"
            )
        return {"gradient_accumulation_steps": accumulation, "steps_per_generation": accumulation * updates}


def read_yaml(kind: type[T], path: str | Path, overrides: Mapping[str, Any]) -> T:
    """A file of settings as a value, what it extends and what overrides it taken into account."""
    try:
        return kind.model_validate(merged(_read(Path(path)), overrides))
    except ValidationError as error:
        raise ConfigurationError(f"{path}: {_explain(error, kind)}") from None


def shipped(config: Path) -> Path:
    """The file a user means: the one that is there, or a shipped recipe by its name."""
    if not config.is_file():
        for name in (str(config), f"{config}.yaml"):
            if (RECIPES / name).is_file():
                return RECIPES / name
    return config


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with the values of `over`; where both have a mapping, key by key."""
    result = dict(base)
    for key, value in over.items():
        before = result.get(key)
        result[key] = merged(before, value) if isinstance(before, Mapping) and isinstance(value, Mapping) else value
    return result


def check_keys(given: Mapping[str, Any], known: set[str], where: str) -> None:
    """Raise `ConfigurationError` for a key that is not known, suggesting the one that was probably meant."""
    for key in given:
        if key not in known:
            raise ConfigurationError(f"{where}: there is no setting {key!r}{suggestion(key, known)}")


def check_settings(given: Mapping[str, Any], settings: type[DataclassInstance], where: str) -> None:
    """Raise `ConfigurationError` for a key that `settings` has no field for, and for what is no number where one is
    wanted, or neither true nor false: their owners find out late, or not at all.
    """
    kinds = {field.name: field.type for field in fields(settings)}
    check_keys(given, set(kinds), where)
    for key, value in given.items():
        kind = set(get_args(kinds[key]) if isinstance(kinds[key], UnionType) else [kinds[key]]) - {type(None)}
        if value is None:
            continue
        if kind <= {int, float} and not isinstance(value, int | float):
            raise ConfigurationError(f"{where}.{key}: {value!r} is no number")
        if kind == {bool} and not isinstance(value, bool):
            raise ConfigurationError(f"{where}.{key}: {value!r} is neither true nor false")


def suggestion(key: str, known: set[str]) -> str:
    """The end of a sentence about a key that does not exist."""
    close = get_close_matches(key, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _read(path: Path, seen: tuple[Path, ...] = ()) -> dict[str, Any]:
    try:
        value = parse_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot read the recipe ({error.strerror})") from error
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}: not UTF-8 text; a recipe is a YAML file") from None
    except ValueError as error:
        raise ConfigurationError(f"{path}: not valid YAML: {error}") from error
    if not isinstance(value, dict):
        raise ConfigurationError(f"{path}: a recipe is a mapping of keys to values")
    parent = value.pop("extends", None)
    if parent is None:
        return value
    origin = _parent(path, str(parent))
    if origin in (*seen, path.resolve()):
        raise ConfigurationError(f"{path}: extends itself, through {parent}")
    return merged(_read(origin, (*seen, path.resolve())), value)


def _parent(path: Path, name: str) -> Path:
    """What `extends` names: a file beside this one, or a recipe that ships with the package, by file or by name."""
    for place in (path.parent / name, RECIPES / name, RECIPES / f"{name}.yaml"):
        if place.is_file():
            return place.resolve()
    there = {str(recipe.relative_to(RECIPES).with_suffix("")) for recipe in RECIPES.rglob("*.yaml")}
    raise ConfigurationError(
        f"{path}: extends {name!r}, which is neither beside it nor among the shipped recipes{suggestion(name, there)}"
    )


def _explain(error: ValidationError, model: type[BaseModel]) -> str:
    problem = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in problem["loc"])
    match problem["type"]:
        case "extra_forbidden":
            stanza = next((name for name in ("grpo", "sft") if name in model.model_fields), None)
            under = f"; the trainer's own settings go under {stanza}:" if stanza and "." not in where else ""
            if stanza == "sft" and where in Recipe.model_fields:
                under = "; this looks like a recipe for `llmi-train grpo`"
            return f"there is no setting {where!r}{suggestion(where, known_keys(model)) or under}"
        case "missing":
            return f"the setting {where!r} is missing"
        case _:
            return f"{where}: {problem['msg'][0].lower()}{problem['msg'][1:]}"


def known_keys(model: type[BaseModel], prefix: str = "") -> set[str]:
    """Every key a file may hold, those of nested mappings with dots."""
    keys: set[str] = set()
    for name, info in model.model_fields.items():
        keys.add(prefix + name)
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            keys |= known_keys(info.annotation, f"{prefix}{name}.")
    return keys
