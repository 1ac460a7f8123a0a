"""Who marks the demo's documents: a stand-in started for as long as the demo runs, or the judges you name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from llmi_train.reward import Judges, JudgeSettings


@dataclass(frozen=True, slots=True)
class Asked:
    """The judges as a recipe names them, and a sentence that says who they are."""

    settings: Judges
    introduction: str


@contextmanager
def judges(real: bool) -> Iterator[Asked]:
    """The judges, for as long as the block lasts.

    Raises `ConfigurationError` when real ones are wanted and the environment does not name them,
    `SystemRequirementError` when the stand-in does not start.
    """
    if real:
        named = [JudgeSettings().client(judge).endpoint.model for judge in ("LLM_JUDGE", "MLLM_JUDGE")]
        yield Asked(Judges(), f"Judges: {named[0]} reads the text, {named[1]} sees the pictures.")
        return
    from llmi_train.stand_in import running

    with running() as stand_in:
        judge = JudgeSettings(base_url=stand_in.base_url, model=stand_in.llm.model)
        yield Asked(
            Judges(llm=judge, mllm=judge),
            "Judges: a stand-in on this machine, reached over HTTP as a real one would be. It is no model: it computes "
            "its marks from the text and the pictures it is sent. Real ones: --real-judges.",
        )
