"""`llmi-train demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from llmi_train.cli.shared import Unsafe, one_sentence


def demo(
    output: Annotated[Path, typer.Option(help="Where everything is put.")] = Path("runs/demo"),
    small: Annotated[bool, typer.Option("--small", help="Every stage at a size that only shows it works.")] = False,
    real_judges: Annotated[
        bool, typer.Option("--real-judges", help="Ask the judges that LLM_JUDGE_* and MLLM_JUDGE_* name.")
    ] = False,
    unsafe: Unsafe = False,
) -> None:
    """Data, rewards, training and an illustrated document, offline. Goes on where a stopped run ended."""
    with one_sentence():
        from dataclasses import replace

        from llmi_train.demo.run import run_demo
        from llmi_train.demo.settings import Settings

        settings = Settings.small() if small else Settings()
        run_demo(output, replace(settings, real_judges=real_judges), unsafe=unsafe)
