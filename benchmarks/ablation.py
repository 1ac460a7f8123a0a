"""The paper's claim in miniature: what a reward has to hold for a policy to learn what was asked.

    python benchmarks/ablation.py                      # three seeds, about three quarters of an hour on two cores
    python benchmarks/ablation.py --seeds 0 --steps 20 # a look at how it works
    python benchmarks/ablation.py --steps 300 --rewards hybrid --output runs/longer   # twice as long, half an hour

The tiny model of the demo is warmed up on made-up authors of whom four in five are careless, and then trained three
times by GRPO, from the same weights on the same prompts: on the number of pictures alone, on the rules (tags, number,
tools), and on the paper's whole reward, whose judges are the stand-in of `llmi_train.stand_in`. Nothing is constrained
while it writes. Measured are answers to prompts of scenario families and wordings that no training saw, by delivered
pictures and by the stand-in's marks. Intervals are over the held-out prompts of all seeds, resampled (95 %).

Each run leaves its answers' figures in `--output`; the same command goes on where a stopped one ended.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from results import RESULTS, record, show

os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false", OMP_NUM_THREADS="1")

WARM_UP = "warm-up only"
REWARDS = ("count", "rules", "hybrid")
MEASURES = {
    "count": "right number of pictures",
    "tools": "every required tool",
    "valid": "valid document",
    "text": "text judge's mark, 0 to 1",
    "pictures": "picture judge's mark, 0 to 1",
}
STEPS = 140
SAMPLES = 4
"""Answers per held-out prompt."""

_MIXED = ("it and others", "several others", "nothing")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=STEPS, help="of GRPO, per reward and seed")
    parser.add_argument("--rewards", nargs="+", default=list(REWARDS), choices=REWARDS)
    parser.add_argument("--output", type=Path, default=Path("runs/ablation"))
    parser.add_argument("--small", action="store_true", help="a warm-up that shows that it works, not that it teaches")
    options = parser.parse_args()

    for seed in options.seeds:
        _in_own_process(run_seed, options.output / f"seed-{seed}", seed, options.steps, options.rewards, options.small)
    answers = {
        name: [answer for seed in options.seeds for answer in _read(options.output / f"seed-{seed}" / f"{name}.json")]
        for name in (WARM_UP, *options.rewards)
    }
    figures = {name: summary(of) for name, of in answers.items()}
    columns = ["trained on", *MEASURES.values()]
    rows = [[name, *(_shown(found[measure]) for measure in MEASURES)] for name, found in figures.items()]
    show(f"Held-out answers, {len(options.seeds)} seeds, {options.steps} steps", columns, rows)
    for name, found in figures.items():
        confusion = found["confusion"]
        kinds = [*confusion, *_MIXED]
        body = [[wanted, *(row.get(kind, 0) for kind in kinds)] for wanted, row in confusion.items()]
        show(f"Tools that delivered where one is required: {name}", ["required", *kinds], body)
    name = "ablation-small" if options.small else "ablation" if options.steps == STEPS else f"ablation-{options.steps}"
    path = record(name, figures, seeds=options.seeds, steps=options.steps, samples_per_prompt=SAMPLES)
    plot(figures, path.with_suffix(".png"))
    print(path)


def _in_own_process(work: Callable[..., None], *given: Any) -> None:
    """DeepSpeed stays switched on in the process that used it, and the next seed's warm-up does not want it."""
    process = get_context("spawn").Process(target=work, args=given)
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(process.exitcode)


# -- one seed -----------------------------------------------------------------------------------------------------


def run_seed(root: Path, seed: int, steps: int, rewards: Sequence[str] = REWARDS, small: bool = False) -> None:
    """Data, warm-up, three trainings; what is already there is not done again."""
    import torch

    from llmi_train.demo import stages
    from llmi_train.demo.settings import Folder, Settings

    torch.set_num_threads(1)
    folder = Folder(root, replace(Settings.small() if small else Settings(), seed=seed))
    root.mkdir(parents=True, exist_ok=True)
    if not (root / "warm.json").exists():
        stages.make_data(folder, _Silent())
        stages.warm_up(folder, _Silent())
        (root / "warm.json").write_text("{}")
    with _workshop() as (toolkit, llm, mllm):
        for name in (WARM_UP, *rewards):
            path = root / f"{name}.json"
            if path.exists():
                continue
            adapter = None if name == WARM_UP else _train(folder, name, steps, toolkit, llm, mllm)
            _write(path, _answers(folder, adapter, seed, toolkit, llm, mllm))
            print(f"seed {seed}, {name}: {_shown(summary(_read(path))['count'])} right counts", flush=True)


@contextmanager
def _workshop() -> Iterator[tuple[Any, Any, Any]]:
    from llmi_sandbox import Toolkit
    from llmi_train.stand_in import judges

    with Toolkit.offline(size=(240, 180)) as toolkit, judges() as (llm, mllm):
        yield toolkit, llm, mllm


def _train(folder: Any, name: str, steps: int, toolkit: Any, llm: Any, mllm: Any) -> Path:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from llmi_reward import ImageCountReward, presets
    from llmi_reward.integrations.trl import trl_reward
    from llmi_train import RECIPES, Recipe, train_grpo
    from llmi_train.grpo.policy import load_rows, training_columns

    formula = {
        "count": lambda: ImageCountReward(strict=True),
        "rules": lambda: presets.rules(strict=True),
        "hybrid": lambda: presets.llmi_tools(llm, mllm, strict=True),
    }[name]()
    recipe = Recipe.from_yaml(RECIPES / "demo.yaml")
    model = AutoModelForCausalLM.from_pretrained(folder.base)
    tokenizer = AutoTokenizer.from_pretrained(folder.base, padding_side="left")
    return train_grpo(
        model,
        tokenizer,
        training_columns(load_rows(folder.dataset), tokenizer),
        trl_reward(formula, render=toolkit.render, end_tokens={tokenizer.eos_token_id}),
        folder.root / f"training-{name}",
        lora=recipe.lora,
        zero=recipe.zero,
        seed=folder.settings.seed,
        **recipe.grpo | {"max_steps": steps, "save_steps": 50},
    )


def _answers(folder: Any, adapter: Path | None, seed: int, toolkit: Any, llm: Any, mllm: Any) -> list[dict[str, Any]]:
    """Every held-out prompt answered some times over, sampled as in training."""
    from llmi_data import dataset
    from llmi_reward import presets
    from llmi_train.evaluate import evaluate
    from llmi_train.policies import Writer

    rows = dataset.load(folder.dataset).test
    writer = Writer.load(folder.base, adapter, max_new_tokens=64, batch_size=48)
    found = []
    for sample in range(SAMPLES):
        judged = evaluate(
            writer, rows, presets.llmi_tools(llm, mllm), toolkit, temperature=0.7, seed=1000 * seed + sample
        )
        found += [_figures(answer, seed) for answer in judged.answers]
    return found


def _figures(answer: Any, seed: int) -> dict[str, Any]:
    from llmi_train.evaluate import valid

    delivered = {picture.provenance.tool for picture in answer.document.delivered}
    required = answer.row.constraint.required_tools
    return {
        "prompt": f"{seed} {answer.row.id}",
        "count": float(answer.row.constraint.count.allows(len(answer.document.delivered))),
        "tools": float(required <= delivered) if required else None,
        "valid": float(valid(answer)),
        "text": answer.score.components.get("llm"),
        "pictures": answer.score.components.get("mllm"),
        "required": sorted(required),
        "delivered": sorted(delivered),
    }


class _Silent:
    """Stands where the demo has its progress."""

    def at(self, done: int, note: str = "") -> None:
        """Nothing is shown."""


# -- over all seeds -----------------------------------------------------------------------------------------------


def summary(answers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Means with intervals, and the tools that were delivered where exactly one is required."""
    confusion: dict[str, Counter[str]] = {}
    for answer in answers:
        if len(answer["required"]) == 1:
            confusion.setdefault(answer["required"][0], Counter())[_kind(answer)] += 1
    return {measure: _interval(answers, measure) for measure in MEASURES} | {
        "confusion": {tool: dict(confusion[tool]) for tool in sorted(confusion)}
    }


def _kind(answer: dict[str, Any]) -> str:
    """Which tools delivered: one alone, or the required one among others, or only others, or none."""
    alone, among, others, none = answer["delivered"][:1], *_MIXED
    if len(answer["delivered"]) < 2:
        return alone[0] if alone else none
    return among if set(answer["required"]) <= set(answer["delivered"]) else others


def _interval(answers: Sequence[dict[str, Any]], measure: str) -> dict[str, float]:
    """The mean over prompts, and where it lies in 95 % of resamplings of the prompts. Unscored answers are left out."""
    import numpy as np

    by_prompt: dict[str, list[float]] = {}
    for answer in answers:
        if answer[measure] is not None:
            by_prompt.setdefault(answer["prompt"], []).append(answer[measure])
    means = np.array([np.mean(values) for values in by_prompt.values()])
    drawn = np.random.default_rng(0).choice(means, (2000, len(means))).mean(axis=1)
    low, high = np.quantile(drawn, (0.025, 0.975))
    scored = sum(map(len, by_prompt.values()))
    return {"mean": float(means.mean()), "low": float(low), "high": float(high), "answers": scored}


def _shown(found: dict[str, float]) -> str:
    return f"{found['mean']:.2f} ({found['low']:.2f} to {found['high']:.2f})"


def plot(figures: dict[str, Any], path: Path) -> None:
    """A point with its interval per measure and training."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.6), layout="constrained")
    axes = figure.subplots()
    for place, (name, found) in enumerate(figures.items()):
        heights = [len(MEASURES) - i - 0.18 * (place - 1.5) for i in range(len(MEASURES))]
        means = [found[m]["mean"] for m in MEASURES]
        below = [found[m]["mean"] - found[m]["low"] for m in MEASURES]
        above = [found[m]["high"] - found[m]["mean"] for m in MEASURES]
        axes.errorbar(means, heights, xerr=(below, above), fmt="o", markersize=5, label=name)
    axes.set_yticks(range(len(MEASURES), 0, -1), list(MEASURES.values()))
    axes.set(xlim=(0, 1.02), xlabel="held-out answers, mean and 95 % interval")
    axes.grid(axis="x", alpha=0.3)
    axes.spines[["top", "right", "left"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=len(figures), frameon=False, title="trained on")
    figure.savefig(path, dpi=150)


def _write(path: Path, answers: list[dict[str, Any]]) -> None:
    unfinished = path.with_suffix(".new")
    unfinished.write_text(json.dumps(answers))
    unfinished.replace(path)


def _read(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text())


if __name__ == "__main__":
    RESULTS.mkdir(exist_ok=True)
    main()
