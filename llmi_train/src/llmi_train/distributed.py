"""A process's place in its group: what a single process must set, how workers join, and the ZeRO configurations."""

from __future__ import annotations

import json
import os
import secrets
import socket
import sys
from pathlib import Path
from typing import Any, Literal

Zero = Literal["none", "zero2", "zero3"]

GROUP_PORTS = range(20_000, 30_000)
_USE_DEEPSPEED = "ACCELERATE_USE_DEEPSPEED"  # which transformers sets for good
_ALONE = "LLMI_ALONE"  # the process that made itself a group of one, and its port


def under_a_launcher() -> bool:
    """Whether somebody (our launcher, torchrun, accelerate, deepspeed) already made this process one of a group."""
    _forget_inherited_group()
    return "WORLD_SIZE" in os.environ


def world_size() -> int:
    return int(os.environ.get("WORLD_SIZE", "1"))


def rank() -> int:
    return int(os.environ.get("RANK", "0"))


def single_process_environment() -> None:
    """Make `python train.py` a group of one, unless a launcher already made one.

    DeepSpeed otherwise looks for MPI and fails. The port is picked free, so that two runs fit on one machine.
    """
    tools_of_this_environment_on_path()
    if not under_a_launcher():
        port = free_port()
        os.environ.update(place(0, 1, port) | {_ALONE: f"{os.getpid()} {port}"})


def _forget_inherited_group() -> None:
    """A process that trains alone hands its variables to those it starts, who would ask for the same port.

    What a launcher has said since stays: it chose another port.
    """
    process, _, port = os.environ.get(_ALONE, "").partition(" ")
    if process and process != str(os.getpid()) and port == os.environ.get("MASTER_PORT"):
        for name in (*place(0, 1, 0), _ALONE, _USE_DEEPSPEED):
            os.environ.pop(name, None)


def place(rank: int, size: int, port: int) -> dict[str, str]:
    """The variables that tell a process on this machine which of how many it is."""
    return {
        "RANK": str(rank),
        "WORLD_SIZE": str(size),
        "LOCAL_RANK": str(rank),
        "LOCAL_WORLD_SIZE": str(size),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }


def free_port() -> int:
    """A port for the group's store, which opens it only seconds later.

    It lies below those that a kernel hands out by itself (Linux from 32768, macOS from 49152), or one of the machine's
    other connections could be given it meanwhile. Drawn apart from the program's seeds, which several runs may share.
    """
    ports = list(GROUP_PORTS)
    secrets.SystemRandom().shuffle(ports)
    for port in ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # one that was left a moment ago is free
            try:
                probe.bind(("", port))
            except OSError:
                continue
            return port
    raise OSError(f"no port from {GROUP_PORTS.start} to {GROUP_PORTS.stop - 1} is free; start this with torchrun")


def join(zero: Zero, *, cpu: bool) -> None:
    """Join the group before the trainer's configuration is made.

    Several CPU processes under DeepSpeed must have their gloo group by then: accelerate would make one that DeepSpeed
    does not know.
    """
    tools_of_this_environment_on_path()
    if zero != "none":  # without DeepSpeed, a group of one would only be wrapped for others it has not got
        single_process_environment()
    if cpu and zero != "none" and world_size() > 1:
        import deepspeed
        import torch.distributed

        if not torch.distributed.is_initialized():
            deepspeed.init_distributed("gloo", auto_mpi_discovery=False)


def forget_earlier_runs() -> None:
    """Let no run that ended in this process decide how the next one trains.

    ZeRO-3 would share out the weights of models that are built after it, and a run without DeepSpeed would be given it.
    """
    from accelerate.state import is_initialized
    from transformers.integrations.deepspeed import unset_hf_deepspeed_config

    _forget_inherited_group()
    unset_hf_deepspeed_config()
    if is_initialized():  # before the first run the variable is the launcher's, not one that a run left behind
        os.environ.pop(_USE_DEEPSPEED, None)


def leave() -> None:
    """Leave the group, so that no process waits for this one."""
    import torch.distributed

    theirs = sys.modules.get("deepspeed.comm")
    if theirs is not None and theirs.is_initialized():
        theirs.destroy_process_group()  # DeepSpeed forgets its groups with it, which a later run could not use
    elif torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def tools_of_this_environment_on_path() -> None:
    """DeepSpeed compiles with the `ninja` of this environment, which need not be activated."""
    here = str(Path(sys.executable).parent)
    path = os.environ.get("PATH", "")
    if here not in path.split(os.pathsep):
        os.environ["PATH"] = f"{here}{os.pathsep}{path}"


def deepspeed_config(zero: Zero) -> dict[str, Any] | None:
    """The shipped DeepSpeed configuration for a ZeRO stage; batch fields are left to the trainer (`auto`)."""
    if zero == "none":
        return None
    config: dict[str, Any] = json.loads((Path(__file__).parent / "recipes" / "deepspeed" / f"{zero}.json").read_text())
    return config
