"""`llmi-reward serve` as a process of its own: protocols, bad requests, metrics, and an end that loses nothing."""

import http.client
import json
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from ports import free_port

for needed in ("typer", "starlette", "uvicorn"):
    pytest.importorskip(needed)

RENDERER = """
import asyncio
from llmi_reward import redteam

async def render(document, inputs):
    await asyncio.sleep(1.0 if "slow" in str(document) else 0.0)
    faults = {"search": "unavailable"} if "offline" in str(document) else {}
    return await redteam.render(document, inputs, faults)
"""


class Server:
    def __init__(self, folder, *options):
        (folder / "renderer_of_the_tests.py").write_text(RENDERER)
        self.port = free_port()
        command = [sys.executable, "-m", "llmi_reward", "serve", "--render", "renderer_of_the_tests:render"]
        self.process = subprocess.Popen(
            [*command, "--port", str(self.port), *options], cwd=folder, stderr=subprocess.PIPE, text=True
        )
        self.wait_until_up()

    def wait_until_up(self):
        for _ in range(200):
            if self.process.poll() is not None:
                pytest.fail(self.process.stderr.read())
            try:
                if self.call("GET", "/health")[0] == 200:
                    return
            except OSError:
                time.sleep(0.05)
        pytest.fail("the server did not come up")

    def call(self, method, path, body=None, headers=()):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            data = body if body is None or isinstance(body, bytes) else json.dumps(body)
            connection.request(method, path, data, dict(headers))
            answer = connection.getresponse()
            text = answer.read().decode()
            return answer.status, json.loads(text) if "json" in answer.headers["content-type"] else text
        finally:
            connection.close()

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    one = Server(tmp_path_factory.mktemp("served"), "--end-mark", "<|im_end|>", "--unscored", "-1")
    yield one
    one.end()
    one.process.stderr.close()


def test_openrlhf(server, make):
    tag, down = make.tag("code"), make.tag("search", query="offline")
    label = json.dumps({"image_count": 1, "required_tools": ["code"]})
    body = {
        "query": [f"Q: {text}" for text in (f"{tag}<|im_end|>", tag, f"{down}<|im_end|>", "Prose.<|im_end|>\n")],
        "prompts": ["Q: "] * 4,
        "labels": [label, label, "1", -1],
    }
    status, answer = server.call("POST", "/get_reward", body)
    assert status == 200
    assert answer["rewards"] == answer["scores"] == [1.0, 0.0, -1.0, 1.0]  # the second was cut off
    assert answer["extra_logs"] == {
        "valid": [1.0, 1.0, 0.0, 1.0],
        "contributions/format*count": [0.6, 0.0, 0.0, 0.6],
        "contributions/format*tool": [0.4, 0.0, 0.0, 0.4],
    }


def test_nemo_gym(server, make):
    def body(text, count=1, **response):
        output = [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}]
        return {
            "responses_create_params": {"input": [{"role": "user", "content": "A fox?"}]},
            "response": {"output": output, **response},
            "image_count": count,
            "required_tools": [],
        }

    asked = body(make.tag("code"))
    status, answer = server.call("POST", "/verify", asked)
    assert status == 200
    assert {key: answer[key] for key in asked} == asked
    assert answer["reward"] == sum(answer["reward_components"].values()) == 1.0
    assert set(answer["reward_components"]) == {"format*count", "format*tool", "rounding"}
    cut_off = server.call("POST", "/verify", body(make.tag("code"), incomplete_details={"reason": "max_output_tokens"}))
    assert cut_off[1]["reward"] == 0.0
    _, failed = server.call("POST", "/verify", body(make.tag("search", query="offline")))
    assert failed["_ng_failure_class"] == "judge_failed"
    assert "unavailable" in failed["_ng_failure_judge_error"]
    assert server.call("POST", "/seed_session", {}) == (200, {})


def test_rows_of_our_own(server, make):
    rows = [
        {"prompt": "?", "completion": make.tag("code") * 2, "image_count": 2},
        {"prompt": "?", "completion": make.tag("search", query="offline"), "image_count": 2},
        {"prompt": "?", "completion": None, "image_count": 2},
        {"prompt": "?", "completion": "Prose."},
    ]
    status, answer = server.call("POST", "/score", {"rows": rows})
    assert status == 200
    repeated, down, nothing, no_count = answer["scores"]
    assert repeated["value"] == pytest.approx(0.7)
    assert repeated["components"] == {"format": 1.0, "count": 0.5, "tool": 1.0}
    assert down["value"] is None
    assert "unavailable" in down["reason"]
    assert "a completion is a string" in nothing["reason"]
    assert "no image_count" in no_count["reason"]


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/get_reward", b"{", "not JSON"),
        ("/get_reward", b"[1]", "a JSON object"),
        ("/get_reward", {"query": ["a"], "prompts": [], "labels": []}, "lists of equal length"),
        ("/get_reward", {"query": [1], "prompts": ["a"], "labels": [0]}, "hold strings"),
        ("/verify", {"response": "text"}, "Responses API"),
        ("/verify", {"response": {"output": "text"}, "responses_create_params": {}}, "Responses API"),
        ("/score", {"rows": [1]}, "a list of objects"),
        ("/score", b"\xff\xfe", "not JSON"),
    ],
)
def test_bad_requests_get_a_sentence(server, path, body, said):
    status, answer = server.call("POST", path, body)
    assert status == 400
    assert said in answer["error"]


def test_metrics_are_prometheus(server):
    before = numbers(server)
    server.call("POST", "/score", {"rows": [{"prompt": "?", "completion": "Prose.", "image_count": 0}] * 3})
    server.call("POST", "/score", b"{")
    after = numbers(server)

    def more(name):
        return after[name] - before.get(name, 0)

    assert more("llmi_reward_samples_total") == 3
    assert more("llmi_reward_unscored_total") == 0
    assert more('llmi_reward_component_sum{name="value"}') == 3
    assert more('llmi_reward_requests_total{path="/score",status="200"}') == 1
    assert more('llmi_reward_requests_total{path="/score",status="400"}') == 1
    assert more('llmi_reward_seconds_bucket{le="+Inf"}') == 3
    assert after["llmi_reward_requests_in_flight"] == 0


def numbers(server):
    status, text = server.call("GET", "/metrics")
    assert status == 200
    lines = text.splitlines()
    assert all(
        re.fullmatch(r'# (HELP|TYPE) \w+ .+|[a-z_]+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? [-+.e\d]+', one) for one in lines
    )
    return {name: float(value) for name, value in (one.rsplit(" ", 1) for one in lines if not one.startswith("#"))}


def test_it_finishes_what_it_has_before_it_ends(tmp_path, make, monkeypatch):
    monkeypatch.setenv("KEY_OF_THE_TESTS", "secret")
    server = Server(tmp_path, "--key-env", "KEY_OF_THE_TESTS")
    row = {"prompt": "slow", "completion": f"slow {make.tag('code')}", "image_count": 1}
    assert server.call("POST", "/score", {"rows": [row]})[0] == 401
    key = {"Authorization": "Bearer secret"}
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(server.call, "POST", "/score", {"rows": [row] * 5}, key)
        while server.call("GET", "/health")[1]["in_flight"] == 0:
            time.sleep(0.02)
        assert server.end() == -signal.SIGTERM  # what it was told to end by, after all was done
        status, body = answer.result(20)
    assert status == 200
    assert [score["value"] for score in body["scores"]] == [1.0] * 5
    with pytest.raises(OSError, match="refused"):
        server.call("GET", "/health")
    server.process.stderr.close()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--reward", "nothing"], "neither a preset"),
        (["--port", "99999"], "65535"),
        (["--key-env", "NOT_SET_ANYWHERE"], "NOT_SET_ANYWHERE is not set"),
    ],
)
def test_a_wrong_command_line_is_one_line(options, said):
    done = subprocess.run([sys.executable, "-m", "llmi_reward", "serve", *options], capture_output=True, text=True)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
