"""Judges in a batch of rows: no barrier between rendering and judging, outages counted and stopped."""

import asyncio
import logging

import pytest
from faulty_server import FaultyServer

from llmi_reward import presets
from llmi_reward.chat import ChatClient, Endpoint, Retries
from llmi_reward.integrations.limit import TooManyUnscoredError, UnscoredLimit
from llmi_reward.integrations.metrics import batch_metrics
from llmi_reward.integrations.raw_sample import RawSample
from llmi_reward.integrations.scorer import Scorer
from llmi_reward.judges import LLMJudge
from llmi_schema import RenderedDocument

pytest.importorskip("openai")

LIKED = ((1.4 * 4 + 0.6 * 3) / 2 - 1) / 4  # the value of 4 for the text and 3 for its pictures


async def rendered(document, inputs):
    return RenderedDocument(document=document, results=())


def rows(number):
    return [RawSample("Foxes?", f"Foxes are red, part {i}.", 0) for i in range(number)]


async def test_a_row_is_judged_the_moment_it_is_rendered(judging):
    """The second row is rendered only after the first one has been judged: with a barrier this would never end."""
    judged = asyncio.Event()

    class Model(judging.Scripted):
        async def ask(self, *args, **kwargs):
            answer = await super().ask(*args, **kwargs)
            judged.set()
            return answer

    async def render(document, inputs):
        if "part 1" in document.text:
            await judged.wait()
        return await rendered(document, inputs)

    model = Model(judging.marks(text=4, image=3))
    async with asyncio.timeout(5):
        scored = await Scorer(LLMJudge(model), render).score_all(rows(2))
    assert [s.score.value for s in scored] == [LIKED, LIKED]


async def test_the_judges_of_one_sample_are_asked_together(make, judging):
    """Each judge answers only once the other has been asked."""
    asked = {"llm": asyncio.Event(), "mllm": asyncio.Event()}

    class Model(judging.Scripted):
        def __init__(self, me, other, answer):
            super().__init__(answer)
            self.me, self.other = me, other

        async def ask(self, *args, **kwargs):
            asked[self.me].set()
            await asked[self.other].wait()
            return await super().ask(*args, **kwargs)

    llm = Model("llm", "mllm", judging.marks(text=5, image=5))
    mllm = Model("mllm", "llm", judging.marks(quality=5, text_image=5, task=5))
    async with asyncio.timeout(5):
        score = await presets.llmi(llm, mllm)(make.sample("A fox " + make.tag(), 1))
    assert score.value == 1.0


async def test_a_judges_marks_have_curves(judging):
    model = judging.Scripted(judging.marks(text=4, image=3), judging.marks(text=1, image=3))
    scored = await Scorer(LLMJudge(model), rendered).score_all(rows(2))
    found = batch_metrics(scored)
    assert (found["marks/llm/text"], found["marks/llm/image"]) == (2.5, 3.0)
    assert found["components/llm"] == pytest.approx((LIKED + ((1.4 + 0.6 * 3) / 2 - 1) / 4) / 2)


async def test_an_outage_is_counted_logged_and_ends_the_run_with_a_sentence(caplog):
    async with FaultyServer(lambda call: "500") as server:
        retries = Retries(attempts=2, first_seconds=0.01)
        async with ChatClient(Endpoint(server.url, "m"), retries=retries) as chat:
            limited = Scorer(LLMJudge(chat), rendered, limit=UnscoredLimit(share=0.5, samples=16))
            with caplog.at_level(logging.WARNING):
                scored = await limited.score_all(rows(8))
            assert [s.score.value for s in scored] == [None] * 8
            assert batch_metrics(scored)["unscored"] == 1.0
            assert "8 of 8 rows unscored: llm: server error: the server answered 500: internal" in caplog.text
            with pytest.raises(TooManyUnscoredError, match=r"100% of the last 16 samples .* the server answered 500"):
                await limited.score_all(rows(8))


async def test_half_an_outage_costs_only_its_rows(judging):
    answers = {True: "ok", False: "refusal"}
    async with (
        FaultyServer(lambda call: answers["part 1" in str(call.body)]) as server,
        ChatClient(Endpoint(server.url, "m")) as chat,
    ):
        scored = await Scorer(LLMJudge(chat), rendered).score_all(rows(4))
    assert [s.score.value for s in scored] == [None, LIKED, None, None]
    assert scored[0].score.reason == "llm: refused: the model declined to answer: I cannot help with that."
