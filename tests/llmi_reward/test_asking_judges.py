"""Formulas with judges: who is asked, when, and what is left behind."""

import asyncio
from dataclasses import dataclass, field

import pytest

from llmi_reward import Asked, Judge, Rule, Score, Unscored
from llmi_schema import ConfigurationError

ONE = Score(1.0)


@dataclass(frozen=True, slots=True)
class Fixed(Rule):
    value: float | Unscored
    name: str = "fixed"

    def measure(self, sample):
        return self.value


@dataclass(frozen=True, slots=True)
class Scripted(Judge):
    """Answers when told to, and keeps a diary."""

    name: str
    score: Score | Exception = ONE
    diary: list = field(default_factory=list, compare=False)
    gate: asyncio.Event | None = None

    async def judge(self, sample):
        self.diary.append("asked")
        try:
            if self.gate is not None:
                await self.gate.wait()
            if isinstance(self.score, Exception):
                raise self.score
            self.diary.append("answered")
            return self.score
        except asyncio.CancelledError:
            self.diary.append("cancelled")
            raise


@pytest.mark.parametrize("judge_first", [True, False])
async def test_a_zero_rule_pays_no_judge_wherever_it_stands(judge_first):
    judge, rule = Scripted("judge"), Fixed(0.0)
    score = await (0.5 * (judge * rule if judge_first else rule * judge))(None)
    assert score.value == 0.0
    assert judge.diary == []
    assert score.components == {"fixed": 0.0, "judge": None}


async def test_a_judge_of_zero_spares_the_next_one():
    first, second = Scripted("first", Score(0.0)), Scripted("second")
    assert (await (first * second)(None)).value == 0.0
    assert second.diary == []


async def test_the_judges_of_a_sum_run_together():
    first_asked = asyncio.Event()
    second = Scripted("second", gate=first_asked)

    async def first(sample):
        while second.diary != ["asked"]:  # noqa: ASYNC110  # the other judge is no event
            await asyncio.sleep(0)
        first_asked.set()
        return Score(0.25)

    async with asyncio.timeout(5):
        score = await (0.5 * second + Asked("first", first))(None)
    assert score.value == 0.75


async def test_a_gated_judge_starts_when_its_gate_opens_not_when_all_others_are_done():
    never = asyncio.Event()
    slow, gated = Scripted("slow", gate=never), Scripted("gated")
    task = asyncio.create_task((Scripted("quick") * gated + slow)(None))
    async with asyncio.timeout(5):
        while gated.diary != ["asked", "answered"]:  # noqa: ASYNC110
            await asyncio.sleep(0)
    never.set()
    assert (await task).value == 2.0


async def test_a_judge_that_occurs_twice_is_asked_once():
    judge = Scripted("judge", Score(0.5))
    assert (await (judge + Fixed(1.0) * judge)(None)).value == 1.0
    assert judge.diary == ["asked", "answered"]


async def test_an_unscored_judge_leaves_the_sample_unscored_and_keeps_the_other_components():
    down = Scripted("mllm", Score.unscored("the server answered 503"))
    score = await (0.2 * Fixed(1.0) + 0.3 * down + 0.5 * Scripted("llm", Score(0.75, details={"why": "dull"})))(None)
    assert score == Score(
        None, "mllm: the server answered 503", {"fixed": 1.0, "mllm": None, "llm": 0.75}, {}, {"llm": {"why": "dull"}}
    )


async def test_an_unscored_rule_times_a_judge_of_zero_is_zero():
    assert (await (Fixed(Unscored("?")) * Scripted("judge", Score(0.0)))(None)).value == 0.0


async def test_a_failing_judge_takes_the_running_ones_with_it():
    slow = Scripted("slow", gate=asyncio.Event())
    with pytest.raises(RuntimeError, match="broken"):
        await (slow + Scripted("broken", RuntimeError("broken")))(None)
    assert slow.diary == ["asked", "cancelled"]


async def test_cancelling_leaves_nothing_running():
    first, second = (Scripted(name, gate=asyncio.Event()) for name in ("first", "second"))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await (first + second)(None)
    assert first.diary == second.diary == ["asked", "cancelled"]
    assert len(asyncio.all_tasks()) == 1


async def test_two_samples_at_once_do_not_mix():
    async def echo(sample):
        await asyncio.sleep(0)
        return Score(float(sample))

    formula = 2 * Asked("echo", echo)
    assert [s.value for s in await asyncio.gather(*(formula(i) for i in range(20)))] == [2.0 * i for i in range(20)]


def test_a_formula_with_a_judge_says_it_must_be_awaited():
    with pytest.raises(ConfigurationError, match="await"):
        (Fixed(0.0) * Scripted("judge")).score(None)
