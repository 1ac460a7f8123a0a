"""DeepSpeed without a launcher: what a single process must set, and the ZeRO configurations."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Any, Literal

Zero = Literal["none", "zero2", "zero3"]


def single_process_environment() -> None:
    """Make `python train.py` a group of one, unless a launcher (torchrun, accelerate, deepspeed) already made one.

    DeepSpeed otherwise looks for MPI and fails. The port is picked free, so that two runs fit on one machine.
    """
    _tools_of_this_environment_on_path()
    if "WORLD_SIZE" in os.environ:
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    os.environ.update(
        RANK="0", WORLD_SIZE="1", LOCAL_RANK="0", LOCAL_WORLD_SIZE="1", MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port)
    )


def _tools_of_this_environment_on_path() -> None:
    """DeepSpeed compiles with the `ninja` of this environment, which need not be activated."""
    here = str(Path(sys.executable).parent)
    path = os.environ.get("PATH", "")
    if here not in path.split(os.pathsep):
        os.environ["PATH"] = f"{here}{os.pathsep}{path}"


def deepspeed_config(zero: Zero) -> dict[str, Any] | None:
    """The DeepSpeed configuration for one ZeRO stage; batch fields are left to the trainer (`auto`)."""
    if zero == "none":
        return None
    stage: dict[str, Any] = {"stage": int(zero[-1]), "overlap_comm": False, "contiguous_gradients": True}
    if zero == "zero3":
        stage |= {"stage3_gather_16bit_weights_on_model_save": True}
    return {
        "zero_optimization": stage,
        "bf16": {"enabled": "auto"},
        "gradient_clipping": "auto",
        "train_batch_size": "auto",
        "train_micro_batch_size_per_gpu": "auto",
        "gradient_accumulation_steps": "auto",
        "wall_clock_breakdown": False,
    }
