"""Makes this folder's helpers importable, and lends the tiny models, built once."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def models(tmp_path_factory) -> dict[str, Path]:
    """Folders of tiny pipelines by kind: `generate`, `edit`, `qwen`."""
    pytest.importorskip("diffusers")
    import tiny_pipelines

    folder = tmp_path_factory.mktemp("models")
    return {
        "generate": tiny_pipelines.stable_diffusion(folder / "sd"),
        "edit": tiny_pipelines.pix2pix(folder / "p2p"),
        "qwen": tiny_pipelines.qwen_image(folder / "qwen"),
    }
