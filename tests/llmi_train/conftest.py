"""A tiny policy and some rows, made once."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llmi_data import MadeDataset, Plan, make_dataset
from llmi_sandbox import Toolkit

sys.path.insert(0, str(Path(__file__).parent))  # helpers with names of their own


@pytest.fixture(scope="session")
def made() -> MadeDataset:
    return make_dataset(Plan.demo(rows=76))


@pytest.fixture(scope="session")
def tokenizer(made: MadeDataset) -> Any:
    from llmi_train.demo.demonstrations import demonstration
    from llmi_train.tiny import train_tokenizer

    rng = random.Random(0)
    return train_tokenizer([row.text for row in made.train] + [demonstration(row, rng) for row in made.train])


@pytest.fixture
def model(tokenizer: Any) -> Any:
    import torch

    from llmi_train.tiny import build_model

    torch.manual_seed(0)
    torch.set_num_threads(1)
    return build_model(tokenizer, hidden=32, layers=1)


@pytest.fixture
def base(model: Any, tokenizer: Any, tmp_path: Path) -> Path:
    from llmi_train.tiny import save

    save(model, tokenizer, tmp_path / "base")
    return tmp_path / "base"


@pytest.fixture(scope="session")
def toolkit() -> Iterator[Toolkit]:
    with Toolkit.offline(workers=1) as toolkit:
        yield toolkit
