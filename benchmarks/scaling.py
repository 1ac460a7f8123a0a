"""Test-time scaling: what each stage gains where the truth is known, and how much code a real model repairs.

    python benchmarks/scaling.py simulate --tasks 400
    python benchmarks/scaling.py repair --model NAME@http://localhost:8000/v1

`simulate`: documents whose text, pictures and code have a known quality, judges that see it through noise, and a scorer
with noise of its own that selects nothing. Every stage works alone on the same tasks, against the document that would
have been returned without it; intervals are paired bootstraps over tasks. The judges' noise is an option: with enough
of it no stage helps, and none may do harm by its own judge.

`repair`: the hundred broken snippets of the tests, repaired by the model you name, in the real sandbox.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from results import record, show

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "llmi_train" / "scaling"))

from scripted import Model, Tools, Writer, code, comparing, diffusion, picking, qualities, search, shade

from llmi_schema import Constraint, ImageCount
from llmi_train.evaluate.statistics import compare, estimate
from llmi_train.policies import Request
from llmi_train.scaling import (
    Candidate,
    Filter,
    PickPictures,
    Polish,
    Question,
    RepairCode,
    Sample,
    Select,
    Stage,
    fitness,
    paper_stages,
    scale,
)

WANTED = Constraint(count=ImageCount.exactly(3))
QUESTION = Question.of("a page with three pictures", constraint=WANTED)
_WORKS = "plt.plot([1])"


@dataclass(frozen=True)
class World:
    """One task: how good what a policy, tools and a repairing model give is, all drawn from `seed`.

    Attributes:
        noise: of the judges, as a standard deviation of qualities between 0 and 1.
    """

    seed: int
    noise: float

    def policy(self) -> Writer:
        return Writer(self._write)

    def tools(self) -> Tools:
        return Tools(quality=self._picture)

    def judge(self) -> Model:
        return comparing(self.noise, self.seed)

    def picker(self) -> Model:
        return picking(self.noise, self.seed)

    def repairer(self) -> Model:
        """Mends a snippet in every second answer."""
        chance = self._chance("repairer")
        return Model(
            lambda said, messages, number: {
                "diagnosis": "so",
                "code": _WORKS if chance.random() < 0.5 else f"attempt {number}",
            }
        )

    def score(self, candidate: Candidate) -> float:
        """The paper's 0.2 s + 0.3 s M + 0.5 L with the truth for M and L, and a noise of the scorer's own."""
        (text,) = qualities(candidate.rendered.document.source)
        pictures = [shade(picture.png) for picture in candidate.rendered.delivered]
        count = float(WANTED.count.allows(len(pictures)))
        seen = sum(pictures) / len(pictures) if pictures else 0.0
        truth = 0.2 * count + 0.3 * count * seen + 0.5 * text
        return truth + self._chance("scorer", candidate.digest).gauss(0, 0.05)

    def _write(self, request: Request) -> str:
        polishing = len(request.messages) > 1
        chance = self._chance("policy", request.seed, polishing)
        if polishing:  # the policy's second look is as likely to harm as to help
            before = str(request.messages[-2]["content"])
            (quality,) = qualities(before)
            now = min(1.0, max(0.0, quality + chance.gauss(0, 0.15)))
            return before.replace(f"[q={quality:.4f}]", f"[q={now:.4f}]")
        tags = [search(f"fox {request.seed}"), diffusion(f"dream {request.seed}")]
        if chance.random() < 0.7:
            tags.append(code(f"{'broken' if chance.random() < 0.5 else 'good'} {request.seed}"))
        return f"A text. [q={chance.random():.4f}] " + " Then. ".join(tags)

    def _picture(self, what: str, rank: int) -> float | None:
        if what.startswith(("broken", "attempt")):
            return None
        return self._chance(what, rank).random()

    def _chance(self, *of: object) -> random.Random:
        return random.Random(f"{self.seed} {of}")


STAGES: dict[str, Callable[[World], Stage]] = {
    "filter": lambda world: Filter(),
    "repair": lambda world: RepairCode(world.repairer()),
    "pick": lambda world: PickPictures(world.picker(), others=3),
    "select": lambda world: Select(world.judge()),
    "polish": lambda world: Polish(world.judge()),
}


async def alone(name: str, tasks: int, noise: float) -> dict[str, Any]:
    """One stage on its own behind sampling: the scorer's means without and with it, and the paired gain.

    Stages that choose are given four candidates, those that change one.
    """
    candidates = 4 if name in ("filter", "select") else 1
    before, after, own = [], [], []
    for seed in range(tasks):
        world = World(seed, noise)
        sampled = await scale(QUESTION, world.policy(), world.tools(), [Sample(candidates)])
        staged = await scale(QUESTION, world.policy(), world.tools(), [Sample(candidates), STAGES[name](world)])
        assert sampled.best is not None
        assert staged.best is not None
        before.append(world.score(sampled.best))
        after.append(world.score(staged.best))
        own.append(staged.report.stages[1])
    gain = compare([(x, x) for x in before], [(x, x) for x in after])
    return {
        "before": sum(before) / tasks,
        "after": sum(after) / tasks,
        "gain": gain.mean,
        "interval": (gain.lower, gain.upper),
        "better": gain.better,
        "worse": gain.worse,
        "tasks": tasks,
        "worse by its own judge": sum((stage.gain or 0.0) < 0 for stage in own),
        "tokens": sum(stage.cost.tokens for stage in own) / tasks,
        "calls": sum(stage.cost.calls for stage in own) / tasks,
    }


async def together(n: int, tasks: int, noise: float) -> dict[str, Any]:
    """All stages with n candidates."""
    scores, tokens, calls, satisfied = [], 0, 0, 0
    for seed in range(tasks):
        world = World(seed, noise)
        stages: Sequence[Stage] = [
            PickPictures(world.picker(), others=3) if stage.name == "pick" else stage
            for stage in paper_stages(n, judge=world.judge(), repairer=world.repairer())
        ]
        scaled = await scale(QUESTION, world.policy(), world.tools(), stages)
        assert scaled.best is not None
        scores.append(world.score(scaled.best))
        satisfied += fitness(scaled.best, WANTED).satisfied
        tokens += scaled.report.cost.tokens
        calls += scaled.report.cost.calls
    mean = estimate(scores, scores)
    return {
        "score": mean.low,
        "interval": (mean.lower, mean.upper),
        "satisfied": satisfied / tasks,
        "tokens": tokens / tasks,
        "calls": calls / tasks,
    }


async def simulate(tasks: int, noise: float, numbers: Sequence[int]) -> dict[str, Any]:
    stages = {name: await alone(name, tasks, noise) for name in STAGES}
    curve = {n: await together(n, tasks, noise) for n in numbers}
    return {"alone": stages, "together": curve}


async def repair(model: str, rounds: int, limit: int) -> dict[str, Any]:
    from broken_snippets import load_snippets

    from llmi_reward.chat import ChatClient, Usage
    from llmi_sandbox import CodeSandbox, CodeTool, Toolkit
    from llmi_sandbox.code.limits import Limits
    from llmi_schema import CodeCall, CodeParams
    from llmi_train.policies.loading import load_endpoint
    from llmi_train.scaling import Repair, repair_code

    snippets = load_snippets()[:limit]
    used = Usage()

    async with ChatClient(load_endpoint(model), options={"max_tokens": 4096}) as chat:

        class Counted:
            async def ask(self, messages: Any, **settings: Any) -> Any:
                nonlocal used
                answer = await chat.ask(messages, **settings)
                used += answer.usage
                return answer

        sandbox = CodeSandbox(limits=Limits(cpu_seconds=5))
        async with Toolkit({"code": CodeTool(sandbox)}) as toolkit:

            async def one(broken: str) -> Repair:
                def run(text: str) -> Any:
                    return toolkit.call(CodeCall(description="", params=CodeParams(code=text)))

                return await repair_code(Counted(), broken, run, rounds=rounds, seconds=300)

            repairs = await asyncio.gather(*(one(snippet.broken) for snippet in snippets))
    fixed = [repair for repair in repairs if repair.fixed]
    left = zip(snippets, repairs, strict=True)
    return {
        "snippets": len(snippets),
        "rate": len(fixed) / len(snippets),
        "rounds": dict(sorted(Counter(repair.rounds for repair in fixed).items())),
        "ended": dict(Counter(repair.ended for repair in repairs)),
        "tokens": used.tokens,
        "not repaired": {snippet.name: repair.ended for snippet, repair in left if not repair.fixed},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    simulating = commands.add_parser("simulate")
    simulating.add_argument("--tasks", type=int, default=400)
    simulating.add_argument("--noise", type=float, default=0.2)
    simulating.add_argument("--n", type=int, nargs="+", default=[1, 2, 4, 8])
    repairing = commands.add_parser("repair")
    repairing.add_argument("--model", required=True)
    repairing.add_argument("--rounds", type=int, default=3)
    repairing.add_argument("--limit", type=int, default=100)
    options = parser.parse_args()
    if options.command == "repair":
        figures = asyncio.run(repair(options.model, options.rounds, options.limit))
        show("repair", ("", ""), [(name, str(value)) for name, value in figures.items() if name != "not repaired"])
        record("scaling-repair", figures, model=options.model, rounds=options.rounds)
        return
    figures = asyncio.run(simulate(options.tasks, options.noise, options.n))
    show(
        f"each stage alone, {options.tasks} tasks, scored by who selects nothing",
        ("stage", "without", "with", "gain", "95 %", "worse by its own judge", "tokens", "calls"),
        [
            (
                name,
                f["before"],
                f["after"],
                f["gain"],
                f"{f['interval'][0]:+.3f} to {f['interval'][1]:+.3f}",
                f["worse by its own judge"],
                f["tokens"],
                f["calls"],
            )
            for name, f in figures["alone"].items()
        ],
    )
    show(
        "all stages together",
        ("candidates", "score", "95 %", "as asked for", "tokens", "calls"),
        [
            (
                n,
                f["score"],
                f"{f['interval'][0]:.3f} to {f['interval'][1]:.3f}",
                f"{f['satisfied']:.0%}",
                f["tokens"],
                f["calls"],
            )
            for n, f in figures["together"].items()
        ],
    )
    record("scaling-simulated", figures, tasks=options.tasks, noise=options.noise)


if __name__ == "__main__":
    main()
