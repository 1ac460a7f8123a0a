"""Runs the demo's stages in order; goes on where a stopped one ended."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmi_train import doctor
from llmi_train.demo.display import Display, Ticker, terminal_to_ourselves
from llmi_train.demo.judging import Asked, judges
from llmi_train.demo.settings import Folder, Settings


@dataclass(frozen=True, slots=True)
class Stage:
    """A step of the demo: `run` does the work, `tell` says in a sentence what came of it."""

    name: str
    title: str
    run: Callable[[Ticker], dict[str, Any]]
    tell: Callable[[dict[str, Any]], str]
    total: int | None = None


def run_demo(root: Path, settings: Settings, *, unsafe: bool = False) -> Path:
    """Run or finish the demo in `root`. Returns the report's path.

    Raises `SystemRequirementError` when the machine lacks something the demo needs.
    """
    findings = doctor.examine(folder=root, unsafe=unsafe)
    doctor.require(findings)
    _offline_and_single_threaded()
    folder, goes_on = Folder.open(root, settings)
    with terminal_to_ourselves(folder.log) as console:
        display = Display(console)
        network = "Your judges are asked over the network" if settings.real_judges else "No network is used"
        console.print(f"[bold]LLM-I demo[/]: a tiny model learns which pictures a text needs. {network}.")
        if unsafe:
            console.print("[bold yellow]Unsafe:[/] code written by the model runs without isolation on this machine.")
        if goes_on:
            console.print(f"Going on where the last run in {root} stopped.")
        _work(folder, display, unsafe)
        _last_words(folder, display)
    return folder.report


def _offline_and_single_threaded() -> None:
    os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false", OMP_NUM_THREADS="1")
    import torch

    torch.set_num_threads(1)  # more threads make a model of this size slower


def _work(folder: Folder, display: Display, unsafe: bool) -> None:
    from llmi_sandbox import Toolkit
    from llmi_train.demo import report

    with Toolkit.offline(unsafe=unsafe, size=(240, 180)) as toolkit, judges(folder.settings.real_judges) as asked:
        display.console.print(asked.introduction)
        stages = _stages(folder, toolkit, asked)
        for number, stage in enumerate(stages, 1):
            if stage.name in folder.done:
                display.console.print(f"[dim]{number}/{len(stages)} {stage.title}: already done[/]")
                continue
            started = time.perf_counter()
            with display.stage(number, len(stages), stage.title, stage.total) as ticker:
                result = stage.run(ticker)
                result["seconds"] = round(time.perf_counter() - started, 1)
                result["tool_calls"] = toolkit.statistics.as_dict()
                display.say(stage.tell(result))
            folder.finish(stage.name, result)
    report.build(folder)
    folder.finish("report", {}, last=True)


def _stages(folder: Folder, toolkit: Any, asked: Asked) -> list[Stage]:
    from llmi_train.demo import stages

    size = folder.settings
    recipe = stages.recipe(folder, asked.settings)
    return [
        Stage(
            "data",
            "Making a dataset of prompts and having it read by someone who does not see the labels",
            lambda ticker: stages.make_data(folder, ticker),
            lambda r: (
                f"{r['train']['rows']} prompts to learn from; {r['test']['rows']} held out, with scenarios and "
                "wordings of their own"
            ),
        ),
        Stage(
            "warm_up",
            "Building a tiny Qwen3 and teaching it the tag language from examples, careful and careless ones",
            lambda ticker: stages.warm_up(folder, ticker),
            lambda r: f"{r['parameters']:,} parameters, {r['vocabulary']:,} tokens",
            size.warm_up_steps,
        ),
        Stage(
            "before",
            "Measuring what it can do on the held-out prompts",
            lambda ticker: stages.measure(folder, ticker, toolkit, recipe, trained=False),
            _tell_reward,
        ),
        Stage(
            "train",
            "Reinforcement learning: GRPO with LoRA under DeepSpeed; tags are run, pictures counted, judges asked",
            lambda ticker: stages.train(folder, ticker, toolkit, recipe) | {"judges": asked.introduction},
            lambda r: (
                f"reward in training {r['log'][0]['reward']:.2f} at the start, {r['log'][-1]['reward']:.2f} at the end"
            ),
            recipe.grpo["max_steps"],
        ),
        Stage(
            "after",
            "Measuring again on the held-out prompts",
            lambda ticker: stages.measure(folder, ticker, toolkit, recipe, trained=True),
            _tell_reward,
        ),
        Stage(
            "write",
            "Writing documents under the constraint and running their tags",
            lambda ticker: stages.write(folder, ticker, toolkit, recipe),
            lambda r: f"{r['answers']} documents, {r['invalid_documents']} invalid",
        ),
    ]


def _tell_reward(result: dict[str, Any]) -> str:
    return (
        f"held-out reward by rules {result['reward']:.2f}, with the judges {result['judged']:.2f}, "
        f"over {result['answers']} prompts"
    )


def _last_words(folder: Folder, display: Display) -> None:
    before, after = folder.done["before"], folder.done["after"]
    console = display.console
    console.print(
        f"\n[bold]Held-out reward: {before['reward']:.2f} before, {after['reward']:.2f} after.[/] "
        f"With the judges' marks, as trained on: {before['judged']:.2f} and {after['judged']:.2f}."
    )
    for name, path in (
        ("report, open it in a browser", folder.report),
        ("documents", folder.documents),
        ("dataset", folder.dataset),
        ("LoRA adapter", folder.adapter),
        ("numbers", folder.metrics),
        ("reward curve", folder.curve),
    ):
        console.print(f"  {name + ':':31}{path}")
