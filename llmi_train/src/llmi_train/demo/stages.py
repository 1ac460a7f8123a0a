"""The demo's stages, one function each: everything they need and everything they leave lies in the folder."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from llmi_data import Plan, Row, make_dataset
from llmi_data import dataset as saved
from llmi_data.summary import plot_cells
from llmi_reward import presets
from llmi_sandbox import Toolkit
from llmi_schema import RowConstraint
from llmi_schema.files import write_whole
from llmi_train.demo.display import Ticker
from llmi_train.demo.lessons import BATCH, lessons
from llmi_train.demo.settings import Folder
from llmi_train.evaluate import Evaluation, Judged, evaluate, valid
from llmi_train.policies import Writer
from llmi_train.recipe import RECIPES, Recipe
from llmi_train.reward import Judges, build_reward

COUNTS = (-1, 0, 1, 2, 99)
"""Every kind of count; exact numbers up to two, which a model of this size learns to tell apart in minutes."""

SHOWN = 4
"""How many held-out prompts are kept with both answers, for the report."""


def make_data(folder: Folder, ticker: Ticker) -> dict[str, Any]:
    """Compose the dataset, read it blind, split it, write it as a `datasets.DatasetDict`."""
    size = folder.settings
    plan = Plan.demo(rows=size.rows, seed=size.seed, test_share=size.held_out, counts=COUNTS)
    made = make_dataset(plan)
    saved.save(made.split, folder.dataset)
    plot_cells(made.report.train, folder.dataset_plot)
    return made.report.model_dump(mode="json")


def warm_up(folder: Folder, ticker: Ticker) -> dict[str, Any]:
    """Build the tiny model and its tokenizer, and teach it the tag language from documents by made-up authors."""
    import torch
    from datasets import Dataset

    from llmi_train import sft, tiny
    from llmi_train.callbacks import OnStep

    size = folder.settings
    torch.manual_seed(size.seed)
    plan = Plan.demo(rows=size.demonstrations, seed=size.seed + 1, test_share=0, counts=COUNTS)
    pairs = lessons(make_dataset(plan).split.train, size, random.Random(size.seed))
    tokenizer = tiny.train_tokenizer(dict.fromkeys(text for pair in pairs for text in pair))
    model = tiny.build_model(tokenizer)
    examples = Dataset.from_list(
        [
            {"prompt": [{"role": "user", "content": text}], "completion": [{"role": "assistant", "content": document}]}
            for text, document in pairs
        ]
    )
    sft.warm_up(
        model,
        tokenizer,
        examples,
        folder.root / "warm_up",
        callbacks=[OnStep(lambda step, log: ticker.at(step))],
        seed=size.seed,
        max_steps=size.warm_up_steps,
        per_device_train_batch_size=BATCH,
        train_sampling_strategy="sequential",
        learning_rate=3e-3,
        adam_beta2=0.99,
        lr_scheduler_type="polynomial",
        lr_scheduler_kwargs={"power": 0.5},
        warmup_steps=10,
        max_length=512,
        bf16=False,
        gradient_checkpointing=False,
        use_cpu=True,
    )
    tiny.save(model, tokenizer, folder.base)
    return {"parameters": model.num_parameters(), "vocabulary": len(tokenizer), "demonstrations": len(pairs)}


def recipe(folder: Folder, judges: Judges) -> Recipe:
    """What is trained: the shipped recipe, at this demo's size, with its judges."""
    shipped = Recipe.from_yaml(
        RECIPES / "demo.yaml",
        model=str(folder.base),
        data=folder.dataset,
        output_dir=folder.training,
        judges=judges,
        seed=folder.settings.seed,
    )
    return shipped.with_grpo(**folder.settings.grpo)


def measure(folder: Folder, ticker: Ticker, toolkit: Toolkit, recipe: Recipe, *, trained: bool) -> dict[str, Any]:
    """The held-out reward of the policy, before training or with the trained adapter: unconstrained, sampled as in
    training, counted exactly; by rules alone, and with the judges as it is trained on."""
    rows = saved.load(folder.dataset).test
    writer = _writer(folder, recipe, trained=trained)
    sampling = {"temperature": recipe.grpo["temperature"], "seed": folder.settings.seed}
    judged = evaluate(writer, rows, build_reward(recipe), toolkit, progress=ticker.at, **sampling)
    found = Evaluation(tuple(replace(a, score=presets.rules().score(a.sample)) for a in judged.answers))
    return found.summary() | {
        "judged": judged.reward,
        "without_verdict": judged.unscored,
        "shown": [_record(answer) for answer in _showcase(judged)],
    }


def train(folder: Folder, ticker: Ticker, toolkit: Toolkit, recipe: Recipe) -> dict[str, Any]:
    """GRPO with LoRA under DeepSpeed ZeRO-2 on the paper's reward; goes on from its newest checkpoint."""
    from llmi_train import grpo
    from llmi_train.callbacks import OnStep

    def tell(step: int, log: dict[str, Any]) -> None:
        reward = log.get("reward")
        ticker.at(step, f"reward {reward:.2f}" if reward is not None else "")

    adapter = grpo.train(recipe, toolkit=toolkit, callbacks=[OnStep(tell)])
    shutil.copytree(adapter, folder.adapter, dirs_exist_ok=True)
    log = [json.loads(line) for line in (folder.training / grpo.LOG).read_text().splitlines()]
    return {"log": [entry for entry in log if "reward" in entry], "reward": repr(build_reward(recipe))}


def write(folder: Folder, ticker: Ticker, toolkit: Toolkit, recipe: Recipe) -> dict[str, Any]:
    """Documents by the trained model with the tag language enforced while it writes, sampled, and run for real."""
    from llmi_sandbox import report

    split = saved.load(folder.dataset)
    rows = _varied(split.test, folder.settings.written)
    syntax = [RowConstraint(input_images=len(row.images)) for row in rows]
    writer = _writer(folder, recipe, trained=True)
    found = evaluate(
        writer,
        rows,
        build_reward(recipe),
        toolkit,
        progress=ticker.at,
        temperature=recipe.grpo["temperature"],
        constraints=syntax,
        seed=folder.settings.seed,
    )
    folder.documents.mkdir(exist_ok=True)
    for number, answer in enumerate(found.answers, 1):
        page = report.document_page(answer.document, prompt=answer.row.text)
        write_whole(folder.documents / f"{number:02}.html", page)
    return found.summary() | {"shown": [_record(answer) for answer in found.answers]}


def _writer(folder: Folder, recipe: Recipe, *, trained: bool) -> Writer:
    adapter = folder.adapter if trained else None
    longest = recipe.grpo["max_completion_length"]
    return Writer.load(folder.base, adapter, max_new_tokens=longest, batch_size=48)


def _showcase(found: Evaluation) -> list[Judged]:
    """The first answers to prompts that ask for different things: same prompts for every policy."""
    chosen = {row.id for row in _varied([a.row for a in found.answers], SHOWN)}
    return [answer for answer in found.answers if answer.row.id in chosen]


def _varied(rows: Sequence[Row], number: int) -> list[Row]:
    """Rows of as many different kinds as possible, in an order that depends on the rows alone."""
    kinds: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        kinds.setdefault(row.required_tools, []).append(row)
    queues = [sorted(kind, key=lambda row: (row.image_count not in (1, 2, 3), row.id)) for kind in kinds.values()]
    turns = [row for turn in range(len(rows)) for queue in queues for row in queue[turn : turn + 1]]
    return turns[:number]


def _record(answer: Judged) -> dict[str, Any]:
    """One answer as JSON: enough to show it again without running anything."""
    return {
        "row": answer.row.model_dump(mode="json", include={"id", "image_count", "required_tools"}),
        "prompt": answer.row.text,
        "document": answer.document.model_dump(mode="json"),
        "valid": valid(answer),
        "score": answer.score.value,
        "components": answer.score.components,
        "reason": answer.score.reason,
    }
