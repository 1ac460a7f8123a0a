"""The single-file example: its formulas exactly, and that it runs and learns."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path
from types import ModuleType

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "one_file_grpo.py"


@pytest.fixture(scope="module")
def example() -> ModuleType:
    import sys

    spec = importlib.util.spec_from_file_location("one_file_grpo", EXAMPLE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_it_stays_readable() -> None:
    assert len(EXAMPLE.read_text().splitlines()) <= 270


def test_advantages_leave_out_what_has_no_score(example: ModuleType) -> None:
    got = example.advantages([1.0, 0.0, None, 0.5, 0.5, 0.5], 3).tolist()
    spread = math.sqrt(0.5) + 1e-4
    assert got == pytest.approx([0.5 / spread, -0.5 / spread, 0.0, 0.0, 0.0, 0.0])
    assert example.advantages([None, None], 2).tolist() == [0.0, 0.0]
    assert example.advantages([1.0, None], 2).tolist() == [0.0, 0.0]


def test_the_loss_is_the_clipped_one(example: ModuleType) -> None:
    import torch

    old = torch.zeros(4, 1)
    ratios = torch.tensor([[1.5], [0.5], [1.5], [50.0]])
    new = ratios.log().requires_grad_()
    loss = example.policy_loss(new, old, torch.tensor([1.0, 1.0, -1.0, -1.0]), torch.ones(4, 1), clip=(0.2, 0.28))
    # gains: clipped above at 1.28; 0.5 as it is; -1.5 as it is; -10, where the dual clip ends
    assert loss.item() == pytest.approx(-(1.28 + 0.5 - 1.5 - 10.0) / 4)
    loss.backward()
    assert [bool(g) for g in new.grad.flatten()] == [False, True, True, False]


def test_only_written_tokens_count_and_the_sampler_agrees_with_itself(example: ModuleType) -> None:
    import torch

    ids, mask, written = example.pad([[5, 6], [7]], [[8], [9, 1]], 0)
    assert ids.tolist() == [[5, 6, 8, 0], [0, 7, 9, 1]]
    assert mask.tolist() == [[1, 1, 1, 0], [0, 1, 1, 1]]
    assert written.tolist() == [[False, False, True, False], [False, False, True, True]]
    log = torch.log(torch.rand(2, 3))
    loss = example.policy_loss(log, log, torch.tensor([1.0, -1.0]), written[:, 1:], clip=(0.2, 0.28))
    assert loss.item() == pytest.approx((-1.0 * 1 + 1.0 * 2) / 3)


def test_it_runs_and_leaves_an_adapter_and_documents(example: ModuleType, tmp_path: Path) -> None:
    curve = example.main(
        ["--warm-up", "40", "--steps", "2", "--prompts", "2", "--group", "4", "--output", str(tmp_path)]
    )
    assert len(curve) == 2
    assert all(math.isfinite(reward) for reward in curve)
    assert (tmp_path / "adapter" / "adapter_model.safetensors").is_file()
    assert "What it writes now" in (tmp_path / "documents.html").read_text()


@pytest.mark.slow
def test_the_reward_rises(example: ModuleType, tmp_path: Path) -> None:
    curve = example.main(["--warm-up", "100", "--steps", "24", "--output", str(tmp_path)])
    assert sum(curve[-6:]) / 6 > sum(curve[:4]) / 4 + 0.05
