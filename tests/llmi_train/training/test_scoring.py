"""What becomes of a completion between its last token and the trainer, without a trainer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from llmi_reward import Score
from llmi_reward.integrations.limit import TooManyUnscoredError, UnscoredLimit
from llmi_reward.integrations.scorer import Scorer
from llmi_schema import SearchCall
from llmi_train.grpo.scoring import MASKED, Begun, Scoring

END = 7
TAG = SearchCall(description="a fox", params={"query": "fox"}).to_tag()  # type: ignore[arg-type]


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop in a thread of its own, as the trainer has one."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


class Seen:
    """A reward that remembers what it was asked, and finished documents are worth 1."""

    def __init__(self) -> None:
        self.samples: list[Any] = []

    async def __call__(self, sample: Any) -> Score:
        self.samples.append(sample)
        return Score(float(sample.finished))


def ask(scoring: Scoring, loop: Any, texts: list[str], tokens: list[list[int]], **columns: Any) -> list[float | None]:
    asked = scoring(
        ["p"] * len(texts),
        [[{"role": "assistant", "content": text}] for text in texts],
        tokens,
        image_count=[0] * len(texts),
        **columns,
    )
    return asyncio.run_coroutine_threadsafe(asked, loop).result(30)


def test_what_was_begun_early_is_not_scored_again(loop: Any) -> None:
    reward = Seen()
    scoring = Scoring(Scorer(reward, None), end_tokens={END})
    scoring.begin([Begun(0, {"prompt": "p", "image_count": 0}, "first", [1, END])], loop)
    assert scoring.has_begun(0)
    assert not scoring.has_begun(1)
    assert ask(scoring, loop, ["first", "second"], [[1, END], [2, END]]) == [1.0, 1.0]
    assert sorted(str(sample.parsed) for sample in reward.samples) == ["first", "second"]


def test_a_completion_that_reads_otherwise_in_the_end_is_scored_as_it_reads(loop: Any) -> None:
    reward = Seen()
    scoring = Scoring(Scorer(reward, None), end_tokens={END})
    scoring.begin([Begun(0, {"prompt": "p", "image_count": 0}, "as it came", [1, END])], loop)
    ask(scoring, loop, ["as it was parsed"], [[1, END]])
    assert str(scoring.last[0].sample.parsed) == "as it was parsed"  # type: ignore[union-attr]


def test_what_nobody_asks_for_is_stopped(loop: Any) -> None:
    stopped = threading.Event()

    async def endless(sample: Any) -> Score:
        try:
            await asyncio.sleep(60)
        finally:
            stopped.set()
        raise AssertionError

    begun = threading.Event()

    async def render(document: Any, inputs: Any) -> Any:
        begun.set()
        return await asyncio.sleep(60)

    scoring = Scoring(Scorer(endless, render), end_tokens={END})
    scoring.begin([Begun(0, {"prompt": "p", "image_count": 0}, "x", [END])], loop)
    assert begun.wait(10)
    scoring.forget()
    assert ask(Scoring(Scorer(Seen(), None), end_tokens={END}), loop, ["x"], [[END]]) == [1.0]
    assert not asyncio.run_coroutine_threadsafe(_others(), loop).result(10)


async def _others() -> list[Any]:
    await asyncio.sleep(0.1)
    return [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]


@pytest.mark.parametrize(
    ("truncated", "values", "asked"),
    [("score", [1.0, 0.0], 2), ("mask", [1.0, None], 1), ("repair", [1.0, 1.0], 2)],
)
def test_what_becomes_of_a_completion_that_was_cut_off(
    loop: Any, truncated: Any, values: list[float | None], asked: int
) -> None:
    reward = Seen()
    scoring = Scoring(Scorer(reward, None), end_tokens={END}, truncated=truncated)
    half = f"A fox. {TAG[:40]}"
    assert ask(scoring, loop, [f"A fox. {TAG}", half], [[1, END], [1, 2]]) == values
    assert len(reward.samples) == asked
    if truncated == "repair":
        mended = reward.samples[1].parsed
        assert mended.finished
        assert str(mended).startswith(half)
    if truncated == "mask":
        assert scoring.last[1].score.reason == MASKED


def test_a_deadline_costs_its_own_row_and_is_counted(loop: Any) -> None:
    async def slow_for_one(sample: Any) -> Score:
        if "slow" in str(sample.parsed):
            await asyncio.sleep(60)
        return Score(1.0)

    logged: dict[str, float] = {}
    scoring = Scoring(Scorer(slow_for_one, None, deadline_seconds=0.2), end_tokens={END})
    values = ask(scoring, loop, ["quick", "slow"], [[END], [END]], log_metric=logged.__setitem__)
    assert values == [1.0, None]
    assert logged["unscored"] == 0.5
    assert {"reward/waited_seconds", "reward/slowest_seconds"} <= logged.keys()


def test_an_outage_ends_the_run_and_what_is_left_out_on_purpose_does_not(loop: Any) -> None:
    async def down(sample: Any) -> Score:
        return Score.unscored("the judge is down")

    limit = UnscoredLimit(0.5, samples=4)
    masking = Scoring(Scorer(down, None, limit=limit), end_tokens={END}, truncated="mask")
    assert ask(masking, loop, ["x"] * 8, [[1]] * 8) == [None] * 8
    with pytest.raises(TooManyUnscoredError, match="the judge is down"):
        ask(masking, loop, ["x"] * 4, [[END]] * 4)
