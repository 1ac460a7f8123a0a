"""What DeepSpeed needs to compile its operators on first use."""

from __future__ import annotations

import os
import shutil
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from llmi_train.distributed import Zero, tools_of_this_environment_on_path
from llmi_train.doctor.finding import Finding


def deepspeed(zero: Zero, *, headers: Path | None = None, cache: Path | None = None) -> Iterator[Finding]:
    """Ninja, Python's headers and a folder for what is compiled, where a recipe uses DeepSpeed.

    Args:
        headers, cache: where Python.h and the compiled operators are; by default where PyTorch looks for them.
    """
    if zero == "none":
        return
    tools_of_this_environment_on_path()
    ninja = shutil.which("ninja")
    yield Finding("ninja", ninja is not None, ninja or "not found", "Type: pip install ninja")
    header = (headers or Path(sysconfig.get_paths()["include"])) / "Python.h"
    yield Finding(
        "Python headers",
        header.is_file(),
        str(header) if header.is_file() else f"{header} is not there, and DeepSpeed compiles against it",
        "On Debian or Ubuntu type: sudo apt-get install -y python3-dev",
    )
    folder = cache or Path(os.environ.get("TORCH_EXTENSIONS_DIR") or Path.home() / ".cache" / "torch_extensions")
    existing = next(path for path in [folder, *folder.parents] if path.exists())
    writable = os.access(existing, os.W_OK)
    yield Finding(
        "compiled operators",
        writable,
        f"kept in {folder}" if writable else f"{existing} cannot be written to",
        "Set TORCH_EXTENSIONS_DIR to a folder of yours",
    )
