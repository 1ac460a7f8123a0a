"""The stages together: allowances, deadlines, what is reported, and that the result is never worse."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import Model, Slow, Tools, Writer, code, comparing, diffusion, edit, picking, search

from llmi_reward.chat import Endpoint, Prices
from llmi_schema import ConfigurationError, Constraint, ImageCount
from llmi_train.scaling import (
    Allowance,
    Cost,
    Filter,
    PickPictures,
    Polish,
    Question,
    RepairCode,
    Sample,
    ScalingReport,
    Select,
    Stage,
    paper_stages,
    scale,
)

TEXTS = [
    "One. [q=0.3] " + search("a fox") + code("plt.plot(x)"),
    "Two. [q=0.8] " + search("a fox") + diffusion("a hare") + edit(1, "darker"),
    "Three. [q=0.5] " + search("a fox"),
    "Four. [q=0.9]",
]
WANTED = Constraint(count=ImageCount.at_least_one())
QUESTION = Question.of("a page on foxes", constraint=WANTED)


def tools() -> Tools:
    return Tools(quality=lambda what, rank: None if what == "plt.plot(x)" else [0.4, 0.6, 0.9, 0.1][rank])


def everything(n: int = 4) -> list[Stage]:
    """Each stage with a judge of its own."""
    repairer = Model(lambda said, m, number: {"diagnosis": "so", "code": "plt.plot([1])"})
    judge = comparing()
    return [
        Sample(n),
        Filter(slack=0.25),
        RepairCode(repairer),
        Filter(),
        PickPictures(picking()),
        Select(judge),
        Polish(judge),
    ]


async def test_the_stages_of_the_paper_together() -> None:
    writer = Writer(lambda r: TEXTS[r.seed] if len(r.messages) == 1 else "Two, better. [q=0.95] " + search("a fox"))
    scaled = await scale(QUESTION, writer, tools(), everything())
    report = scaled.report
    assert scaled.best is not None
    assert scaled.best.rendered.document.source.startswith("Two, better.")
    assert scaled.best.history == report.history == ("pick", "polish")
    assert (report.seed, report.satisfied, report.stopped) == (1, True, None)
    assert [stage.name for stage in report.stages] == [
        "sample",
        "filter",
        "repair",
        "filter",
        "pick",
        "select",
        "polish",
    ]
    assert [stage.given for stage in report.stages] == [0, 4, 4, 4, 3, 3, 3]
    assert all(stage.gain is None or stage.gain >= 0 for stage in report.stages)
    assert report.stages[0].cost.writes == 4
    assert report.stages[0].cost.tokens == 4 * 120
    assert report.stages[4].cost.asks > 0


async def test_costs_add_up_and_the_report_is_json() -> None:
    scaled = await scale(QUESTION, Writer(TEXTS, cost=0.25), tools(), everything())
    report = scaled.report
    total = Cost()
    for stage in report.stages:
        total = total + stage.cost
    for field in ("writes", "asks", "tools", "tokens", "calls"):
        assert getattr(total, field) == getattr(report.cost, field), field
    assert total.money == pytest.approx(report.cost.money)
    assert report.cost.money == pytest.approx(5 * 0.25)
    assert total.seconds <= report.cost.seconds
    assert ScalingReport.model_validate_json(report.model_dump_json()) == report
    with pytest.raises(ValueError, match="frozen"):
        report.seed = 3  # type: ignore[misc]


@given(tokens=st.integers(0, 60_000))
@settings(max_examples=60)
def test_whatever_the_allowance_it_is_kept_and_the_best_so_far_returned(tokens: int) -> None:
    async def check() -> None:
        scaled = await scale(QUESTION, Writer(TEXTS), tools(), everything(), allowance=Allowance(tokens=tokens))
        assert scaled.report.cost.tokens <= tokens
        wrote = scaled.report.stages[0].cost.writes
        assert (scaled.best is not None) == (wrote > 0)
        assert all(stage.gain is None or stage.gain >= 0 for stage in scaled.report.stages)
        if scaled.report.stopped is None:
            assert scaled.best is not None
            assert scaled.report.satisfied

    asyncio.run(check())


async def test_without_any_allowance_there_is_no_document_and_no_exception() -> None:
    writer = Writer(TEXTS)
    scaled = await scale(QUESTION, writer, tools(), everything(), allowance=Allowance(tokens=0))
    assert scaled.best is None
    assert scaled.report.stopped == "budget"
    assert writer.requests == []


async def test_the_deadline_keeps_what_was_written_by_then() -> None:
    writer = Writer(TEXTS, hangs=frozenset({1, 2}))
    async with asyncio.timeout(60):
        scaled = await scale(QUESTION, writer, tools(), everything(), allowance=Allowance(seconds=0.2))
    assert scaled.report.stopped == "deadline"
    assert scaled.best is not None
    assert {candidate.seed for candidate in scaled.candidates} <= {0, 3}


async def test_a_tool_that_hangs_costs_its_picture_not_the_document() -> None:
    hanging = Tools(hangs=frozenset({"a fox"}))
    async with asyncio.timeout(60):
        scaled = await scale(QUESTION, Writer(TEXTS[2:3]), hanging, [Sample(1)], allowance=Allowance(seconds=0.5))
    assert scaled.best is not None
    (result,) = scaled.best.rendered.results
    assert (result.reason, result.message) == ("unavailable", "the time for this document was up")


async def test_a_judge_that_hangs_meets_the_deadline() -> None:
    slow = Slow(lambda *_: "")
    stages: list[Stage] = [Sample(4), Filter(), PickPictures(slow), Select(slow), Polish(slow)]
    async with asyncio.timeout(60):
        scaled = await scale(QUESTION, Writer(TEXTS), tools(), stages, allowance=Allowance(seconds=0.3))
    assert scaled.report.stopped == "deadline"
    assert scaled.best is not None
    assert scaled.report.satisfied


async def test_what_was_repaired_before_the_deadline_is_kept() -> None:
    """The first snippet's repair is quick, the second's never comes."""

    class HalfSlow(Model):
        async def ask(self, messages: Any, **settings: Any) -> Any:
            if "plt.plot(y)" in str(messages):
                await asyncio.Event().wait()
            return await super().ask(messages, **settings)

    model = HalfSlow(lambda *_: {"diagnosis": "so", "code": "plt.plot([1])"})
    bad = Tools(quality=lambda what, rank: 0.5 if what == "plt.plot([1])" else None)
    text = "A. " + code("plt.plot(x)") + code("plt.plot(y)")
    async with asyncio.timeout(60):
        scaled = await scale(
            QUESTION, Writer([text]), bad, [Sample(1), RepairCode(model)], allowance=Allowance(seconds=0.5)
        )
    assert scaled.best is not None
    assert [result.ok for result in scaled.best.rendered.results] == [True, False]
    assert scaled.report.stopped == "deadline"


async def test_cancelling_ends_everything() -> None:
    writer = Writer(TEXTS, hangs=frozenset({0, 1, 2, 3}))
    work = asyncio.create_task(scale(QUESTION, writer, tools(), everything()))
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(writer.requests) == 4
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_an_allowance_in_money_needs_prices() -> None:
    class Served(Writer):
        endpoint = Endpoint("http://nowhere/v1", "writer")

    with pytest.raises(ConfigurationError, match="prices"):
        await scale(QUESTION, Served(TEXTS), tools(), everything(), allowance=Allowance(money=1.0))
    Served.endpoint = Endpoint("http://nowhere/v1", "writer", prices=Prices(1.0, 1.0))
    scaled = await scale(QUESTION, Served(TEXTS), tools(), everything(), allowance=Allowance(money=1.0))
    assert scaled.best is not None
    with pytest.raises(ConfigurationError, match="-1"):
        Allowance(money=-1)


def test_the_usual_stages() -> None:
    model = comparing()
    names = [stage.name for stage in paper_stages(2, judge=model, repairer=model, polish=True)]
    assert names == ["sample", "filter", "repair", "filter", "pick", "select", "polish"]
    assert [stage.name for stage in paper_stages(2)] == ["sample", "filter"]
    assert [stage.name for stage in paper_stages(2, judge=model, others=0)] == ["sample", "filter", "select"]
