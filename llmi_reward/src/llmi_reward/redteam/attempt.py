"""Running attacks against a reward, and what comes of it."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from llmi_reward.integrations.background import run_blocking
from llmi_reward.redteam import world
from llmi_reward.redteam.attack import Attack
from llmi_reward.redteam.families import ATTACKS
from llmi_reward.sample import Sample
from llmi_reward.score import Score
from llmi_schema import Constraint, Document, ImageCount, Picture, RenderedDocument, parse

Verdict = Literal["held", "breach", "raised", "no_baseline"]
"""`held`: the trick earned no more, or was not scored. `breach`: it paid. `raised`: the reward failed, which ends some
training runs. `no_baseline`: the honest answer was not scored, so there is nothing to compare with."""

AnyReward = Callable[[Sample], Any]
"""A formula, or any function of a sample, async or plain, that answers a `Score`, a number or None."""

TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attack and what it and the honest answer earned."""

    attack: Attack
    verdict: Verdict
    honest: float | None
    attacked: float | None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """All attempts, in the order of the attacks."""

    attempts: tuple[Attempt, ...]

    @property
    def breaches(self) -> tuple[Attempt, ...]:
        """Attacks that paid or made the reward raise."""
        return tuple(attempt for attempt in self.attempts if attempt.verdict in ("breach", "raised"))

    def by_family(self) -> dict[str, dict[Verdict, int]]:
        """How many attacks of each family ended how."""
        families: dict[str, dict[Verdict, int]] = {}
        for attempt in self.attempts:
            counts = families.setdefault(attempt.attack.family, {})
            counts[attempt.verdict] = counts.get(attempt.verdict, 0) + 1
        return families

    def to_json(self) -> dict[str, Any]:
        attempts = [
            {
                "attack": attempt.attack.id,
                "verdict": attempt.verdict,
                "honest": attempt.honest,
                "attacked": attempt.attacked,
                "message": attempt.message,
            }
            for attempt in self.attempts
        ]
        return {"attacks": len(attempts), "breaches": len(self.breaches), "attempts": attempts}


def attack_reward(reward: AnyReward, attacks: Sequence[Attack] = ATTACKS, *, concurrency: int = 16) -> Report:
    """Run attacks against a reward; `concurrency` bounds how many are in work at a time, for rewards with judges."""

    async def work() -> list[Attempt]:
        turn = asyncio.Semaphore(concurrency)

        async def one(attack: Attack) -> Attempt:
            async with turn:
                return await attempt(reward, attack)

        return await asyncio.gather(*(one(attack) for attack in attacks))

    return Report(tuple(run_blocking(work())))


async def attempt(reward: AnyReward, attack: Attack) -> Attempt:
    """One attack. What the reward raises is a verdict, not an error here."""
    try:
        honest = await _value(reward, await _sample(attack, attack.honest, tricked=False))
        attacked = await _value(reward, await _sample(attack, attack.text, tricked=True))
    except Exception as error:  # noqa: BLE001  # the reward is the user's, and may raise anything
        return Attempt(attack, "raised", None, None, f"{type(error).__name__}: {error}")
    if honest is None:
        return Attempt(attack, "no_baseline", honest, attacked)
    verdict: Verdict = "breach" if attacked is not None and attacked > honest + TOLERANCE else "held"
    return Attempt(attack, verdict, honest, attacked)


async def _sample(attack: Attack, text: str, *, tricked: bool) -> Sample:
    inputs: list[Picture] = [world.draw_picture(f"given by the user: {i}") for i in range(attack.inputs)]
    document: Document = parse(text, attack.inputs)
    rendered: RenderedDocument = await world.render(document, inputs, attack.faults if tricked else {})
    count = ImageCount.decode(attack.image_count)
    constraint = Constraint(count=count, required_tools=attack.required_tools)
    return Sample(attack.prompt, rendered, constraint, truncated=tricked and attack.truncated)


async def _value(reward: AnyReward, sample: Sample) -> float | None:
    answer = reward(sample)
    if inspect.isawaitable(answer):
        answer = await answer
    return answer.value if isinstance(answer, Score) else None if answer is None else float(answer)
