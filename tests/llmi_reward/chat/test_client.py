"""The client against a real server that misbehaves as servers do."""

import asyncio
import json
import pickle
import resource
import time

import pytest
from pydantic import BaseModel

from llmi_reward.chat import Answer, Budget, ChatClient, ChatError, Endpoint, Journal, Retries, Usage, ask_for
from llmi_schema import ConfigurationError, SystemRequirementError

pytest.importorskip("openai")


def in_turn(*outcomes):
    """A script: these outcomes one after the other, then "ok"."""
    return lambda call: outcomes[call.number - 1] if call.number <= len(outcomes) else "ok"


async def test_an_answer_arrives_with_its_usage(ask):
    async with ask(lambda call: "a river") as (server, chat):
        answer = await chat.ask("Name a river.")
    assert answer == Answer("a river", Usage(100, 20), "stop", "m")
    (call,) = server.calls
    assert call.headers[":path"] == "/v1/chat/completions"
    assert call.headers["authorization"] == "Bearer secret"
    assert call.body == {
        "model": "judge",
        "max_tokens": 1024,
        "temperature": 0.0,
        "messages": [{"role": "user", "content": "Name a river."}],
    }


async def test_options_are_laid_over_the_defaults_and_none_leaves_one_out(ask):
    async with ask(options={"top_p": 0.9, "temperature": None}) as (server, chat):
        await chat.ask("x", options={"max_completion_tokens": 7}, sample=2)
    assert server.calls[0].body == {
        "model": "judge",
        "top_p": 0.9,
        "max_completion_tokens": 7,
        "seed": 2,
        "messages": [{"role": "user", "content": "x"}],
    }


async def test_azure_gets_its_own_address_and_key(ask):
    async with ask() as (server, _):
        place = Endpoint(server.url.removesuffix("/v1"), "my-judge", "secret", azure_api_version="2024-10-21")
        async with ChatClient(place) as chat:
            await chat.ask("x")
    (call,) = server.calls
    assert call.headers[":path"] == "/openai/deployments/my-judge/chat/completions?api-version=2024-10-21"
    assert call.headers["api-key"] == "secret"


@pytest.mark.parametrize("fault", ["429", "500", "reset", "truncated", "html"])
async def test_passing_faults_are_tried_again(ask, fault):
    async with ask(in_turn(fault, fault)) as (server, chat):
        assert (await chat.ask("x")).text == server.answer
        assert chat.statistics.sent == server.number == 3


@pytest.mark.parametrize(
    ("fault", "reason", "attempts"),
    [
        ("429", "rate_limited", 3),
        ("500", "server_error", 3),
        ("reset", "unreachable", 3),
        ("truncated", "unreachable", 3),
        ("html", "bad_reply", 3),
        ("401", "rejected", 1),
        ("400", "rejected", 1),
        ("refusal", "refused", 1),
        ("filtered", "refused", 1),
    ],
)
async def test_lasting_faults_are_named(ask, fault, reason, attempts):
    async with ask(lambda call: fault, retries=Retries(attempts=3, first_seconds=0.01)) as (server, chat):
        with pytest.raises(ChatError) as error:
            await chat.ask("x")
        assert error.value.reason == reason
        assert server.number == attempts
        assert chat.statistics.failures == {reason: 1}


async def test_a_server_that_is_not_there_is_unreachable():
    async with ChatClient(Endpoint("http://127.0.0.1:9/v1", "m"), retries=Retries(attempts=1)) as chat:
        with pytest.raises(ChatError, match="no reply from the server") as error:
            await chat.ask("x")
    assert error.value.reason == "unreachable"


async def test_a_hanging_server_meets_the_deadline(ask):
    async with ask(lambda call: "hang", attempt_seconds=0.1, deadline_seconds=0.25) as (server, chat):
        started = time.monotonic()
        with pytest.raises(ChatError) as error:
            await chat.ask("x")
    assert error.value.reason == "timeout"
    assert 0.1 <= time.monotonic() - started < 0.6
    assert server.number in (2, 3)


async def test_waiting_behind_ones_own_requests_costs_no_deadline(ask):
    settings = {"concurrency": 1, "deadline_seconds": 0.25, "attempt_seconds": 0.25}
    async with ask(server={"latency": 0.1}, **settings) as (_, chat):
        answers = await asyncio.gather(*(chat.ask(f"{i}") for i in range(5)))
    assert len(answers) == 5


async def test_retry_after_is_waited_for(ask):
    async with ask(in_turn("429"), server={"retry_after": "1"}) as (_, chat):
        started = time.monotonic()
        await chat.ask("x")
        assert 1.0 <= time.monotonic() - started < 1.5


async def test_a_retry_that_would_miss_the_deadline_is_not_waited_for(ask):
    async with ask(in_turn("429"), server={"retry_after": "60"}) as (_, chat):
        started = time.monotonic()
        with pytest.raises(ChatError, match="429"):
            await chat.ask("x")
        assert time.monotonic() - started < 1.0


async def test_concurrency_is_bounded(ask):
    async with ask(server={"latency": 0.02}, concurrency=3) as (server, chat):
        await asyncio.gather(*(chat.ask(f"{i}") for i in range(20)))
    assert server.most == 3


async def test_concurrency_falls_to_what_the_server_takes_and_comes_back(ask):
    async with ask(server={"latency": 0.02, "capacity": 4}, concurrency=32) as (server, chat):
        await asyncio.gather(*(chat.ask(f"{i}") for i in range(150)))
        assert chat._lives[0].limiter.limit < 10
        turned_away = server.turned_away
        await asyncio.gather(*(chat.ask(f"more {i}") for i in range(150)))
        assert server.turned_away - turned_away < turned_away / 2  # it has learnt
        server.capacity = None
        await asyncio.gather(*(chat.ask(f"free {i}") for i in range(500)))
        assert chat._lives[0].limiter.limit > 25


async def test_equal_requests_at_the_same_time_are_sent_once(ask):
    async with ask(server={"latency": 0.02}) as (server, chat):
        answers = await asyncio.gather(*(chat.ask("same") for _ in range(10)), chat.ask("other"))
        assert len(answers) == 11
        assert server.number == 2
        await chat.ask("same")
        assert server.number == 3  # nothing is kept without a journal


async def test_samples_of_one_request_are_sent_each(ask):
    async with ask() as (server, chat):
        await asyncio.gather(*(chat.ask("same", sample=i) for i in range(3)))
    assert sorted(call.body.get("seed", 0) for call in server.calls) == [0, 1, 2]


async def test_a_failure_reaches_all_who_wait_for_it(ask):
    async with ask(lambda call: "401") as (server, chat):
        outcomes = await asyncio.gather(*(chat.ask("same") for _ in range(3)), return_exceptions=True)
    assert [o.reason for o in outcomes] == ["rejected"] * 3
    assert server.number == 1


async def test_the_first_to_ask_may_leave_without_the_others(ask):
    async with ask(server={"latency": 0.1}) as (server, chat):
        first, second = (asyncio.create_task(chat.ask("same")) for _ in range(2))
        await asyncio.sleep(0.03)
        first.cancel()
        assert (await second).text
        assert first.cancelled()
        assert server.number == 1


async def test_cancelling_leaves_nothing_running(ask):
    async with ask(lambda call: "hang", concurrency=4) as (server, chat):
        before = asyncio.all_tasks()
        asked = [asyncio.create_task(chat.ask(f"{i}")) for i in range(12)]
        while server.busy < 4:  # noqa: ASYNC110  # the server counts, it does not tell
            await asyncio.sleep(0.01)
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
        assert all(task.cancelled() for task in asked)
        assert chat._lives[0].limiter.in_flight == 0
        mine = {t for t in asyncio.all_tasks() - before if "FaultyServer" not in str(t.get_coro())}
        assert not mine
        server.script = lambda call: "ok"
        assert await chat.ask("and it goes on")


async def test_closing_stops_what_is_under_way(ask):
    async with ask(lambda call: "hang") as (server, chat):
        asked = asyncio.create_task(chat.ask("x"))
        while not server.busy:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await chat.aclose()
        with pytest.raises(ChatError, match="was closed while it was asked"):
            await asked


async def test_a_server_without_schemas_is_asked_without(ask):
    def script(call):
        return "400 schema" if "response_format" in call.body else "ok"

    async with ask(script) as (server, chat):
        await chat.ask("x", schema={"type": "object"})
        await chat.ask("y", schema={"type": "object"})
    assert ["response_format" in call.body for call in server.calls] == [True, False, False]


class River(BaseModel):
    name: str
    kilometres: int


async def test_asking_for_a_model_sends_its_schema_and_reads_strictly(ask):
    answers = ['{"name": "Elbe", "kilometres": "1094"}', '{"name": "Elbe", "kilometres": 1094}']
    async with ask(in_turn(*answers)) as (server, chat):
        assert await ask_for(River, chat, "A river?") == River(name="Elbe", kilometres=1094)
    form = server.calls[0].body["response_format"]["json_schema"]
    assert form["strict"] is True
    assert form["schema"]["required"] == ["name", "kilometres"]
    assert form["schema"]["additionalProperties"] is False
    assert [call.body.get("seed") for call in server.calls] == [None, 1]


async def test_garbage_is_no_model_however_often(ask):
    async with ask(lambda call: "garbage") as (server, chat):
        with pytest.raises(ChatError) as error:
            await ask_for(River, chat, "A river?", attempts=3)
    assert error.value.reason == "bad_answer"
    assert server.number == 3


async def test_an_answer_cut_off_is_no_model(ask):
    async with ask(lambda call: "length") as (_, chat):
        with pytest.raises(ChatError) as error:
            await ask_for(River, chat, "A river?")
    assert error.value.reason == "cut_off"


async def test_the_journal_answers_after_a_restart(ask, tmp_path):
    path = tmp_path / "answers.sqlite"
    async with ask(journal=path) as (server, chat):
        first = await chat.ask("x")
        assert await chat.ask("x") == Answer(first.text, first.usage, first.finish, first.model, replayed=True)
        async with ChatClient(chat.endpoint, journal=path, deadline_seconds=1, concurrency=1) as again:
            assert (await again.ask("x")).replayed
            assert not (await again.ask("x", sample=1)).replayed
        assert server.number == 2


async def test_a_refusal_is_paid_for_once(ask, tmp_path):
    async with ask(lambda call: "refusal", journal=tmp_path / "a.sqlite") as (server, chat):
        for _ in range(2):
            with pytest.raises(ChatError, match="I cannot help with that"):
                await chat.ask("x")
    assert server.number == 1


async def test_clients_may_share_a_journal(ask, tmp_path):
    with Journal(tmp_path / "a.sqlite") as journal:
        async with ask(journal=journal) as (_, chat):
            await chat.ask("x")
        assert len(journal) == 1
        assert journal.usage() == Usage(100, 20)


async def test_a_budget_is_never_exceeded(ask):
    """A call may take 5 + 16 + 99 tokens and takes 120, so 1000 tokens are eight calls."""
    budget = Budget(tokens=1000)
    async with ask(server={"latency": 0.01}, budget=budget, options={"max_tokens": 99}) as (server, chat):
        outcomes = await asyncio.gather(*(chat.ask(f"{i:05}") for i in range(50)), return_exceptions=True)
    answered = [o for o in outcomes if isinstance(o, Answer)]
    assert len(answered) == server.number == 8
    assert {o.reason for o in outcomes if not isinstance(o, Answer)} == {"budget"}
    assert budget.used.tokens == 960


async def test_calls_wait_while_what_is_set_aside_may_come_back(ask):
    """Each call may take 1021 tokens and takes 120: one after the other they all fit."""
    budget = Budget(tokens=1700)
    async with ask(server={"latency": 0.01}, budget=budget, options={"max_tokens": 1000}) as (server, chat):
        await asyncio.gather(*(chat.ask(f"{i:05}") for i in range(6)))
        assert server.most == 1
        with pytest.raises(ChatError) as error:
            await chat.ask("another")
    assert error.value.reason == "budget"
    assert budget.used.tokens == 720


async def test_a_lost_reply_counts_as_the_most_it_can_have_cost(ask):
    budget = Budget(tokens=300)
    script = in_turn("truncated", "truncated", "truncated")
    async with ask(script, budget=budget, options={"max_tokens": 99}) as (server, chat):
        with pytest.raises(ChatError) as error:
            await chat.ask("12345")
    assert error.value.reason == "budget"
    assert server.number == 2
    assert budget.used.tokens == 240


async def test_money_is_counted_by_prices(ask):
    from llmi_reward.chat import Prices

    budget = Budget(money=0.005)
    async with FaultyEndpoint(ask, Prices(prompt=10, completion=100)) as (server, place):
        async with ChatClient(place, budget=budget, options={"max_tokens": 20}) as chat:
            await chat.ask("12345")
            assert budget.spent == pytest.approx(0.003)
            with pytest.raises(ChatError, match="budget"):
                await chat.ask("123456")
        assert server.number == 1


def FaultyEndpoint(ask, prices):  # noqa: N802  # reads as the context manager it makes
    from contextlib import asynccontextmanager

    @asynccontextmanager
    async def make():
        async with ask() as (server, _):
            yield server, Endpoint(server.url, "m", prices=prices)

    return make()


async def test_a_budget_in_money_wants_prices(ask):
    async with ask(budget=Budget(money=1.0)) as (_, chat):
        with pytest.raises(ConfigurationError, match="prices"):
            await chat.ask("x")


async def test_a_budget_wants_to_know_how_long_an_answer_can_be(ask):
    async with ask(budget=Budget(tokens=1000), options={"max_tokens": None}) as (server, chat):
        with pytest.raises(ConfigurationError, match="max_tokens"):
            await chat.ask("x")
    assert server.number == 0


async def test_too_few_open_files_are_said_before_they_run_out(ask, monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 4096))
    async with ask(concurrency=2000) as (_, chat):
        with pytest.raises(SystemRequirementError, match="ulimit -n 2100"):
            await chat.ask("x")


@pytest.mark.slow
async def test_two_thousand_requests_are_in_flight_in_one_process(ask):
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))
    settings = {"concurrency": 2000, "attempt_seconds": 120, "deadline_seconds": 120}
    async with ask(server={"latency": 10.0, "keep_calls": False}, **settings) as (server, chat):
        answers = await asyncio.gather(*(chat.ask(f"{i}") for i in range(2000)))
        assert len(answers) == 2000
        assert server.most == 2000


async def test_one_client_serves_several_loops(ask):
    """As training does: one loop in a thread that stays, others that come and go."""
    async with ask() as (server, chat):
        first = await chat.ask("x")
        for _ in range(2):
            again = await asyncio.to_thread(lambda: asyncio.run(chat.ask("x")))
            assert again == first
        assert await chat.ask("x") == first
        assert len(chat._lives) <= 2
        assert server.number == 4


async def test_a_client_travels_to_other_processes(ask, tmp_path):
    async with ask(journal=tmp_path / "a.sqlite") as (_, chat):
        answer = await chat.ask("x")
        async with pickle.loads(pickle.dumps(chat)) as copy:
            assert (await copy.ask("x")).text == answer.text
            assert copy.statistics.replayed == 1


async def test_an_empty_account_is_not_waited_for(ask):
    async with ask(lambda call: "quota") as (server, chat):
        with pytest.raises(ChatError, match="insufficient") as error:
            await chat.ask("x")
    assert error.value.reason == "rejected"
    assert server.number == 1


async def test_pictures_and_words_of_any_kind_go_through(ask):
    async with ask() as (server, chat):
        await chat.ask("naïve – \U0001f98a \ud800 </s>")
    assert server.calls[0].body["messages"][0]["content"] == "naïve – \U0001f98a ? </s>"


async def test_the_body_is_one_json_object_with_the_schema_in_it(ask):
    async with ask() as (server, chat):
        await chat.ask("x", schema={"type": "object"}, options={"logit_bias": {"1": 2}})
    body = server.calls[0].body
    assert body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": {"type": "object"}, "strict": True},
    }
    assert json.loads(json.dumps(body)) == body
