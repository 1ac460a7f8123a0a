"""The shipped benchmark: thirty tasks, three hundred violations, and a judge's verdict on each."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest
from reciting import Replays

from llmi_reward import Sample
from llmi_sandbox import Toolkit
from llmi_schema import Constraint, parse
from llmi_train.evaluate import CriterionJudge, ProjectBenchmark, ProjectTask, project_tasks
from llmi_train.evaluate.project import bench
from llmi_train.evaluate.project.careful import Verdict, by_rules, delivered, transcript
from llmi_train.evaluate.project.checks import Check, Reading, Shown, mark

TASKS = project_tasks()


def ids(task: ProjectTask) -> str:
    return task.id


@pytest.fixture(scope="module")
def recorded() -> dict[str, list[Verdict]]:
    found: dict[str, list[Verdict]] = {}
    for verdict in transcript():
        found.setdefault(verdict.task, []).append(verdict)
    return found


def test_there_are_thirty_tasks_of_ten_criteria_ten_of_them_with_pictures() -> None:
    assert len(TASKS) == len({task.id for task in TASKS}) == 30
    assert sum(bool(task.draw) for task in TASKS) == 10
    assert all(len({one.text for one in task.criteria}) == 10 for task in TASKS)
    assert len({task.prompt for task in TASKS}) == 30


@pytest.mark.parametrize("task", TASKS, ids=ids)
def test_the_good_document_has_no_bad_tag_and_meets_all_criteria(task: ProjectTask) -> None:
    rendered = delivered(task, task.good())
    assert rendered.document.finished
    assert not rendered.document.bad_tags
    reading = Reading.of(rendered)
    assert [mark(one.check, reading)[0] for one in task.criteria] == [2] * 10


@pytest.mark.parametrize("task", TASKS, ids=ids)
def test_each_violation_is_a_document_of_its_own_with_valid_tags(task: ProjectTask) -> None:
    documents = [task.violation(number) for number in range(1, 11)]
    assert len({task.good(), *documents}) == 11
    assert not [one for one in documents if parse(one, len(task.pictures)).bad_tags]


def test_the_transcript_marks_down_what_is_violated_and_nothing_else() -> None:
    verdicts = transcript()
    assert {(v.task, v.broken) for v in verdicts} == {(task.id, n) for task in TASKS for n in range(1, 11)}
    for verdict in verdicts:
        assert len(verdict.reason.split()) > 3
        assert [n for n, given in enumerate(verdict.marks, 1) if given < 2] == [verdict.broken], verdict


def test_the_rules_find_the_same_in_the_documents_that_are_shipped() -> None:
    assert list(by_rules()) == [replace(verdict, reason="") for verdict in transcript()]


@pytest.mark.parametrize("task", TASKS, ids=ids)
async def test_replayed_to_the_judge_a_verdict_marks_the_violation_down(
    task: ProjectTask, recorded: dict[str, list[Verdict]]
) -> None:
    for verdict in recorded[task.id]:
        sample = Sample(task.prompt, delivered(task, task.violation(verdict.broken)), Constraint())
        judge = CriterionJudge(Replays(task, verdict.marks, verdict.reason), "careful")
        marks = await judge.marks(task.questions, sample)
        assert [one.question for one in marks if one.value is not None and one.value < 1] == [f"c{verdict.broken}"]
        assert marks[verdict.broken - 1].reason == verdict.reason


def test_pictures_are_drawn_the_same_each_time() -> None:
    task = next(task for task in TASKS if task.draw)
    assert [one.sha256 for one in task.pictures] == [one.sha256 for one in task.pictures]
    assert all(picture.width == 720 for task in TASKS for picture in task.pictures)
    assert len({picture.sha256 for task in TASKS for picture in task.pictures}) == 10


def test_a_changed_criterion_is_another_version_of_the_benchmark_and_a_limit_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = ProjectBenchmark.load()
    assert ProjectBenchmark.load(limit=2).digest == whole.digest
    first = TASKS[0].criteria[0].model_copy(update={"text": "Another."})
    changed = TASKS[0].model_copy(update={"criteria": (first, *TASKS[0].criteria[1:])})
    monkeypatch.setattr(bench, "project_tasks", lambda: (changed, *TASKS[1:]))
    assert ProjectBenchmark.load().digest != whole.digest


@pytest.fixture(scope="module")
def toolkit() -> Iterator[Toolkit]:
    with Toolkit.offline(workers=1) as toolkit:
        yield toolkit


@pytest.mark.parametrize("task", TASKS[::6], ids=ids)
async def test_the_shipped_code_draws(task: ProjectTask, toolkit: Toolkit) -> None:
    await _code_draws(task, toolkit)


@pytest.mark.slow
async def test_all_shipped_code_draws(toolkit: Toolkit) -> None:
    await asyncio.gather(*(_code_draws(task, toolkit) for task in TASKS))


async def _code_draws(task: ProjectTask, toolkit: Toolkit) -> None:
    rendered = await toolkit.render(parse(task.good(), len(task.pictures)), task.pictures)
    code = [r for tag, r in zip(rendered.document.tags, rendered.results, strict=True) if tag.tool == "code"]
    assert all(result.ok for result in code), [result.message for result in code]


class TestRules:
    def reading(self, text: str) -> Reading:
        return Reading.of(delivered(TASKS[0], text))

    def test_a_picture_that_was_not_delivered_is_none(self) -> None:
        shown = Check(picture=Shown(tool="code"))
        assert mark(shown, self.reading("a chart of everything, code"))[0] == 0
        assert mark(shown, self.reading(TASKS[0].good()))[0] == 2

    def test_half_of_several_demands_is_partly_met(self) -> None:
        both = Check(says=("red", "blue"))
        assert [mark(both, self.reading(text))[0] for text in ("red, blue", "red", "green")] == [2, 1, 0]

    def test_a_section_ends_at_the_next_heading_of_its_rank(self) -> None:
        text = "## Next steps\n\n- a\n\n### More\n\n- b\n\n## End\n\n- c"
        assert mark(Check(section="next", items=(2, 2)), self.reading(text))[0] == 2
        assert mark(Check(section="missing", says=("a",)), self.reading(text))[0] < 2

    def test_thoughts_and_half_written_tags_say_nothing(self) -> None:
        assert mark(Check(says=("61,700",)), self.reading("<think>61,700</think> none"))[0] == 0
        assert mark(Check(says=("61,700",)), self.reading('<imgen>{"source": "61,700'))[0] == 0
