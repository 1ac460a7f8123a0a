"""Each stage on its own: what it keeps, what it changes, what it takes."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import Model, Tools, Writer, comparing, diffusion, edit, picking, picture, qualities, search, shade

from llmi_reward.chat import ChatError, Message
from llmi_reward.judges import PairwiseJudge
from llmi_schema import Constraint, ImageCount, ToolResult
from llmi_train.policies import Request
from llmi_train.scaling import (
    Allowance,
    Candidate,
    Candidates,
    Enough,
    Filter,
    PickPictures,
    Polish,
    Question,
    Run,
    Sample,
    ScalingError,
    Select,
    canonical,
    scale,
)


def run_of(texts: Any, tools: Tools | None = None, *, constraint: Constraint | None = None, **settings: Any) -> Run:
    writer = texts if isinstance(texts, Writer) else Writer(texts)
    return Run(Question.of("a page on foxes", constraint=constraint), writer, tools or Tools(), **settings)


async def candidates_of(texts: Sequence[str], run: Run | None = None) -> Candidates:
    return (await Sample(len(texts))((), run or run_of(texts))).candidates


def ranked(*values: float) -> list[str]:
    """Texts of known quality."""
    return [f"A text. [q={value}]" for value in values]


# -- sampling ------------------------------------------------------------------------------------------------


async def test_more_candidates_contain_fewer() -> None:
    writer = Writer(lambda request: f"text {request.seed}")
    two = (await Sample(2)((), run_of(writer))).candidates
    four = (await Sample(4)((), run_of(writer))).candidates
    assert [c.digest for c in four[:2]] == [c.digest for c in two]
    assert [request.temperature for request in writer.requests] == [1.0] * 6


async def test_a_candidate_that_fails_costs_only_itself() -> None:
    writer = Writer(ranked(0.1, 0.2, 0.3), fails=frozenset({1}))
    run = run_of(writer)
    outcome = await Sample(3)((), run)
    assert [c.seed for c in outcome.candidates] == [0, 2]
    assert outcome.notes == ("1 of 3 candidates are missing",)
    assert run.failures == ["the server fell over"]


async def test_tools_that_raise_cost_only_their_candidate() -> None:
    tools = Tools(raises=frozenset({"a fox"}))
    run = run_of(["One. " + search("a fox"), "Two. " + search("a hare")], tools)
    outcome = await Sample(2)((), run)
    assert [c.seed for c in outcome.candidates] == [1]
    assert run.failures == ["RuntimeError: a fox broke the tool"]


async def test_where_nothing_can_be_written_the_reason_is_told() -> None:
    with pytest.raises(ScalingError, match="none of 2 candidates could be written: the server fell over"):
        await Sample(2)((), run_of(Writer([""], fails=frozenset({0, 1}))))


async def test_sampling_stops_once_a_candidate_is_good_enough() -> None:
    """Seed 2 has the marks; waves of two end after it."""

    def marks(said: str, messages: Sequence[Message], number: int) -> dict[str, Any]:
        mark = 5 if "[q=0.9]" in said else 2
        names = re.findall(r'"(\w+)": \{"reason": "<one', said)
        return {name: {"reason": "so", "score": mark} for name in names}

    texts = [text + search(f"fox {i}") for i, text in enumerate(ranked(0.1, 0.2, 0.9, 0.3, 0.4, 0.5))]
    writer = Writer(texts)
    outcome = await Sample(6, enough=Enough(Model(marks)))((), run_of(writer))
    assert [c.seed for c in outcome.candidates] == [2]
    assert len(writer.requests) == 4
    assert outcome.notes == ("seed 2 is good enough: 4 of 6 were sampled",)


async def test_marks_do_not_suffice_where_the_constraint_is_missed() -> None:
    model = Model(lambda *_: pytest.fail("nobody is to be asked"))
    wanted = Constraint(count=ImageCount.exactly(2))
    run = run_of(["One. " + search("a fox")], constraint=wanted)
    outcome = await Sample(2, enough=Enough(model))((), run)
    assert len(outcome.candidates) == 2


# -- filtering -----------------------------------------------------------------------------------------------


async def test_filter_keeps_those_that_do_as_asked() -> None:
    wanted = Constraint(count=ImageCount.exactly(1), required_tools=frozenset({"search"}))
    texts = [
        "No picture.",
        "One. " + search("a fox"),
        "The wrong tool. " + diffusion("a fox"),
        "Two. " + search("a fox") + search("a hare"),
        "Failing. " + search("nothing"),
        "Unfinished. " + search("a fox") + "<imgen>",
        "Another. " + search("a hare"),
    ]
    tools = Tools(quality=lambda what, rank: None if what == "nothing" else 0.5)
    run = run_of(texts, tools, constraint=wanted)
    candidates = await candidates_of(texts, run)
    outcome = await Filter()(candidates, run)
    assert {c.seed for c in outcome.candidates} == {1, 6}
    assert (outcome.before, outcome.after) == (0.5, 1.0)
    slack = await Filter(slack=0.25)(candidates, run)
    assert {c.seed for c in slack.candidates[:2]} == {1, 6}
    # the wrong tool, one picture too many, an end inside a tag: one fault of four each
    assert {c.seed for c in slack.candidates} == {1, 6, 2, 3, 5}


async def test_a_failed_tag_where_no_picture_is_wanted_counts() -> None:
    tools = Tools(quality=lambda what, rank: None)
    run = run_of([search("a fox"), "Words."], tools, constraint=Constraint(count=ImageCount.none()))
    outcome = await Filter()(await candidates_of(["", ""], run), run)
    assert [c.seed for c in outcome.candidates] == [1]


@given(order=st.permutations(range(6)), slack=st.sampled_from([0.0, 0.25, 1.0]))
@settings(max_examples=40)
def test_filter_does_not_look_at_the_order(order: list[int], slack: float) -> None:
    async def check() -> None:
        wanted = Constraint(count=ImageCount.at_least_one())
        texts = [
            *(f"{i} " + search(f"fox {i}") for i in range(3)),
            "none",
            "half " + search("x") + search("bad"),
            "none",
        ]
        run = run_of(texts, Tools(quality=lambda what, rank: None if what == "bad" else 0.5), constraint=wanted)
        candidates = await candidates_of(texts, run)
        straight = await Filter(slack)(candidates, run)
        mixed = await Filter(slack)(tuple(candidates[i] for i in order), run)
        assert [c.digest for c in straight.candidates] == [c.digest for c in mixed.candidates]

    asyncio.run(check())


# -- picking pictures ----------------------------------------------------------------------------------------


def by_rank(what: str, rank: int) -> float:
    """The second result is the best."""
    return [0.4, 0.6, 0.9, 0.1][rank]


async def test_the_best_of_several_results_and_seeds_is_taken_and_edits_follow() -> None:
    text = "A. " + search("a fox") + " B. " + diffusion("a hare") + " C. " + edit(0, "in snow") + edit(2, "darker")
    tools = Tools(quality=by_rank)
    run = run_of([text], tools)
    candidates = await candidates_of([text], run)
    outcome = await PickPictures(picking(), others=3)(candidates, run)
    (picked,) = outcome.candidates
    assert [round(shade(r.picture.png), 1) for r in picked.rendered.results if r.picture] == [0.9, 0.9, 0.9, 0.9]
    assert picked.rendered.document.source == text
    assert (outcome.before, outcome.after) == (0.0, 1.0)
    asked = [what for _, what in tools.calls]
    assert sorted(asked[:4]) == sorted(["a fox", "a hare", "in snow", "darker"])
    assert sorted(asked[4:]) == sorted(
        [f"a {x}#{n}" for x in ("fox", "hare") for n in (1, 2, 3)] + ["in snow", "darker"]
    )


async def test_alternatives_are_asked_for_at_once() -> None:
    """All of two tags' alternatives are under way before the first comes back."""
    under_way = most = 0

    class Counting(Tools):
        async def alternative(self, call: Any, number: int, pictures: Any = ()) -> Any:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0)
            under_way -= 1
            return await super().alternative(call, number)

    run = run_of(["A. " + search("a fox") + diffusion("a hare")], Counting(quality=by_rank))
    await PickPictures(picking(), others=3)(await candidates_of([""], run), run)
    assert most == 6


async def test_where_two_rounds_differ_the_picture_stays() -> None:
    """A judge that always takes the first place: no picture is better."""
    first = Model(lambda said, messages, number: {"reason": "it is first", "best": 1})
    run = run_of(["A. " + search("a fox")], Tools(quality=by_rank))
    candidates = await candidates_of([""], run)
    outcome = await PickPictures(first)(candidates, run)
    assert outcome.candidates == candidates
    assert outcome.before == outcome.after


async def test_a_tag_without_a_picture_gets_one() -> None:
    tools = Tools(quality=lambda what, rank: None if rank < 2 else 0.5)
    run = run_of(["A. " + search("a fox")], tools)
    (picked,) = (await PickPictures(picking())(await candidates_of([""], run), run)).candidates
    assert picked.rendered.results[0].ok


async def test_a_picture_is_not_taken_twice() -> None:
    """Two tags whose alternatives are the same: the second keeps its own, and two pictures stay two."""

    class Same(Tools):
        async def alternative(self, call: Any, number: int, pictures: Any = ()) -> Any:
            return ToolResult(picture=picture("the best fox there is", 0.99))

    run = run_of(
        ["A. " + search("a fox") + search("a red fox")], Same(), constraint=Constraint(count=ImageCount.exactly(2))
    )
    (picked,) = (await PickPictures(picking())(await candidates_of([""], run), run)).candidates
    assert len(picked.rendered.delivered) == 2


async def test_a_judge_that_fails_changes_nothing() -> None:
    def down(said: str, messages: Sequence[Message], number: int) -> str:
        raise ChatError("unreachable", "no judge")

    texts = ["A. " + search("a fox"), "B. " + search("a hare")]
    run = run_of(texts, Tools(quality=by_rank))
    candidates = await candidates_of(texts, run)
    for stage in (PickPictures(Model(down)), Polish(Model(down))):
        outcome = await stage(candidates, run)
        assert outcome.candidates == candidates
    assert set((await Select(Model(down))(candidates, run)).candidates) == set(candidates)
    assert "no judge" in " ".join(run.failures)


# -- selecting -----------------------------------------------------------------------------------------------


async def test_the_best_is_selected_and_equal_contents_are_compared_once() -> None:
    texts = ranked(0.3, 0.9, 0.5, 0.9)
    run = run_of(texts)
    judge = comparing()
    outcome = await Select(judge)(await candidates_of(texts, run), run)
    assert outcome.candidates[0].rendered.document.source == texts[1]
    assert len(outcome.candidates) == 3
    assert outcome.after == 1.0


QUALITIES = st.lists(st.integers(0, 20).map(lambda q: q / 20), min_size=2, max_size=6)


@given(
    values=QUALITIES,
    order=st.randoms(use_true_random=False),
    noise=st.sampled_from([0.0, 0.2, 1.0]),
    stateful=st.booleans(),
    place_bias=st.sampled_from([0.0, 0.3, -0.3]),
    finalists=st.integers(2, 6),
)
@settings(max_examples=150)
def test_selection_is_invariant_to_order_and_never_worse_by_its_own_judge(
    values: list[float],
    order: random.Random,
    noise: float,
    stateful: bool,
    place_bias: float,
    finalists: int,
) -> None:
    """With exact, noisy, inconsistent and biased judges."""

    async def select(candidates: Candidates, run: Run) -> Any:
        judge = comparing(noise, 5, stateful=stateful, place_bias=place_bias)
        return await Select(judge, finalists=finalists)(candidates, run)

    async def check() -> None:
        texts = ranked(*values)
        run = run_of(texts)
        candidates = await candidates_of(texts, run)
        straight = await select(candidates, run)
        mixed = list(candidates)
        order.shuffle(mixed)
        again = await select(tuple(mixed), run)
        assert [c.digest for c in straight.candidates] == [c.digest for c in again.candidates]
        for outcome in (straight, again):
            if outcome.before is not None:
                assert outcome.after >= outcome.before
        if not noise and not place_bias and finalists == 6:
            assert qualities(straight.candidates[0].rendered.document.source) == [max(values)]

    asyncio.run(check())


@given(values=QUALITIES, noise=st.sampled_from([0.0, 0.3]))
@settings(max_examples=60)
def test_stopping_when_nobody_can_catch_up_changes_no_winner(values: list[float], noise: float) -> None:
    async def check() -> None:
        texts = ranked(*values)
        run = run_of(texts)
        candidates = canonical(await candidates_of(texts, run))
        winner = (await Select(comparing(noise))(candidates, run)).candidates[0]
        judge = comparing(noise)
        points = {c.digest: 0.0 for c in candidates}
        for i, first in enumerate(candidates):
            for second in candidates[i + 1 :]:
                value = (
                    await PairwiseJudge(judge).compare(first.sample(run.question), second.sample(run.question))
                ).value
                assert value is not None
                points[first.digest] += value
                points[second.digest] += 1 - value
        assert points[winner.digest] == max(points.values())

    asyncio.run(check())


async def test_no_more_questions_than_needed() -> None:
    """One of eight is better and the others are alike: after five of seven rounds none of them can catch up."""
    texts = ["The best. [q=0.9]", *(f"Number {i}. [q=0.5]" for i in range(7))]
    run = run_of(texts)
    judge = comparing()
    outcome = await Select(judge)(await candidates_of(texts, run), run)
    assert outcome.candidates[0].seed == 0
    assert len(judge.asked) == 2 * 4 * 5


async def test_a_budget_that_ends_in_the_middle_leaves_an_answer() -> None:
    texts = ranked(0.3, 0.9, 0.5, 0.7)
    for tokens in range(0, 30_000, 1500):
        run = run_of(Writer(texts), allowance=Allowance(tokens=tokens))
        sampled = await Sample(4)((), run)
        outcome = await Select(comparing())(sampled.candidates, run)
        assert len(outcome.candidates) == len(sampled.candidates)
        assert run.cost.tokens <= tokens


async def test_questions_to_models_are_bounded() -> None:
    texts = ranked(*(i / 10 for i in range(8)))
    run = run_of(texts, at_once=3)
    judge = comparing()
    await Select(judge)(await candidates_of(texts, run), run)
    assert judge.most_under_way <= 3


# -- polishing -----------------------------------------------------------------------------------------------


def polisher(answer: str) -> Writer:
    return Writer(lambda request: answer if len(request.messages) > 1 else "First. [q=0.5] " + search("a fox"))


@pytest.mark.parametrize(
    ("answer", "taken", "why"),
    [
        ("Better. [q=0.8] " + search("a fox"), True, "taken"),
        ("Worse. [q=0.2] " + search("a fox"), False, "not better"),
        ("As good. [q=0.5] " + search("a fox"), False, "not better"),
        ("Better, but the picture is gone. [q=0.9]", False, "fewer wishes"),
        ("First. [q=0.5] " + search("a fox"), False, "nothing was changed"),
    ],
)
async def test_polishing_is_taken_only_where_it_is_better(answer: str, taken: bool, why: str) -> None:
    run = run_of(polisher(answer), constraint=Constraint(count=ImageCount.exactly(1)))
    candidates = (await Sample(1)((), run)).candidates
    outcome = await Polish(comparing())(candidates, run)
    assert (outcome.candidates[0] != candidates[0]) == taken
    assert why in outcome.notes[0]
    assert outcome.before is not None
    assert outcome.after is not None
    assert outcome.after >= outcome.before


async def test_polishing_keeps_the_pictures_that_were_chosen_and_repaired() -> None:
    text = "First. [q=0.5] " + search("a fox") + edit(0, "in snow")
    writer = Writer(lambda r: text if len(r.messages) == 1 else text.replace("First. [q=0.5]", "Better. [q=0.8]"))
    tools = Tools(quality=by_rank)
    run = run_of(writer, tools)
    picked = (await PickPictures(picking())((await Sample(1)((), run)).candidates, run)).candidates
    asked = len(tools.calls)
    polished = (await Polish(comparing())(picked, run)).candidates[0]
    assert polished.rendered.document.source.startswith("Better.")
    assert polished.rendered.results == picked[0].rendered.results
    assert shade(polished.rendered.results[0].picture.png) > 0.85  # type: ignore[union-attr]
    assert len(tools.calls) == asked


async def test_polishing_shows_the_policy_its_own_document() -> None:
    writer = polisher("Better. [q=0.8] " + search("a fox"))
    run = run_of(writer)
    await Polish(comparing())((await Sample(1)((), run)).candidates, run)
    request: Request = writer.requests[-1]
    assert [m["role"] for m in request.messages] == ["user", "assistant", "user"]
    assert request.temperature == 0.0


# -- all of it -----------------------------------------------------------------------------------------------


async def test_the_digest_is_of_the_content_alone() -> None:
    texts = ["A. " + search("a fox"), "A. " + search("a fox"), "A. " + search("a hare")]
    first, second, third = await candidates_of(texts)
    assert first.digest == second.digest != third.digest
    assert first != second
    assert isinstance(first, Candidate)


async def test_scale_is_scale() -> None:
    texts = ranked(0.3, 0.9, 0.5)
    scaled = await scale(Question.of("foxes"), Writer(texts), Tools(), [Sample(3), Filter(), Select(comparing())])
    assert scaled.best is not None
    assert scaled.best.rendered.document.source == texts[1]
