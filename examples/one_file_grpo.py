"""LLM-I in one file: a model writes tags, tools run them, what was delivered is scored, GRPO teaches what scored.

    python examples/one_file_grpo.py                            # about two minutes on two cores; the reward rises
    python examples/one_file_grpo.py --warm-up 20 --steps 2     # only to see it run

Everything here is plain torch but for four things: the tag language (llmi_schema), the tools (llmi_sandbox), the
reward (llmi_reward) and LoRA (peft). `llmi-train grpo` does the same with TRL and DeepSpeed for real models.
"""

from __future__ import annotations

import argparse
import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from torch.nn.functional import cross_entropy

from llmi_reward import Formula, Sample, presets
from llmi_sandbox import Toolkit, report
from llmi_schema import CodeCall, CodeParams, Constraint, ImageCount, RenderedDocument, SearchCall, SearchParams, parse
from llmi_train.tiny import build_model, train_tokenizer

TOPICS = ("a red fox", "a sailing boat", "an apple tree", "a lighthouse", "a mountain lake", "a tabby cat", "a tram")
NUMBERS = ("no", "one", "two", "three")


@dataclass(frozen=True)
class Task:
    """A prompt and what it asks for. The model is shown the words, the reward the constraint."""

    text: str
    constraint: Constraint

    @property
    def messages(self) -> list[dict[str, str]]:
        return [{"role": "user", "content": self.text}]


@dataclass(frozen=True)
class Rollout:
    """One answer: token ids, whether it ended by itself, what became of it, and its score (None: unscored)."""

    task: Task
    ids: list[int]
    finished: bool
    document: RenderedDocument
    score: float | None


# ---------------------------------------------------------------- a task, and authors who do not read it carefully


def make_task(rng: random.Random) -> Task:
    count = rng.randint(0, 3)
    text = f"Tell me about {rng.choice(TOPICS)} with {NUMBERS[count]} picture{'s' if count != 1 else ''}."
    wanted = ImageCount.exactly(count) if count else ImageCount.none()
    return Task(text, Constraint(count=wanted))


def demonstration(task: Task, rng: random.Random) -> str:
    """A well-formed document whose number of pictures is only near what was asked: GRPO has something to teach."""
    topic = task.text.removeprefix("Tell me about ").partition(" with ")[0]
    count = max(0, (task.constraint.count.maximum or 0) + rng.choice((-1, 0, 0, 1)))
    tags = []
    for number in range(count):  # one photograph is all that can be found of a topic; the rest are charts
        if number == 0:
            tags.append(SearchCall(description=topic, params=SearchParams(query=topic)).to_tag())
        else:
            code = f"plt.bar(['a', 'b'], [{number}, {rng.randint(1, 9)}])"
            tags.append(CodeCall(description=topic, params=CodeParams(code=code)).to_tag())
    return "\n".join([f"This is {topic}.", *tags])


def warm_up(model: Any, tokenizer: Any, steps: int, rng: random.Random) -> None:
    """Supervised training on (prompt, document) pairs; the loss is on the document only."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.1, total_iters=steps)
    model.train()
    for _ in range(steps):
        batch = [(task, demonstration(task, rng)) for task in (make_task(rng) for _ in range(32))]
        prompts = [encode(tokenizer, task) for task, _ in batch]
        answers = [[*tokenizer.encode(text), tokenizer.eos_token_id] for _, text in batch]
        ids, mask, written = pad(prompts, answers, tokenizer.pad_token_id)
        logits = model(input_ids=ids, attention_mask=mask).logits[:, :-1]
        loss = cross_entropy(logits.transpose(1, 2), ids[:, 1:], reduction="none")[written[:, 1:]].mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
    print(f"warm-up: loss {loss.item():.2f} after {steps} steps")


# ---------------------------------------------------------------- write -> parse -> render -> score


@torch.no_grad()
def write(
    model: Any, tokenizer: Any, tasks: Sequence[Task], max_tokens: int, *, greedy: bool = False
) -> list[list[int]]:
    """One answer per task, as token ids; the end token is the last one of an answer that ended by itself."""
    model.eval()
    prompts = [encode(tokenizer, task) for task in tasks]
    ids, mask, _ = pad(prompts, [[] for _ in prompts], tokenizer.pad_token_id)
    sampling = {"do_sample": False} if greedy else {"do_sample": True, "temperature": 1.0, "top_k": 0}
    output = model.generate(input_ids=ids, attention_mask=mask, max_new_tokens=max_tokens, **sampling)
    return [upto(row, tokenizer.eos_token_id) for row in output[:, ids.shape[1] :].tolist()]


async def judge(
    tasks: Sequence[Task], written: list[list[int]], tokenizer: Any, toolkit: Toolkit, reward: Formula
) -> list[Rollout]:
    """Parse every answer, run its tags, score what was delivered. Each goes its own way; nobody waits for another."""

    async def one(task: Task, ids: list[int]) -> Rollout:
        finished = ids[-1:] == [tokenizer.eos_token_id]
        document = await toolkit.render(parse(tokenizer.decode(ids, skip_special_tokens=True)))
        score = await reward(Sample(task.messages, document, task.constraint, truncated=not finished))
        return Rollout(task, ids, finished, document, score.value)

    return list(await asyncio.gather(*map(one, tasks, written)))


# ---------------------------------------------------------------- GRPO


def advantages(scores: Sequence[float | None], group: int) -> torch.Tensor:
    """How much better an answer is than the others to its prompt, in standard deviations.

    An answer without a score is left out of its group and gets 0: nothing is learnt from it.
    """
    values = torch.tensor([float("nan") if score is None else score for score in scores]).view(-1, group)
    centred = values - values.nanmean(1, keepdim=True)
    spread = centred.square().nansum(1, keepdim=True).div((~values.isnan()).sum(1, keepdim=True) - 1).sqrt()
    return (centred / (spread + 1e-4)).nan_to_num(0.0).flatten()


def log_probabilities(model: Any, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Of every token but the first, given those before it. Shape (rows, tokens - 1)."""
    logits = model(input_ids=ids, attention_mask=mask).logits[:, :-1]
    return logits.log_softmax(-1).gather(-1, ids[:, 1:, None]).squeeze(-1)


def policy_loss(
    new: torch.Tensor, old: torch.Tensor, advantage: torch.Tensor, written: torch.Tensor, clip: tuple[float, float]
) -> torch.Tensor:
    """PPO's clipped objective over the written tokens, each row's advantage on all of its tokens.

    Shapes: (rows, tokens) for new, old and written, (rows,) for the advantage. The range is wider above (DAPO), and
    where the advantage is negative the ratio counts up to 10 (the paper's dual clip), so no single token runs away.
    """
    ratio = (new - old).exp().clamp(max=10.0)
    gain = torch.minimum(ratio * advantage[:, None], ratio.clamp(1 - clip[0], 1 + clip[1]) * advantage[:, None])
    return -(gain * written).sum() / written.sum()


def train(model: Any, tokenizer: Any, toolkit: Toolkit, reward: Formula, options: argparse.Namespace) -> list[float]:
    """The loop. Returns the mean reward of every step."""
    rng = random.Random(options.seed + 1)
    policy = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"))
    optimizer = torch.optim.AdamW([p for p in policy.parameters() if p.requires_grad], lr=options.lr, weight_decay=0.0)
    curve = []
    for step in range(1, options.steps + 1):
        tasks = [task for task in (make_task(rng) for _ in range(options.prompts)) for _ in range(options.group)]
        answers = write(policy, tokenizer, tasks, options.max_tokens)
        rollouts = asyncio.run(judge(tasks, answers, tokenizer, toolkit, reward))
        advantage = advantages([rollout.score for rollout in rollouts], options.group)
        ids, mask, written = pad([encode(tokenizer, task) for task in tasks], answers, tokenizer.pad_token_id)
        with torch.no_grad():
            old = log_probabilities(policy, ids, mask)
        for _ in range(options.updates):
            new = log_probabilities(policy, ids, mask)
            loss = policy_loss(new, old, advantage, written[:, 1:], clip=(0.2, 0.28))
            loss.backward()
            torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
        scores = [rollout.score for rollout in rollouts if rollout.score is not None]
        curve.append(sum(scores) / max(1, len(scores)))
        right = sum(r.task.constraint.count.allows(len(r.document.delivered)) for r in rollouts) / len(rollouts)
        unscored = len(rollouts) - len(scores)
        print(f"step {step:3}: reward {curve[-1]:.2f}, right number {right:.0%}, unscored {unscored}, loss {loss:+.3f}")
    policy.save_pretrained(options.output / "adapter")
    show(policy, tokenizer, toolkit, reward, options)
    return curve


def show(policy: Any, tokenizer: Any, toolkit: Toolkit, reward: Formula, options: argparse.Namespace) -> None:
    """A page with what the trained policy writes, pictures as they were delivered."""
    rng = random.Random(options.seed + 2)
    tasks = [make_task(rng) for _ in range(6)]
    answers = write(policy, tokenizer, tasks, options.max_tokens, greedy=True)
    rollouts = asyncio.run(judge(tasks, answers, tokenizer, toolkit, reward))
    cards = [
        report.document_card(r.document, prompt=r.task.text, constraint=r.task.constraint, marks=report.Marks(r.score))
        for r in rollouts
    ]
    page = options.output / "documents.html"
    page.write_text(report.page("What it writes now", cards, lede=f"The reward was `{reward!r}`."), encoding="utf-8")
    print(f"adapter: {options.output / 'adapter'}\ndocuments: {page}")


# ---------------------------------------------------------------- tensors


def encode(tokenizer: Any, task: Task) -> list[int]:
    text = tokenizer.apply_chat_template(task.messages, tokenize=False, add_generation_prompt=True)
    ids: list[int] = tokenizer.encode(text)
    return ids


def pad(
    prompts: Sequence[list[int]], answers: Sequence[list[int]], padding: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Prompts padded on the left, answers on the right: ids, what is real, and what the model wrote."""
    left, right = max(map(len, prompts)), max(map(len, answers))
    rows = [
        [padding] * (left - len(p)) + p + a + [padding] * (right - len(a))
        for p, a in zip(prompts, answers, strict=True)
    ]
    real = [
        [0] * (left - len(p)) + [1] * len(p + a) + [0] * (right - len(a)) for p, a in zip(prompts, answers, strict=True)
    ]
    written = [[False] * left + [True] * len(a) + [False] * (right - len(a)) for a in answers]
    return torch.tensor(rows), torch.tensor(real), torch.tensor(written)


def upto(ids: list[int], end: int) -> list[int]:
    """The ids up to the end token, that one included; all of them where there is none."""
    return ids[: ids.index(end) + 1] if end in ids else ids


def main(arguments: Sequence[str] | None = None) -> list[float]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--warm-up", type=int, default=150, help="supervised steps")
    parser.add_argument("--steps", type=int, default=60, help="GRPO steps")
    parser.add_argument("--prompts", type=int, default=8, help="prompts per step")
    parser.add_argument("--group", type=int, default=8, help="answers per prompt")
    parser.add_argument("--updates", type=int, default=2, help="updates per step; the second one is off-policy")
    parser.add_argument("--max-tokens", type=int, default=72)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path("runs/one_file"))
    options = parser.parse_args(arguments)

    rng = random.Random(options.seed)
    torch.manual_seed(options.seed)
    options.output.mkdir(parents=True, exist_ok=True)
    tasks = [make_task(rng) for _ in range(400)]
    tokenizer = train_tokenizer(
        [text for task in tasks for text in (task.text, demonstration(task, rng))], vocabulary=420
    )
    model = build_model(tokenizer, hidden=96)
    warm_up(model, tokenizer, options.warm_up, rng)
    with Toolkit.offline() as toolkit:
        return train(model, tokenizer, toolkit, presets.rules(strict=True), options)


if __name__ == "__main__":
    main()
