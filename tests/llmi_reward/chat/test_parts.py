"""The parts of `chat/` on their own: keys, bounds, environment, limiter, retries, journal, strict reading."""

import asyncio
import json
import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from llmi_reward.chat import (
    Answer,
    Budget,
    ChatClient,
    ChatError,
    Endpoint,
    Journal,
    Retries,
    Usage,
    picture_part,
    read_as,
    read_json,
    text_part,
)
from llmi_reward.chat.limiter import Limiter
from llmi_reward.chat.request import build
from llmi_reward.chat.transport import retry_after
from llmi_schema import ConfigurationError

PLACE = Endpoint("http://host/v1", "m")
HELLO = [{"role": "user", "content": "hello"}]


def key(place=PLACE, messages=HELLO, options=None, schema=None, sample=0):
    return build(place, messages, options or {}, schema, sample).key


@pytest.mark.parametrize(
    "changed",
    [
        {"place": Endpoint("http://other/v1", "m")},
        {"place": Endpoint("http://host/v1", "n")},
        {"place": Endpoint("http://host/v1", "m", azure_api_version="2024-10-21")},
        {"messages": [{"role": "system", "content": "be brief"}, *HELLO]},
        {"messages": [{"role": "user", "content": "hello "}]},
        {"options": {"temperature": 0.1}},
        {"options": {"seed": 1}},
        {"schema": {"type": "object"}},
        {"sample": 1},
    ],
)
def test_whatever_affects_the_answer_is_in_the_key(changed):
    assert key(**changed) != key()


def test_a_picture_is_in_the_key(make):
    keys = {key(messages=[{"role": "user", "content": [picture_part(make.picture(i))]}]) for i in range(3)}
    assert len(keys) == 3


def test_whatever_does_not_affect_it_is_not():
    assert key(Endpoint("http://host/v1/", "m", api_key="another")) == key()


def test_the_bound_covers_bytes_pictures_and_the_answer(make):
    content = [text_part("Füchse"), picture_part(make.picture())]
    most = build(PLACE, [{"role": "user", "content": content}], {"max_tokens": 9}, None, 0).most
    assert most == Usage(16 + 7 + 1 + 256, 9)
    unknown = [{"type": "image_url", "image_url": {"url": "https://host/x.jpg"}}]
    assert build(PLACE, [{"role": "user", "content": unknown}], {}, None, 0).most.prompt_tokens == 16 + 16_384


def test_the_published_variables_name_an_endpoint():
    variables = {"LLM_JUDGE_BASE_URL": "http://host/v1", "LLM_JUDGE_MODEL_NAME": "m", "OPENAI_API_KEY": "k"}
    assert Endpoint.from_env("LLM_JUDGE", variables) == Endpoint("http://host/v1", "m", "k")
    assert "'k'" not in repr(Endpoint.from_env("LLM_JUDGE", variables))


def test_what_is_missing_is_named():
    with pytest.raises(ConfigurationError, match="MLLM_JUDGE_BASE_URL and MLLM_JUDGE_MODEL_NAME"):
        Endpoint.from_env("MLLM_JUDGE", {"MLLM_JUDGE_MODEL_NAME": ""})
    with pytest.raises(ConfigurationError, match="http://"):
        Endpoint("host/v1", "m")


def test_pauses_grow_are_jittered_and_honour_retry_after():
    retries = Retries(attempts=5, first_seconds=1.0, longest_seconds=3.0)
    failure = ChatError("server_error", "x")
    for attempt, bound in ((1, 1.0), (2, 2.0), (3, 3.0), (4, 3.0)):
        pauses = [retries.pause(failure, attempt) for _ in range(200)]
        assert 0 <= min(pauses) < 0.2 * bound
        assert 0.8 * bound < max(pauses) <= bound
    assert retries.pause(failure, 5) is None
    assert 7.0 <= retries.pause(ChatError("rate_limited", "x", retry_after=7.0), 1) <= 8.0
    assert retries.pause(ChatError("rejected", "x"), 1) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
    ],
)
def test_retry_after_is_read_in_all_its_forms(headers, seconds):
    assert retry_after(headers) == seconds


def test_a_date_in_retry_after_is_so_many_seconds_away():
    in_a_minute = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert 58 < retry_after({"retry-after": in_a_minute}) <= 60


async def test_a_few_random_rejections_leave_the_limit_where_it_is():
    limiter = Limiter(64)
    for i in range(4000):
        async with await limiter.enter(limiter.ticket()) as place:
            if i % 20 == 0:
                place.rejected(None)
            else:
                place.answered()
    assert limiter.limit > 60


async def test_a_round_of_rejections_halves_the_limit_once():
    limiter = Limiter(16)
    places = [await limiter.enter(limiter.ticket()) for _ in range(16)]
    for place in places:
        async with place:
            place.rejected(None)
    assert limiter.limit == 8


async def test_a_server_that_turns_all_away_is_left_alone_until_it_said():
    limiter = Limiter(4)
    for place in [await limiter.enter(limiter.ticket()) for _ in range(4)]:
        async with place:
            place.rejected(0.2)
    loop = asyncio.get_running_loop()
    started = loop.time()
    async with await limiter.enter(limiter.ticket()):
        assert 0.19 <= loop.time() - started < 0.4


async def test_the_oldest_goes_first_also_after_a_retry():
    limiter = Limiter(1)
    old = limiter.ticket()
    order = []

    async def enter(ticket, name):
        async with await limiter.enter(ticket):
            order.append(name)

    async with await limiter.enter(limiter.ticket()):
        waiting = [asyncio.create_task(enter(limiter.ticket(), "new")), asyncio.create_task(enter(old, "old"))]
        await asyncio.sleep(0)
    await asyncio.gather(*waiting)
    assert order == ["old", "new"]


async def test_cancelled_waiters_take_no_place():
    limiter = Limiter(1)
    async with await limiter.enter(limiter.ticket()):
        waiting = [asyncio.create_task(limiter.enter(limiter.ticket())) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        await asyncio.sleep(0)
    waiting[1].cancel()  # called up in this moment
    async with await waiting[2]:
        assert limiter.in_flight == 1
    assert limiter.in_flight == 0


async def test_cancelled_waiters_take_no_budget():
    budget = Budget(tokens=100)
    with await budget.reserve(Usage(100, 0), None):
        waiting = [asyncio.create_task(budget.reserve(Usage(100, 0), None)) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        await asyncio.sleep(0)
    waiting[1].cancel()
    with await waiting[2]:
        assert budget._held_tokens == 100
    assert budget._held_tokens == 0


async def test_the_journal_keeps_answers_as_they_were(tmp_path):
    answer = Answer("naïve \U0001f98a", Usage(3, 4), "stop", "m", "no")
    with Journal(tmp_path / "deep" / "a.sqlite") as journal:
        await asyncio.gather(*(journal.add(bytes([i]), answer) for i in range(200)))
        assert len(journal) == 200
        found = journal.find(b"\x07")
        assert found == Answer("naïve \U0001f98a", Usage(3, 4), "stop", "m", "no", replayed=True)
        assert journal.find(b"other") is None
        assert journal.usage() == Usage(600, 800)
    assert not any(t.name.startswith("journal") for t in threading.enumerate())


def test_an_answer_that_was_told_survives_a_power_cut(tmp_path):
    with Journal(tmp_path / "a.sqlite") as journal:
        connection = journal._open()
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
        connection.close()


async def test_an_answer_survives_a_caller_that_is_cancelled(tmp_path):
    with Journal(tmp_path / "a.sqlite") as journal:
        adding = asyncio.create_task(journal.add(b"k", Answer("x")))
        await asyncio.sleep(0)
        adding.cancel()
        await asyncio.gather(adding, return_exceptions=True)
    with Journal(tmp_path / "a.sqlite") as journal:
        assert journal.find(b"k").text == "x"


def test_several_processes_write_one_journal(tmp_path):
    code = f"""if True:
        import asyncio, sys
        from llmi_reward.chat import Answer, Journal
        async def main():
            with Journal({str(tmp_path / "a.sqlite")!r}) as journal:
                await asyncio.gather(*(journal.add(f"{{sys.argv[1]}} {{i}}".encode(), Answer("x")) for i in range(100)))
        asyncio.run(main())"""
    writers = [subprocess.Popen([sys.executable, "-c", code, name]) for name in "ab"]
    assert [writer.wait() for writer in writers] == [0, 0]
    with Journal(tmp_path / "a.sqlite") as journal:
        assert len(journal) == 200


def test_what_is_no_journal_is_named(tmp_path):
    (tmp_path / "a.sqlite").write_text("no database " * 100)
    with pytest.raises(ConfigurationError, match=r"a\.sqlite"):
        Journal(tmp_path / "a.sqlite")
    other = sqlite3.connect(tmp_path / "b.sqlite")
    other.execute("CREATE TABLE answers (x)")
    other.close()
    with pytest.raises(ConfigurationError, match=r"b\.sqlite"):
        Journal(tmp_path / "b.sqlite")


async def test_a_full_disk_is_seen_before_an_answer_is_paid_for(tmp_path, monkeypatch):
    left = {"free": 100_000_000}
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(**left))
    sent = []

    class Counting:
        def __init__(self, endpoint):
            self.endpoint = endpoint

        async def send(self, body):
            sent.append(body)
            raise ChatError("server_error", "not today")

        async def close(self):
            pass

    once = Retries(attempts=1)
    async with ChatClient(PLACE, journal=tmp_path / "a.sqlite", transport=Counting, retries=once) as chat:
        with pytest.raises(ChatError):
            await chat.ask("one")
        left["free"] = 1_000_000
        with pytest.raises(ConfigurationError, match=r"a\.sqlite: 1\.0 MB are left on its disk.*free some space"):
            await chat.ask("two")
    assert len(sent) == 1


async def test_a_journal_that_cannot_be_written_names_itself_and_hangs_nobody(tmp_path):
    with Journal(tmp_path / "a.sqlite") as journal:
        await journal.add(b"k", Answer("x"))
        blocking = sqlite3.connect(tmp_path / "a.sqlite")
        blocking.execute("DROP TABLE answers")
        blocking.commit()
        blocking.close()
        with pytest.raises(ConfigurationError, match=r"a\.sqlite: this journal does not take answers any more"):
            await journal.add(b"l", Answer("y"))


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1}',
        ' \n{"a": 1}\n',
        '```json\n{"a": 1}\n```',
        '<think>maybe {"a": 5}</think>{"a": 1}',
        'I should say {"a": 5}</think>\n{"a": 1}',
        '<think>{"a": 2}</think><think>no</think>```\n{"a": 1}\n```',
    ],
)
def test_one_json_value_is_read(text):
    assert read_json(Answer(text)) == {"a": 1}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Text: 5",
        'Here it is: {"a": 1}',
        '{"a": 1} {"a": 2}',
        '{"a": 1, "a": 5}',
        '{"a": NaN}',
        '{"a": 1',
        '```json\n{"a": 1}\n``` and {"a": 5}',
        "[" * 100_000,
    ],
)
def test_anything_else_is_not_searched_for_one(text):
    with pytest.raises(ChatError) as error:
        read_json(Answer(text))
    assert error.value.reason == "bad_answer"


@pytest.mark.parametrize("answer", [Answer('<think>{"a": 1}'), Answer('{"a": 1}', finish="length")])
def test_answers_cut_off_are_none(answer):
    with pytest.raises(ChatError) as error:
        read_json(answer)
    assert error.value.reason == "cut_off"


class Pair(BaseModel):
    a: int
    b: str = "default"


def test_models_are_read_without_conversions():
    assert read_as(Pair, Answer('{"a": 1, "b": "x"}')) == Pair(a=1, b="x")
    for wrong in ({"a": "1", "b": "x"}, {"a": 1.0, "b": "x"}, {"a": True, "b": "x"}, []):
        with pytest.raises(ChatError, match="schema"):
            read_as(Pair, Answer(json.dumps(wrong)))


def test_importing_chat_and_judges_loads_nothing_heavy():
    code = "import sys, llmi_reward.chat, llmi_reward.judges; print(*sys.modules)"
    loaded = set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.split())
    assert loaded
    assert not loaded & {"openai", "httpx", "httpx2", "httpcore", "torch", "transformers", "outlines", "PIL", "numpy"}


@settings(max_examples=60)
@given(
    limit=st.integers(1, 400),
    calls=st.lists(st.tuples(st.integers(1, 120), st.floats(0, 1), st.integers(0, 4), st.booleans()), max_size=30),
)
def test_whatever_happens_a_budget_is_not_exceeded_and_nobody_waits_for_ever(limit, calls):
    """Calls of any size end after any number of turns, using any share of what they set aside, or are cancelled."""

    async def main():
        budget = Budget(tokens=limit)
        refused = []

        async def call(most, share, turns, gives_up):
            with await budget.reserve(Usage(most, 0), None) as reservation:
                for _ in range(turns):
                    await asyncio.sleep(0)
                if gives_up:
                    raise asyncio.CancelledError
                reservation.count(Usage(int(most * share), 0))
                assert budget.used.tokens <= limit

        async def guarded(most, *rest):
            try:
                await call(most, *rest)
            except ChatError:
                refused.append(most)

        async with asyncio.timeout(5):
            ends = await asyncio.gather(*(guarded(*one) for one in calls), return_exceptions=True)
        assert all(end is None or isinstance(end, asyncio.CancelledError) for end in ends)
        assert budget.used.tokens <= limit
        assert budget._held_tokens == 0
        for most in refused:  # what was refused would not have fitted
            assert budget.used.tokens + most > limit

    asyncio.run(main())


@settings(max_examples=60)
@given(most=st.integers(1, 12), calls=st.lists(st.tuples(st.integers(0, 3), st.sampled_from("arc")), max_size=40))
def test_whatever_happens_the_limit_is_kept_and_every_place_given_back(most, calls):
    """Requests that are answered, rejected or cancelled in any order."""

    async def main():
        limiter = Limiter(most)

        async def request(turns, end):
            async with await limiter.enter(limiter.ticket()) as place:
                assert limiter.in_flight <= most
                for _ in range(turns):
                    await asyncio.sleep(0)
                if end == "a":
                    place.answered()
                elif end == "r":
                    place.rejected(None)
                else:
                    raise asyncio.CancelledError

        async with asyncio.timeout(5):
            ends = await asyncio.gather(*(request(*one) for one in calls), return_exceptions=True)
        assert all(end is None or isinstance(end, asyncio.CancelledError) for end in ends)
        assert limiter.in_flight == 0
        assert 1 <= limiter.limit <= most

    asyncio.run(main())
