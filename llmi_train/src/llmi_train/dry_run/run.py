"""`dry_run`: everything that can be known of a run before it starts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from llmi_train.doctor import Finding
from llmi_train.doctor.batches import batches
from llmi_train.dry_run.parts import architecture_for, memory_of, processes_of
from llmi_train.dry_run.rollout import Rollout, roll_out
from llmi_train.recipe import check_settings

if TYPE_CHECKING:
    from llmi_train.memory import Estimate
    from llmi_train.recipe import Recipe

_SECRET = re.compile(r"key|token|secret|password", re.IGNORECASE)


@dataclass(frozen=True)
class DryRun:
    """What a run would be.

    Attributes:
        recipe: as it would be run on its number of processes.
        findings: on its batch arithmetic.
        memory: what it would hold on each GPU.
        rollout: one answer, rendered and scored.
    """

    recipe: Recipe
    findings: tuple[Finding, ...]
    memory: Estimate
    rollout: Rollout

    @property
    def ok(self) -> bool:
        """Whether nothing speaks against starting it; memory is an estimate, and does not."""
        return not any(finding.stops for finding in self.findings)

    @property
    def yaml(self) -> str:
        """The resolved recipe; what is secret in its environment is left out."""
        import yaml

        text: str = yaml.safe_dump(without_secrets(self.recipe), sort_keys=False, allow_unicode=True)
        return text

    def __str__(self) -> str:
        arithmetic = [
            f"  {'ok  ' if f.ok else 'FAIL' if f.stops else 'warn'}  {f.name}: {f.detail}"
            + ("" if f.ok else f"\n        {f.remedy}")
            for f in self.findings
        ]
        return "\n".join(
            [
                "Resolved recipe:",
                _indented(self.yaml),
                "Batches:",
                *arithmetic,
                "",
                str(self.memory),
                "",
                str(self.rollout),
            ]
        )


def dry_run(recipe: Recipe, *, unsafe: bool = False, gpu_bytes: int | None = None) -> DryRun:
    """Resolve a recipe, answer and score one prompt, estimate its memory. Trains nothing and writes no files of a run.

    Args:
        unsafe: run the pictures' code without isolation.
        gpu_bytes: of one GPU; that of the smallest one here, or 80 GiB where there is none.

    Raises `ConfigurationError` for what is wrong with the recipe.
    """
    from trl import GRPOConfig

    from llmi_train.doctor.gpus import gpus_here

    resolved = recipe.on(processes_of(recipe))
    check_settings(resolved.grpo, GRPOConfig, "grpo")
    architecture = architecture_for(resolved)
    size = gpu_bytes or min((gpu.bytes for gpu in gpus_here()), default=None)
    return DryRun(
        recipe=resolved,
        findings=tuple(batches(resolved.grpo, resolved.processes or 1)),
        memory=memory_of(resolved, architecture, gpu_bytes=size),
        rollout=roll_out(resolved, architecture, unsafe=unsafe),
    )


def without_secrets(recipe: Recipe) -> dict[str, Any]:
    """A recipe as plain values, to print or to keep; what is secret in its environment is hidden."""
    values: dict[str, Any] = recipe.model_dump(mode="json")
    values["env"] = {name: "(hidden)" if _SECRET.search(name) else text for name, text in recipe.env.items()}
    return values


def _indented(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.splitlines())
