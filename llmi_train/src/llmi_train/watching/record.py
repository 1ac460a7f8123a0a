"""`run.json`: what a run was told and where it ran, kept beside what it logged."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmi_schema import ConfigurationError
from llmi_schema.files import write_whole

if TYPE_CHECKING:
    from llmi_train.recipe import Recipe

RECORD = "run.json"
_PACKAGES = ("torch", "transformers", "trl", "peft", "accelerate", "deepspeed", "datasets", "vllm", "llmi-train")


@dataclass(frozen=True)
class RunRecord:
    """A run's circumstances.

    Attributes:
        recipe: as it was resolved, what is secret left out.
        reward: the formula, written out.
        environment: versions and hardware, in words.
        started: ISO time, UTC.
        evaluation: held-out figures by name, where somebody has measured them.
    """

    recipe: dict[str, Any]
    reward: str
    environment: dict[str, str]
    started: str
    evaluation: dict[str, Any]


def record_of(recipe: Recipe, *, reward: str = "") -> RunRecord:
    """What is known when a run starts."""
    from llmi_train.dry_run.run import without_secrets

    return RunRecord(
        recipe=without_secrets(recipe),
        reward=reward or _formula(recipe),
        environment=_environment(),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        evaluation={},
    )


def write_record(run: Path, record: RunRecord) -> Path:
    """Keep it in the run's folder. A resumed run keeps the first start and any evaluation."""
    if (before := read_record(run)) is not None:
        record = RunRecord(**asdict(record) | {"started": before.started, "evaluation": before.evaluation})
    run.mkdir(parents=True, exist_ok=True)
    _write(run / RECORD, record)
    return run / RECORD


def read_record(run: str | Path) -> RunRecord | None:
    """What `write_record` kept; None where there is nothing, or nothing readable."""
    try:
        return RunRecord(**json.loads((Path(run) / RECORD).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def add_evaluation(run: Path, files: Sequence[Path]) -> None:
    """Keep held-out figures with a run, for its report and its card.

    Args:
        files: what `llmi-train evaluate` wrote, its folder or `results.json`, kept as its summary under the
            benchmark's name; or other JSON objects, each under its file's name. Of those numbers and words are kept,
            nested objects too; lists are left out.

    Raises `ConfigurationError` for a run without `run.json`, or a file that holds no JSON object.
    """
    record = read_record(run)
    if record is None:
        raise ConfigurationError(f"{run}: there is no {RECORD} in it, which training writes; name its output_dir")
    found = dict(map(_figures, files))
    changed = RunRecord(**asdict(record) | {"evaluation": {**record.evaluation, **found}})
    _write(run / RECORD, changed)


def _figures(path: Path) -> tuple[str, dict[str, Any]]:
    if path.is_dir():
        path /= "results.json"
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path}: cannot be read as JSON ({error})") from error
    if not isinstance(value, dict):
        raise ConfigurationError(f"{path}: held-out figures are a JSON object of names and numbers")
    if {"summary", "benchmark", "basis"} <= value.keys() and isinstance(value["summary"], dict):
        return f"{value['benchmark']} by {value['basis']}", value["summary"]
    return path.stem, _without_lists(value)


def _without_lists(value: dict[str, Any]) -> dict[str, Any]:
    kept = {key: _without_lists(part) if isinstance(part, dict) else part for key, part in value.items()}
    return {key: part for key, part in kept.items() if not isinstance(part, list) and part != {}}


def _write(path: Path, record: RunRecord) -> None:
    write_whole(path, json.dumps(asdict(record), indent=1, default=str) + "\n")


def _formula(recipe: Recipe) -> str:
    """The reward written out; its preset's name where its judges cannot be named here."""
    from llmi_train.reward import build_reward

    try:
        return repr(build_reward(recipe))
    except ConfigurationError:
        return recipe.reward


def _environment() -> dict[str, str]:
    from llmi_train.doctor.gpus import gpus_here
    from llmi_train.doctor.versions import installed

    gpus = gpus_here()
    found = {name: version for name in _PACKAGES if (version := installed(name))}
    hardware = ", ".join(f"{gpu.name} ({gpu.bytes / 2**30:.0f} GiB)" for gpu in gpus) or "CPU only"
    return {"python": platform.python_version(), **found, "hardware": hardware, "system": platform.platform()}
