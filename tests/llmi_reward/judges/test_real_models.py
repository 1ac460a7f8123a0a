"""Judges that are real models: behind transformers' own OpenAI-compatible server, and in this process."""

import asyncio
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

pytest.importorskip("torch")
pytest.importorskip("outlines")

from ports import free_port
from tiny_judges import VERDICT, ignorant, seeing, taught, tokenizer

from llmi_reward import Sample
from llmi_reward.chat import ChatClient, ChatError, Endpoint, Retries
from llmi_reward.chat.local import TransformersChat, bounded
from llmi_reward.judges import LLMJudge, MLLMJudge
from llmi_schema import ConfigurationError, Constraint, RenderedDocument, ToolResult, parse

pytestmark = pytest.mark.xdist_group("real models")


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Folders of the two models, as any other model is saved."""
    tokens = tokenizer(VERDICT)
    folder = tmp_path_factory.mktemp("models")
    for name, model in (("ignorant", ignorant(tokens)), ("taught", taught(tokens))):
        model.save_pretrained(folder / name)
        tokens.save_pretrained(folder / name)
    return folder


@pytest.fixture(scope="module")
def served(models, tmp_path_factory):
    """`transformers serve` on loopback, asked for either model."""
    pytest.importorskip("fastapi", reason="transformers' server needs fastapi and uvicorn (transformers[serving])")
    port = free_port()
    log = tmp_path_factory.mktemp("serve") / "log.txt"
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu", "--dtype", "float32"]
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env=os.environ | {"HF_HUB_OFFLINE": "1"})
        try:
            until = time.monotonic() + 90
            while not _healthy(port):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < until, log.read_text()
                time.sleep(0.2)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()
            process.wait(30)


def _healthy(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1) as reply:
            return reply.status == 200
    except (urllib.error.URLError, OSError):
        return False


def client(url, model, **settings):
    return ChatClient(Endpoint(url, str(model)), retries=Retries(attempts=1), attempt_seconds=60, **settings)


async def test_a_served_model_judges(served, models, make, tmp_path):
    journal = tmp_path / "answers.sqlite"
    async with client(served, models / "taught", journal=journal) as chat:
        score = await LLMJudge(chat, samples=3).judge(make.sample("Foxes are red. " + make.tag()))
        assert score.details["marks"] == {"text": 4, "image": 3}
        assert score.details["reasons"] == {"text": "clear", "image": "apt"}
        assert score.value == ((1.4 * 4 + 0.6 * 3) / 2 - 1) / 4
        assert chat.journal.usage().prompt_tokens > 3 * 1000
        await LLMJudge(chat, samples=3).judge(make.sample("Foxes are red. " + make.tag()))
        assert (chat.statistics.answered, chat.statistics.replayed) == (3, 3)


async def test_a_served_model_that_babbles_leaves_the_sample_unscored(served, models, make):
    """The server takes a schema and ignores it; the strict reading does not."""
    async with client(served, models / "ignorant", options={"max_tokens": 32}) as chat:
        score = await LLMJudge(chat).judge(make.sample("Foxes are red."))
    assert score.value is None
    assert score.reason.startswith(("cut off: ", "bad answer: "))


async def test_a_model_the_server_does_not_have_is_named(served, models, make):
    async with client(served, models / "missing") as chat:
        score = await LLMJudge(chat).judge(make.sample("Foxes are red."))
    assert score.value is None
    assert "the server answered" in score.reason


async def test_a_model_in_this_process_follows_the_schema_whatever_its_weights(models, make):
    chat = TransformersChat.load(str(models / "ignorant"), dtype="float32", longest_string=8)
    try:
        score = await LLMJudge(chat).judge(make.sample("Foxes are red."))
        assert 0.0 <= score.value <= 1.0
        assert all(mark in (1, 2, 3, 4, 5) for mark in score.details["marks"].values())
        again = await LLMJudge(chat).judge(make.sample("Foxes are red."))
        assert again == score  # seeded
        answer = await chat.ask("Hello", options={"max_tokens": 4})
        assert answer.finish == "length"
        assert answer.usage.completion_tokens >= 4
    finally:
        chat.close()


async def test_a_model_in_this_process_says_what_it_has_learnt(models):
    chat = TransformersChat.load(str(models / "taught"), dtype="float32")
    answer = await chat.ask("Judge this.")
    assert answer.text == VERDICT
    assert answer.finish == "stop"
    chat.close()


async def test_a_model_without_eyes_says_so(models, make):
    chat = TransformersChat.load(str(models / "ignorant"), dtype="float32")
    score = await MLLMJudge(chat).judge(make.sample("A fox " + make.tag()))
    assert score.value is None
    assert score.reason == f"rejected: {chat!r} sees no pictures: use a vision model, and its processor"
    with pytest.raises(ConfigurationError, match="logit_bias"):
        await chat.ask("x", options={"logit_bias": {}})
    chat.close()


async def test_a_vision_model_in_this_process_sees_the_pictures_in_their_order(make, judging):
    model, processor = seeing()
    shown = []
    look = model.model.vision_tower.forward
    model.model.vision_tower.forward = lambda pixels, **others: shown.append(pixels) or look(pixels, **others)
    chat = TransformersChat(model, processor, longest_string=8)
    document = parse(f"A fox {make.tag()} and another {make.tag()}.")
    results = tuple(ToolResult(picture=judging.drawn(color)) for color in ("white", "black"))
    sample = Sample("Two foxes.", RenderedDocument(document=document, results=results), Constraint())
    score = await MLLMJudge(chat).judge(sample)
    assert 0.0 <= score.value <= 1.0
    assert set(score.details["marks"]) == {"quality", "text_image", "task"}
    ((first, second),) = shown
    assert float(first.mean()) > 0 > float(second.mean())
    chat.close()


async def test_cancelling_stops_the_generation(models):
    chat = TransformersChat.load(str(models / "ignorant"), dtype="float32")
    steps = []
    chat._model.model.register_forward_hook(lambda *_: steps.append(1))
    endless = {"type": "string", "minLength": 11_000, "maxLength": 12_000}
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(chat.ask("Hello", schema=endless, options={"max_tokens": 12_000}), 0.1)
    await asyncio.to_thread(chat.close)
    assert len(steps) < 1_000
    with pytest.raises((ChatError, RuntimeError)):
        await chat.ask("after the end")


def test_strings_in_schemas_are_bounded():
    schema = {"properties": {"a": {"type": "string"}, "b": {"type": "string", "enum": ["x"]}}, "required": ["a"]}
    assert bounded(schema, 9) == {
        "properties": {"a": {"type": "string", "maxLength": 9}, "b": {"type": "string", "enum": ["x"]}},
        "required": ["a"],
    }
