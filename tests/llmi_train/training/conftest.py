"""What the tests of training share: one thread, recipes of the twins, and adapters to compare."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llmi_train import RECIPES, Recipe

Tiny = Callable[..., Recipe]


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    import torch

    torch.set_num_threads(1)


@pytest.fixture
def tiny(tmp_path: Path) -> Tiny:
    """A shipped tiny recipe in a folder of its own, with some of the trainer's settings replaced."""

    def recipe(name: str = "qwen3", output: str = "run", grpo: dict[str, Any] | None = None, **changes: Any) -> Recipe:
        file = RECIPES / "tiny" / f"{name}.yaml"
        return Recipe.from_yaml(file, output_dir=tmp_path / output, grpo=grpo or {}, **changes)

    return recipe


@pytest.fixture
def fingerprint() -> Callable[[Path], str]:
    """Of an adapter's weights, bit by bit."""

    def digest(adapter: Path) -> str:
        from safetensors.torch import load_file

        weights = load_file(adapter / "adapter_model.safetensors")
        found = hashlib.sha256()
        for name in sorted(weights):
            found.update(name.encode() + weights[name].contiguous().numpy().tobytes())
        return found.hexdigest()

    return digest
