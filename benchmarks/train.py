"""What the trainer adds to plain TRL, and what it takes back: step times, side by side in one process.

    python benchmarks/train.py                       # about four minutes on two cores
    python benchmarks/train.py --rounds 2 --steps 4  # about a minute

Both train the same small model on the same prompts from the same seed and give each completion the same value, so both
do the same work; it is checked that they end with the same weights, bit by bit. Runs of the two alternate.

Plain TRL has the same reward, `llmi_reward.integrations.trl`: it parses, scores and counts the same things. Without
latency, the difference is what watching the rows, early scoring, kept completions and the log cost: compared in
processor time of the whole process, which other work on the machine changes least, and in wall time.

With a judge that takes `--latency` seconds for each completion and any number at once, the last completion to end
decides: nothing can be gained, and the bar is a step without latency, plus the latency, plus ten per cent. Wall time
means something on a quiet machine only, so the seconds a step stands still for the judge are given too.

A judge that takes `--at-once` completions at a time, a quarter of the latency each, is asked by plain TRL when all are
written; here it works through the queue while others are still written.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from results import record, show

ADDED, BOUND = 0.02, 0.10


@dataclass
class Times:
    """Seconds of each step: of the clock, of the processor, and of waiting for the reward."""

    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    waiting: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class World:
    """What both trainers are given."""

    model: Path
    rows: Any
    settings: dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="runs of each")
    parser.add_argument("--steps", type=int, default=8, help="steps of a run; the first is not counted")
    parser.add_argument("--samples", type=int, default=32, help="completions per step")
    parser.add_argument("--tokens", type=int, default=96, help="of the longest completion")
    parser.add_argument("--hidden", type=int, default=128, help="the model's width")
    parser.add_argument("--latency", type=float, default=1.0, help="of the judge, in seconds")
    parser.add_argument("--at-once", type=int, default=8, help="completions that the busy judge takes at a time")
    options = parser.parse_args()
    os.environ.update(OMP_NUM_THREADS="1", HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
    import torch

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        world = build(Path(folder), options)
        instant = compare(world, Path(folder), options.rounds, 0.0)
        rounds = max(1, options.rounds // 2)
        slow = compare(world, Path(folder), rounds, options.latency)
        queue = compare(world, Path(folder), rounds, options.latency / 4, options.at_once)
    report(instant, slow, queue, options)


def build(folder: Path, options: argparse.Namespace) -> World:
    import torch

    from llmi_data import Plan, make_dataset
    from llmi_data.dataset import to_dataset
    from llmi_train import tiny
    from llmi_train.grpo.policy import training_columns

    made = make_dataset(Plan.demo(rows=96)).split.train
    tokenizer = tiny.train_tokenizer([row.text for row in made])
    torch.manual_seed(0)
    model = tiny.build_model(tokenizer, hidden=options.hidden)
    # random weights hardly ever end: some other tokens end an answer too, so that lengths differ as in life
    ends = list(range(300, 300 + len(tokenizer) // options.tokens * 2))
    model.generation_config.eos_token_id = [tokenizer.eos_token_id, *ends]
    tiny.save(model, tokenizer, folder / "model")
    rows = to_dataset(made).select_columns(["prompt", "image_count", "required_tools", "images"])
    settings = {
        "max_steps": options.steps,
        "per_device_train_batch_size": options.samples,
        "gradient_accumulation_steps": 1,
        "num_generations": 8,
        "max_completion_length": options.tokens,
        "learning_rate": 1e-4,
        "use_cpu": True,
        "bf16": False,
        "gradient_checkpointing": False,
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "logging_steps": 1,
        "remove_unused_columns": False,
    }
    return World(folder / "model", training_columns(rows, tokenizer), settings)


def compare(world: World, folder: Path, rounds: int, latency: float, at_once: int = 10**6) -> dict[str, Times]:
    """Times of both trainers. Raises SystemExit when they did not do the same."""
    found = {"plain": Times(), "ours": Times()}
    for number in range(rounds):
        both = [("plain", plain), ("ours", ours)]
        digests = {
            name: run(world, folder / f"{name}-{latency}-{at_once}-{number}", judge(latency, at_once), found[name])
            for name, run in (both if number % 2 else both[::-1])
        }
        if len(set(digests.values())) != 1:
            raise SystemExit("the two trainers did not end with the same weights: the comparison is void")
    return found


def plain(world: World, output: Path, judged: Any, times: Times) -> str:
    """TRL as it is, with the same reward as a function for it."""
    from peft import LoraConfig, TaskType
    from transformers import PrinterCallback
    from trl import GRPOConfig, GRPOTrainer

    from llmi_reward.integrations.trl import trl_reward
    from llmi_train.grpo.run import end_tokens

    model, tokenizer = load(world)
    scored = trl_reward(judged, render=None, end_tokens=end_tokens(model, tokenizer))

    async def reward(*args: Any, **columns: Any) -> list[float | None]:
        asked = time.perf_counter()
        values = await scored(*args, **columns)
        times.waiting.append(time.perf_counter() - asked)
        return values

    trainer = GRPOTrainer(
        model=model,
        args=GRPOConfig(output_dir=str(output), seed=0, **world.settings),
        reward_funcs=reward,
        train_dataset=world.rows,
        processing_class=tokenizer,
        peft_config=LoraConfig(task_type=TaskType.CAUSAL_LM, **lora().model_dump()),
        callbacks=[clock(times)],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    trainer.save_model(str(output / "adapter"))
    return digest(output / "adapter")


def ours(world: World, output: Path, judged: Any, times: Times) -> str:
    """The same through `train_grpo`, as a recipe is run."""
    from llmi_reward.integrations.scorer import Scorer
    from llmi_train.grpo.run import end_tokens, train_grpo
    from llmi_train.grpo.scoring import Scoring
    from llmi_train.recipe import Kept

    model, tokenizer = load(world)
    scoring = Scoring(Scorer(judged, None), end_tokens=end_tokens(model, tokenizer))
    adapter = train_grpo(
        model,
        tokenizer,
        world.rows,
        scoring,
        output,
        lora=lora(),
        zero="none",
        seed=0,
        callbacks=[clock(times)],
        completions=Kept(),
        **world.settings,
    )
    return digest(adapter)


def judge(latency: float, at_once: int) -> Any:
    """A reward that takes its time and gives some value that differs between completions."""
    from llmi_reward import Score

    places = asyncio.Semaphore(at_once)

    async def judged(sample: Any) -> Score:
        if latency:
            async with places:
                await asyncio.sleep(latency)
        return Score(len(str(sample.parsed)) % 17 / 17)

    return judged


def load(world: World) -> Any:
    from llmi_train.grpo.policy import load_policy

    return load_policy(str(world.model))


def lora() -> Any:
    from llmi_train import Lora

    return Lora(r=8, lora_alpha=16)


def clock(times: Times) -> Any:
    """A callback that times every step but the first."""
    from transformers import TrainerCallback

    class Clock(TrainerCallback):
        started = (0.0, 0.0)

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
            if "reward/waited_seconds" in logs:
                times.waiting.append(logs["reward/waited_seconds"])

        def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self.started = time.perf_counter(), time.process_time()

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if state.global_step > 1:
                times.wall.append(time.perf_counter() - self.started[0])
                times.processor.append(time.process_time() - self.started[1])

    return Clock()


def digest(adapter: Path) -> str:
    from safetensors.torch import load_file

    weights = load_file(adapter / "adapter_model.safetensors")
    return hashlib.sha256(b"".join(weights[name].numpy().tobytes() for name in sorted(weights))).hexdigest()


def report(
    instant: dict[str, Times], slow: dict[str, Times], queue: dict[str, Times], options: argparse.Namespace
) -> None:
    def middle(pick: Callable[[Times], list[float]], times: dict[str, Times]) -> tuple[float, float]:
        return statistics.median(pick(times["plain"])), statistics.median(pick(times["ours"]))

    processor = middle(lambda times: times.processor, instant)
    wall = middle(lambda times: times.wall, instant)
    judged = middle(lambda times: times.wall, slow)
    waiting = middle(lambda times: times.waiting, slow)
    queued = middle(lambda times: times.waiting, queue)
    bound = (wall[1] + options.latency) * (1 + BOUND)
    pairs = zip(instant["ours"].processor, instant["plain"].processor, strict=True)
    added = statistics.median(ours / plain for ours, plain in pairs) - 1  # of steps that do the same work
    rows = [
        ("processor seconds per step", *processor, f"{added:+.1%} (at most {ADDED:+.0%})"),
        ("seconds per step", *wall, f"{wall[1] / wall[0] - 1:+.1%}"),
        (f"with a judge of {options.latency:g} s", *judged, f"at most {bound:.3g}"),
        ("of which waiting for it", *waiting, f"at most {options.latency:.3g}, and 10 % of a step"),
        (f"waiting for one that takes {options.at_once} at a time", *queued, ""),
    ]
    show("A training step, medians", ["", "plain TRL", "ours", "ours against the bar"], rows)
    figures = {
        "processor_seconds": {"plain": processor[0], "ours": processor[1], "added": added, "bar": ADDED},
        "wall_seconds": {"plain": wall[0], "ours": wall[1], "added": wall[1] / wall[0] - 1},
        "judged_wall_seconds": {"plain": judged[0], "ours": judged[1], "bar": bound},
        "waiting_seconds": {"plain": waiting[0], "ours": waiting[1], "bar": options.latency + BOUND * wall[1]},
        "queued_waiting_seconds": {"plain": queued[0], "ours": queued[1]},
        "met": {
            "added": added <= ADDED,
            "latency": judged[1] <= bound,
            "waiting": waiting[1] <= options.latency + BOUND * wall[1],
        },
        "steps": {"instant": len(instant["ours"].wall), "judged": len(slow["ours"].wall)},
        "same_weights": True,
    }
    path = record("train", figures, **vars(options))
    print(f"recorded in {path.name}")


if __name__ == "__main__":
    main()
