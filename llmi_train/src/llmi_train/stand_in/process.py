"""The stand-in in a process of its own, for as long as a `with` block lasts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from llmi_reward.chat import ChatClient, Endpoint
from llmi_reward.judges import llm_from_env, mllm_from_env
from llmi_schema import SystemRequirementError
from llmi_train.stand_in.server import MODEL

_START_SECONDS = 30


@dataclass(frozen=True, slots=True)
class StandIn:
    """A running stand-in. It judges text and pictures at one address."""

    base_url: str

    @property
    def llm(self) -> Endpoint:
        return Endpoint(self.base_url, MODEL)

    @property
    def mllm(self) -> Endpoint:
        return Endpoint(self.base_url, MODEL)

    @property
    def environment(self) -> dict[str, str]:
        """The four published variables, set to this stand-in: what `presets.llmi()` and recipes read."""
        parts = {"BASE_URL": self.base_url, "MODEL_NAME": MODEL}
        return {f"{judge}_{part}": value for judge in ("LLM_JUDGE", "MLLM_JUDGE") for part, value in parts.items()}


@contextmanager
def judges(*, real: bool = False, **settings: Any) -> Iterator[tuple[ChatClient, ChatClient]]:
    """Clients for the text judge and the picture judge, for as long as the block lasts.

    Args:
        real: ask the models that `LLM_JUDGE_BASE_URL` and its three siblings name; else a stand-in started here.
        settings: of `ChatClient`.

    Raises `ConfigurationError` when a real judge is not named, `SystemRequirementError` when the stand-in fails.
    """
    if real:
        yield llm_from_env(**settings), mllm_from_env(**settings)
        return
    with running() as stand_in:
        yield ChatClient(stand_in.llm, **settings), ChatClient(stand_in.mllm, **settings)


@contextmanager
def running(port: int = 0) -> Iterator[StandIn]:
    """Start the stand-in on loopback and stop it at the end; it also stops when this process dies.

    Raises `SystemRequirementError` when it does not start.
    """
    command = [sys.executable, "-m", "llmi_train.stand_in", "--port", str(port), "--until-stdin-closes"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603  # our own module
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line.startswith("http"):
                raise SystemRequirementError(f"the stand-in judge did not start on port {port}; try another port")
            yield StandIn(line.strip())
        finally:
            if process.stdin:
                process.stdin.close()
            try:
                process.wait(timeout=_START_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
