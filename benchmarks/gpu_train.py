"""GRPO on a GPU at a realistic size: tokens per second, where a step's time goes, and memory beside its estimate.

    python benchmarks/gpu_train.py                        # Qwen3 0.6B from scratch, on one GPU, about five minutes
    python benchmarks/gpu_train.py --tiny                 # the same on a CPU, to see that it runs

Weights are random and made here (no download), so nothing is learnt and no reward is looked at: rollouts run to the
token limit, which is the most work a step can be. Three runs with the same sizes and the same reward time:

- plain: TRL's own trainer, the reward a function that waits `--reward-seconds` and returns numbers;
- ours: this project's trainer with the same waiting, free;
- constrained: the same with every rollout held to the tag language.

Each run is a process of its own, so that memory is measured from nothing. On a CPU `torch` counts no memory: the
column is left empty there, and the estimate is compared with measurements in `tests/llmi_train/memory`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Literal

Kind = Literal["plain", "ours", "constrained"]
KINDS: tuple[Kind, ...] = ("plain", "ours", "constrained")
LORA = {"r": 32, "lora_alpha": 64, "target_modules": "all-linear"}


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiny", action="store_true", help="a toy size on the CPU")
    parser.add_argument("--model", default="Qwen/Qwen3-0.6B", help="whose dimensions; weights are random")
    parser.add_argument("--steps", type=int, default=8, help="steps that are measured; two more come first")
    parser.add_argument("--batch", type=int, default=8, help="per_device_train_batch_size")
    parser.add_argument("--answers", type=int, default=8, help="num_generations")
    parser.add_argument("--completion", type=int, default=512, help="max_completion_length")
    parser.add_argument("--reward-seconds", type=float, default=0.5, help="what a batch of rewards takes")
    parser.add_argument("--runs", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--zero", choices=("none", "zero2", "zero3"), default="none")
    parser.add_argument("--one", choices=KINDS, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    return parser


def main() -> None:
    given = options().parse_args()
    if given.tiny:
        given.steps, given.batch, given.answers, given.completion = min(given.steps, 2), 4, 4, 24
        given.reward_seconds = min(given.reward_seconds, 0.1)
    if given.one:
        given.out.write_text(json.dumps(measure(given, given.one)))
        return
    from results import record, show

    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind in given.runs:
            out = Path(folder) / f"{kind}.json"
            subprocess.run([sys.executable, __file__, *sys.argv[1:], "--one", kind, "--out", str(out)], check=True)
            figures[kind] = json.loads(out.read_text())
    columns = (
        "tokens/s",
        "step s",
        "generation s",
        "reward s",
        "update s",
        "memory GiB",
        "estimate GiB",
        "estimate/measured",
    )
    rows = [[kind, *(shown(figures[kind].get(name)) for name in columns)] for kind in figures]
    show(f"GRPO on {figures[given.runs[0]]['device']}", ("run", *columns), rows)
    print(figures[given.runs[-1]]["arithmetic"])
    name = "gpu-train-tiny" if given.tiny else "gpu-train"
    print(record(name, figures, **{key: value for key, value in vars(given).items() if key not in ("one", "out")}))


def shown(value: Any) -> Any:
    return "–" if value is None else value


def measure(given: argparse.Namespace, kind: Kind) -> dict[str, Any]:
    """One run in this process: medians over the measured steps."""
    import statistics

    import torch

    from llmi_train.memory import estimate

    model, tokenizer, architecture = build(given)
    trainer, clock = make_trainer(given, kind, model, tokenizer)
    on_gpu = torch.cuda.is_available() and not given.tiny
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    trainer.train()
    history = [entry for entry in trainer.state.log_history if "step_time" in entry][2:]
    step = statistics.median(entry["step_time"] for entry in history)
    generation = statistics.median(clock["generation"][2:])
    reward = statistics.median(clock["reward"][2:])
    tokens = given.batch * statistics.mean(entry["completions/mean_length"] for entry in history)
    prompt = int(statistics.mean(clock["prompt tokens"]))
    expected = estimate(architecture, load(given, prompt, on_gpu))
    measured = torch.cuda.max_memory_allocated() if on_gpu else None
    return {
        "device": torch.cuda.get_device_name() if on_gpu else "a CPU",
        "tokens/s": tokens / step,
        "step s": step,
        "generation s": generation,
        "reward s": reward,
        "update s": max(0.0, step - generation - reward),
        "memory GiB": measured / 2**30 if measured else None,
        "estimate GiB": expected.peak / 2**30,
        "estimate/measured": expected.peak / measured if measured else None,
        "reserved GiB": torch.cuda.max_memory_reserved() / 2**30 if on_gpu else None,
        "arithmetic": str(expected),
    }


def build(given: argparse.Namespace) -> tuple[Any, Any, Any]:
    """A model with random weights and the published shape, and a tokenizer trained on the spot."""
    import torch

    from llmi_data import Plan, make_dataset
    from llmi_train.memory import Architecture, architecture_of
    from llmi_train.tiny import build_model, train_tokenizer

    tokenizer = train_tokenizer([row.text for row in make_dataset(Plan.demo(rows=76)).split.train])
    torch.manual_seed(0)
    if given.tiny:
        model = build_model(tokenizer, hidden=64)
        return model, tokenizer, Architecture(model.config, "the toy built here")
    architecture = architecture_of(given.model)
    for key in ("pad_token_id", "eos_token_id"):
        setattr(architecture.text, key, getattr(tokenizer, key))
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        model = architecture.build(dtype=torch.bfloat16)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    return model, tokenizer, architecture


def load(given: argparse.Namespace, prompt_tokens: int, on_gpu: bool) -> Any:
    from llmi_train.memory import Load

    return Load(
        prompt_tokens=prompt_tokens,
        completion_tokens=given.completion,
        micro_batch=given.batch,
        rollouts=given.batch,
        lora=LORA,
        zero=given.zero,
        checkpointing=not given.tiny,
        half=not given.tiny,
        device="cuda" if on_gpu else "cpu",
    )


def make_trainer(
    given: argparse.Namespace, kind: Kind, model: Any, tokenizer: Any
) -> tuple[Any, dict[str, list[float]]]:
    """The trainer of a run, and a clock that is filled while it runs."""
    from datasets import Dataset
    from peft import LoraConfig, TaskType
    from trl import GRPOConfig, GRPOTrainer

    from llmi_data import Plan, make_dataset
    from llmi_train.distributed import deepspeed_config, single_process_environment

    clock: dict[str, list[float]] = {"generation": [], "reward": [], "prompt tokens": []}

    async def reward(completions: Any, **columns: Any) -> list[float]:
        started = time.perf_counter()
        await asyncio.sleep(given.reward_seconds)
        clock["reward"].append(time.perf_counter() - started)
        return [float(number % 3) for number in range(len(completions))]

    if given.zero != "none":
        single_process_environment()
    folder = tempfile.mkdtemp(prefix="gpu-train-")
    config = GRPOConfig(
        output_dir=folder,
        max_steps=given.steps + 2,
        per_device_train_batch_size=given.batch,
        num_generations=given.answers,
        max_completion_length=given.completion,
        gradient_checkpointing=not given.tiny,
        bf16=not given.tiny,
        use_cpu=given.tiny,
        deepspeed=deepspeed_config(given.zero),
        generation_kwargs={"min_new_tokens": given.completion} if kind != "constrained" else None,
        logging_steps=1,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
        seed=0,
    )
    rows = Dataset.from_list(
        [{"prompt": row.messages, "image_count": 0} for row in make_dataset(Plan.demo(rows=76)).split.train]
    )
    parts: dict[str, Any] = {
        "model": model,
        "args": config,
        "reward_funcs": reward,
        "train_dataset": rows,
        "processing_class": tokenizer,
        "peft_config": LoraConfig(task_type=TaskType.CAUSAL_LM, **LORA),
    }
    if kind == "plain":
        trainer: Any = GRPOTrainer(**parts)
    else:
        from llmi_train.grpo.trainer import DocumentTrainer

        trainer = DocumentTrainer(constrain="syntax" if kind == "constrained" else "none", **parts)
    generate = trainer._generate_single_turn

    def timed(prompt_ids: Any, *args: Any, **settings: Any) -> Any:
        import torch

        clock["prompt tokens"].append(max(map(len, prompt_ids)))
        started = time.perf_counter()
        written = generate(prompt_ids, *args, **settings)
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        clock["generation"].append(time.perf_counter() - started)
        return written

    trainer._generate_single_turn = timed
    return trainer, clock


if __name__ == "__main__":
    main()
