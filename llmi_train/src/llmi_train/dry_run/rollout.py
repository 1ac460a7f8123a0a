"""One rollout of a recipe: a prompt of its data, an answer, the answer's pictures and its score."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmi_data import Plan, Row, make_dataset
from llmi_data import dataset as saved
from llmi_reward import Sample, Score, presets
from llmi_schema import ConfigurationError, RowConstraint, parse
from llmi_train.dry_run.parts import model_folder, twin_of
from llmi_train.reward import build_reward

if TYPE_CHECKING:
    from llmi_reward import Formula
    from llmi_train.memory import Architecture
    from llmi_train.policies import Completion, LocalPolicy
    from llmi_train.recipe import Recipe

logger = logging.getLogger(__name__)

_LONGEST = 160
"""Tokens of a twin's answer, which is noise but for what is forced; enough for a few tags."""


@dataclass(frozen=True)
class Rollout:
    """What came of one prompt.

    Attributes:
        row: the prompt and its labels.
        text: what the policy wrote.
        pictures: how many were delivered, of how many tags.
        tags: how many tags were attempted.
        score: what it was worth.
        formula: the reward, written out.
        remarks: where this is not what the run itself would do, one sentence each.
    """

    row: Row
    text: str
    pictures: int
    tags: int
    score: Score
    formula: str
    remarks: tuple[str, ...]

    def __str__(self) -> str:
        value = f"{self.score.value:.3f}" if self.score.value is not None else f"unscored: {self.score.reason}"
        parts = ", ".join(f"{name} {_number(part)}" for name, part in self.score.components.items())
        tools = ", ".join(self.row.required_tools) or "any"
        return "\n".join(
            [
                "One rollout:",
                f"  prompt    {_short(self.row.text)}",
                f"  wanted    pictures: {self.row.constraint.count}; tools: {tools}",
                f"  answer    {_short(self.text)}",
                f"  pictures  {self.pictures} delivered for {self.tags} tags",
                f"  reward    {self.formula}",
                f"  score     {value} ({parts})",
                *(f"  note: {remark}" for remark in self.remarks),
            ]
        )


def roll_out(recipe: Recipe, architecture: Architecture, *, unsafe: bool = False) -> Rollout:
    """Write, render and score one answer, with the recipe's own parts as far as they are at hand."""
    from llmi_train.grpo.run import open_toolkit

    remarks: list[str] = []
    row = _row(recipe, remarks)
    formula = _formula(recipe, remarks)
    policy, budget, forced = _policy(recipe, architecture, remarks)
    constraint = _constraint(row, "row" if forced else recipe.constrain)
    completion = asyncio.run(_write(policy, row, constraint, budget, recipe.grpo.get("temperature", 1.0)))

    async def score() -> tuple[Any, Score]:
        with open_toolkit(recipe.tools, unsafe=unsafe) as toolkit:
            rendered = await toolkit.render(parse(completion.text, len(row.images)), row.pictures)
            sample = Sample(row.messages, rendered, row.constraint, truncated=not completion.finished)
            return rendered, await formula(sample)

    rendered, scored = asyncio.run(score())
    return Rollout(
        row=row,
        text=completion.text,
        pictures=len(rendered.delivered),
        tags=len(rendered.document.tags),
        score=scored,
        formula=repr(formula),
        remarks=tuple(remarks),
    )


def _row(recipe: Recipe, remarks: list[str]) -> Row:
    """The first row of the recipe's data; a made-up one where they are not there yet."""
    name = str(recipe.data)
    if not name.startswith("demo:"):
        if Path(name).is_dir():
            rows = saved.load(Path(name)).train
            if not rows:
                raise ConfigurationError(f"data: {name} holds no row to train on")
            return rows[0]
        remarks.append(f"there is no dataset in {name}; the prompt is one of the demo's")
    return make_dataset(Plan.demo(rows=76, seed=recipe.seed, test_share=0)).split.train[0]


def _formula(recipe: Recipe, remarks: list[str]) -> Formula:
    try:
        return build_reward(recipe)
    except ConfigurationError as error:
        remarks.append(f"scored with the preset `rules`, since the judges are not set up: {error}")
        return presets.rules(strict=recipe.strict_counts)


def _policy(recipe: Recipe, architecture: Architecture, remarks: list[str]) -> tuple[LocalPolicy, int, bool]:
    """The policy, its token budget, and whether its answer must be forced to be a document."""
    folder = model_folder(recipe)
    if _weights_in(folder):
        longest = recipe.grpo.get("max_completion_length", 512)
        random = recipe.model != folder
        if random:
            remarks.append("a twin's weights are random, so its answer was written under the row's own constraint")
        policy = _load(folder, architecture.sees, instruct=recipe.instruct and not random)
        return policy, min(longest, _LONGEST) if random else longest, random
    tiny = twin_of(architecture)
    if tiny is None:
        raise ConfigurationError(f"model: the weights of {folder} are not on this machine, and it has no tiny twin")
    remarks.append(
        f"the weights of {folder} are not on this machine: the answer is by a tiny model of the same architecture with "
        "random weights, written under the row's own constraint"
    )
    return _load(tiny, architecture.sees), _LONGEST, True


def _weights_in(folder: str) -> bool:
    return any(Path(folder).glob("*.safetensors")) or any(Path(folder).glob("pytorch_model*.bin"))


def _load(folder: str, sees: bool, *, instruct: bool = False) -> LocalPolicy:
    import transformers

    from llmi_train.doctor import tokenizers
    from llmi_train.policies import LocalPolicy, Writer

    kind = transformers.AutoModelForImageTextToText if sees else transformers.AutoModelForCausalLM
    model = kind.from_pretrained(folder, dtype="auto").eval()
    processor = tokenizers.load(folder, sees=sees)
    writer = Writer(model, getattr(processor, "tokenizer", processor))
    return LocalPolicy(writer, processor=processor if sees else None, instruct=instruct)


async def _write(
    policy: LocalPolicy, row: Row, constraint: RowConstraint | None, budget: int, temperature: float
) -> Completion:
    from llmi_train.policies import Request

    request = Request(row.messages, row.pictures, temperature=temperature, max_tokens=budget, constraint=constraint)
    return await policy.write(request)


def _constraint(row: Row, constrain: str) -> RowConstraint | None:
    inputs = len(row.images)
    match constrain:
        case "none":
            return None
        case "syntax":
            return RowConstraint(input_images=inputs)
        case _:
            wanted = row.constraint
            return RowConstraint(wanted.count, inputs, required_tools=wanted.required_tools)


def _number(part: float | None) -> str:
    return "not computed" if part is None else f"{part:.2f}"


def _short(text: str, limit: int = 240) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[:limit]} ..."
