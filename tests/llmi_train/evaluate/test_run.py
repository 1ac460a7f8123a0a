"""A run in a folder: what is there is never made or asked again, and what is missing is said to be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from counting_judge import CountingJudge, judging
from reciting import Recites, Replays

from llmi_reward.chat import ChatClient, Endpoint, Retries
from llmi_sandbox import Toolkit
from llmi_schema import ConfigurationError
from llmi_train.evaluate import (
    RULES,
    CriterionJudge,
    ProjectBenchmark,
    Run,
    compare_runs,
    load_run,
    project_tasks,
    run_benchmark,
)

TASKS = project_tasks()[:3]


def good(prompt: str) -> str:
    """The shipped document without its pictures: tools are not what is tested here."""
    task = next(task for task in TASKS if task.prompt == prompt)
    return task.document.replace("[[", "(").replace("]]", ")")


async def judged(folder: Path, url: str, toolkit: Toolkit, policy: Any = None, **judge: Any) -> Run:
    endpoint = Endpoint(url, "judge")
    retries = Retries(attempts=1)
    async with ChatClient(endpoint, journal=folder / "judgements.sqlite", retries=retries) as chat:
        benchmark = ProjectBenchmark.load(judge=CriterionJudge(chat, "judge", **judge), limit=3)
        return await run_benchmark(benchmark, policy or Recites(good), toolkit, folder)


async def test_a_run_again_asks_nobody_and_finds_the_same(tmp_path: Path, toolkit: Toolkit) -> None:
    policy = Recites(good)
    with judging(CountingJudge()) as judge:
        first = await judged(tmp_path, judge.url, toolkit, policy)
        again = await judged(tmp_path, judge.url, toolkit, policy)
    assert judge.answered.total() == 30
    assert policy.asked == 3
    assert first == again == load_run(tmp_path)
    assert (first.score.low, first.coverage, first.basis) == (1.0, 1.0, "judge")


async def test_failed_judgements_are_missing_and_asked_again(tmp_path: Path, toolkit: Toolkit) -> None:
    def sometimes(asked: str) -> Any:
        return 400 if TASKS[0].criteria[0].text in asked else {"reason": "so", "score": 2}

    with judging(CountingJudge(sometimes)) as judge:
        run = await judged(tmp_path, judge.url, toolkit)
        assert run.results[0].low == pytest.approx(0.9)  # nothing is dropped from the maximum
        assert run.results[0].high == 1.0
        assert run.coverage == pytest.approx(29 / 30)
        assert not run.results[0].known
        assert run.results[0].marks[0].value is None
        assert run.results[0].marks[0].reason.startswith("rejected")
        judge.verdict = lambda asked: {"reason": "so", "score": 1}
        before = judge.answered.total()
        mended = await judged(tmp_path, judge.url, toolkit)
        assert judge.answered.total() == before + 1
    assert mended.coverage == 1.0
    assert mended.results[0].low == pytest.approx(0.95)


@pytest.mark.parametrize(
    "babble", ["2", '{"score": 2}', '{"reason": "r", "score": 3}', '{"reason": "r", "score": true}']
)
async def test_what_is_no_verdict_is_missing(babble: str, tmp_path: Path, toolkit: Toolkit) -> None:
    with judging(CountingJudge(lambda asked: babble)) as judge:
        run = await judged(tmp_path, judge.url, toolkit)
    assert run.coverage == 0
    assert (run.score.low, run.score.high) == (0, 1)


async def test_a_document_that_cannot_be_had_is_missing_and_tried_again(tmp_path: Path, toolkit: Toolkit) -> None:
    absent = Recites(lambda prompt: None if prompt == TASKS[1].prompt else good(prompt))
    benchmark = ProjectBenchmark.load(limit=3)
    run = await run_benchmark(benchmark, absent, toolkit, tmp_path)
    assert run.results[1].problem == "no document: the model is not at home"
    assert (run.results[1].low, run.results[1].high, len(run.results[1].marks)) == (0.0, 1.0, 10)
    assert run.results[0].known
    present = await run_benchmark(benchmark, Recites(good), toolkit, tmp_path)
    assert present.results[1].problem is None


async def test_the_median_of_repetitions_counts(tmp_path: Path, toolkit: Toolkit) -> None:
    numbers = iter(range(10_000))

    def unsure(asked: str) -> Any:
        return {"reason": "so", "score": (2, 1, 2)[next(numbers) % 3]}

    with judging(CountingJudge(unsure)) as judge:
        run = await judged(tmp_path, judge.url, toolkit, repeats=3)
    assert judge.answered.total() == 90
    assert all(len(mark.given) == 3 for result in run.results for mark in result.marks)
    assert run.repeatability is not None
    assert run.repeatability.questions == 30
    for mark in run.results[0].marks:
        assert mark.value == sorted(one for one in mark.given if one is not None)[1] / 2


async def test_rules_and_judges_are_never_compared(tmp_path: Path, toolkit: Toolkit) -> None:
    by_rules = await run_benchmark(ProjectBenchmark.load(limit=3), Recites(good), toolkit, tmp_path / "rules")
    with judging(CountingJudge()) as judge:
        by_judge = await judged(tmp_path / "judge", judge.url, toolkit)
    assert by_rules.basis == RULES
    with pytest.raises(ConfigurationError, match="never set beside each other"):
        compare_runs(by_rules, by_judge)
    shorter = await run_benchmark(ProjectBenchmark.load(limit=2), Recites(good), toolkit, tmp_path / "shorter")
    with pytest.raises(ConfigurationError, match="the same --limit"):
        compare_runs(by_rules, shorter)
    with pytest.raises(ConfigurationError, match="different versions"):
        compare_runs(by_rules, replace(by_rules, digest="another"))


async def test_a_folder_keeps_to_its_benchmark_and_its_policy(tmp_path: Path, toolkit: Toolkit) -> None:
    await run_benchmark(ProjectBenchmark.load(limit=2), Recites(good), toolkit, tmp_path)
    changed = replace(ProjectBenchmark.load(limit=2), digest="another")
    with pytest.raises(ConfigurationError, match="another version"):
        await run_benchmark(changed, Recites(good), toolkit, tmp_path)
    with pytest.raises(ConfigurationError, match="another policy"):
        await run_benchmark(ProjectBenchmark.load(limit=2), Recites(good, identity="other"), toolkit, tmp_path)


async def test_a_limit_that_grows_writes_only_the_rest(tmp_path: Path, toolkit: Toolkit) -> None:
    policy = Recites(good)
    for limit in (1, 3):
        run = await run_benchmark(ProjectBenchmark.load(limit=limit), policy, toolkit, tmp_path)
        assert (len(run.results), policy.asked) == (limit, limit)


def test_a_folder_without_results_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="evaluate first"):
        load_run(tmp_path)
    (tmp_path / "results.json").write_text("[]")
    with pytest.raises(ConfigurationError, match="no results"):
        load_run(tmp_path)


async def test_more_pictures_than_a_judge_is_sent_get_the_lowest_marks(toolkit: Toolkit) -> None:
    from llmi_reward import Sample
    from llmi_schema import Constraint, DiffusionCall, DiffusionParams, parse

    tag = [DiffusionCall(description="x", params=DiffusionParams(prompt=f"fox {n}")).to_tag() for n in range(11)]
    rendered = await toolkit.render(parse("Foxes " + " and ".join(tag)))
    model = Replays(TASKS[0], [2] * 10)
    marks = await CriterionJudge(model, "judge").marks(TASKS[0].questions, Sample("foxes", rendered, Constraint()))
    assert len(rendered.delivered) == 11
    assert (model.asked, {mark.value for mark in marks}) == (0, {0.0})
