"""`llmi-sandbox serve` as it is used: a process of its own, over HTTP, by OpenAI's client and by ours."""

from __future__ import annotations

import base64
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx2
import pytest
from PIL import Image
from ports import free_port
from typer.testing import CliRunner

from llmi_sandbox import Drawing, ImageServer, ServedEditor, ServedGenerator, Toolkit
from llmi_sandbox.cli import app
from llmi_sandbox.pictures import decode

openai = pytest.importorskip("openai")
pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
SMALL = {"size": "64x48", "extra_body": {"num_inference_steps": 2, "seed": 5}}

COMMAND = "from llmi_sandbox.cli import app; app()"
WITHOUT_MODEL = f"""
from functools import partial
from llmi_sandbox.server import run
run.Pool = partial(run.Pool, program=[{sys.executable!r}, {str(Path(__file__).parent / "fake_worker.py")!r}])
{COMMAND}
"""


class Served:
    """The command, started; `url` when it is well."""

    def __init__(self, models: list[Path], log: Path, *options: str, key: str = "", script: str = COMMAND) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = [sys.executable, "-c", script, "serve", *map(str, models)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "LLMI_IMAGE_API_KEY": key}
        self.log = log
        with log.open("w") as out:
            self.process = subprocess.Popen(
                [*command, "--port", str(self.port), *options],
                stdout=out,
                stderr=out,
                env=environment,
            )
        end = time.monotonic() + 90
        while self.health().get("status") != "ok":
            assert time.monotonic() < end, log.read_text()
            assert self.process.poll() is None, log.read_text()
            time.sleep(0.1)

    def health(self) -> dict:
        try:
            return httpx2.get(f"{self.url}/health", trust_env=False).json()
        except httpx2.TransportError:
            return {}

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@pytest.fixture(scope="module")
def served(models, tmp_path_factory):
    one = Served([models["generate"], models["edit"]], tmp_path_factory.mktemp("serve") / "log", "--devices", "cpu,cpu")
    yield one
    assert one.end() == -signal.SIGTERM


@pytest.fixture
def client(served):
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=0) as one:
        yield one


def picture(answer) -> Image.Image:
    return decode(base64.b64decode(answer.data[0].b64_json))


def pixels(answer) -> bytes:
    return picture(answer).tobytes()


def fox(mode: str = "RGB") -> bytes:
    out = io.BytesIO()
    Image.linear_gradient("L").resize((64, 48)).convert(mode).save(out, "PNG")
    return out.getvalue()


def test_openais_client_generates(client):
    answer = client.images.generate(prompt="a red fox", **SMALL)
    assert picture(answer).size == (64, 48)
    assert len(client.images.generate(prompt="a red fox", n=2, **SMALL).data) == 2


def test_seed_words_and_guidance_act(client):
    def drawn(prompt: str = "a red fox", **knobs):
        body = {"num_inference_steps": 2, "seed": 5, **knobs}
        return pixels(client.images.generate(prompt=prompt, size="64x64", extra_body=body))

    first = drawn()
    assert drawn() == first, "a seed gives the same picture in whichever worker"
    others = [drawn("a blue owl"), drawn(seed=6), drawn(guidance_scale=15.0), drawn(num_inference_steps=3)]
    others.append(drawn(negative_prompt="snow"))
    assert len({first, *others}) == 6


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P"])
def test_openais_client_edits(client, mode):
    answer = client.images.edit(
        image=("fox.png", fox(mode), "image/png"), prompt="make it red", extra_body=SMALL["extra_body"]
    )
    assert picture(answer).size == (64, 48), "without a size, that of the picture"
    given = Image.open(io.BytesIO(fox(mode))).convert("RGB")
    assert picture(answer).tobytes() != given.tobytes()


def test_several_pictures_come_as_openais_client_names_them(client):
    with pytest.raises(openai.BadRequestError, match="one picture"):
        client.images.edit(image=[("a.png", fox()), ("b.png", fox())], prompt="join")
    answer = client.images.edit(image=[("a.png", fox())], prompt="one in a list", extra_body=SMALL["extra_body"])
    assert picture(answer).size == (64, 48)


def test_models_and_health(client, served, models):
    tasks = {model.id: model.task for model in client.models.list().data}
    assert tasks == {str(models["generate"]): "generate", str(models["edit"]): "edit"}
    health = served.health()
    assert len({worker["pid"] for worker in health["workers"]}) == 2
    assert {worker["device"] for worker in health["workers"]} == {"cpu"}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"prompt": ""}, "prompt"),
        ({"prompt": "x", "size": "1x1"}, "sides from 16 to 2048"),
        ({"prompt": "x", "size": "big"}, "WIDTHxHEIGHT"),
        ({"prompt": "x", "size": "99999x99999"}, "sides from 16 to 2048"),
        ({"prompt": "x", "n": 100}, "n:"),
        ({"prompt": "x", "num_inference_steps": 10**6}, "num_inference_steps"),
        ({"prompt": "x", "seed": -1}, "seed"),
        ([1], "no JSON object"),
    ],
)
def test_bad_requests_are_answered_in_openais_shape(served, body, says):
    answer = httpx2.post(f"{served.url}/v1/images/generations", json=body, trust_env=False)
    assert answer.status_code == 400
    assert says in answer.json()["error"]["message"]
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_a_picture_that_is_none_and_a_model_that_is_not_there(client):
    with pytest.raises(openai.BadRequestError, match="the picture to edit"):
        client.images.edit(image=("fox.png", b"not a picture"), prompt="x")
    with pytest.raises(openai.NotFoundError, match="no model 'gpt'"):
        client.images.generate(prompt="x", model="gpt")


def test_clients_of_the_published_server_are_served(served):
    body = {"prompt": "a red fox", "width": 64, "height": 48, "num_inference_steps": 2, "negative_prompt": "blur"}
    answer = httpx2.post(f"{served.url}/generate/", json=body, trust_env=False).json()
    assert answer["status"] == "success"
    assert decode(base64.b64decode(answer["images"][0])).size == (64, 48)
    body = {"image_b64": base64.b64encode(fox()).decode(), "prompt": "redder", "num_inference_steps": 2}
    answer = httpx2.post(f"{served.url}/edit/", json=body, trust_env=False).json()
    assert decode(base64.b64decode(answer["images"][0])).size == (64, 48)
    assert httpx2.get(f"{served.url}/info", trust_env=False).json()["mode"] == "edit and generate"


@pytest.mark.parametrize("dialect", ["auto", "vllm", "sglang", "openai", "published"])
async def test_our_own_tools_use_it(served, calls, dialect):
    server = [ImageServer(served.url, dialect)]
    drawing = Drawing(size=(64, 48), steps=2)
    tools = {
        "diffusion": ServedGenerator(server, drawing=drawing),
        "edit": ServedEditor(server, drawing=Drawing(size=None, steps=2)),
    }
    async with Toolkit(tools) as toolkit:
        rendered = await toolkit.render(calls.diffusion("a red fox").to_tag() + calls.edit(0, "make it blue").to_tag())
    assert [r.message for r in rendered.results] == ["", ""]
    assert len(rendered.delivered) == 2


def test_the_published_jobs_have_their_commands(served, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(*words: str):
        result = CliRunner().invoke(app, ["images", *words, "--server", served.url])
        assert result.exit_code == 0, result.output
        return result

    assert json.loads(run("health").stdout)["status"] == "ok"
    assert len(json.loads(run("info").stdout)["data"]) == 2
    run("generate", "a red fox", "--size", "64x48", "--steps", "2", "--seed", "3", "-o", "fox.png")
    run("edit", "make it blue", "fox.png", "--steps", "2", "-o", "blue.png")
    assert decode((tmp_path / "fox.png").read_bytes()).size == (64, 48)
    assert decode((tmp_path / "blue.png").read_bytes()).size == (64, 48)
    nobody = CliRunner().invoke(app, ["images", "health", "--server", f"http://127.0.0.1:{free_port()}"])
    assert nobody.exit_code == 1
    assert "cannot be reached" in nobody.output


def test_it_drains_asks_for_its_key_and_leaves_no_worker(tmp_path):
    one = Served([Path("tiny")], tmp_path / "log", "--devices", "0,1", key="sesame", script=WITHOUT_MODEL)
    address = f"{one.url}/v1/images/generations"
    assert httpx2.post(address, json={"prompt": "x"}, trust_env=False).status_code == 401
    pids = [worker["pid"] for worker in one.health()["workers"]]
    answers = []

    def ask() -> None:
        headers = {"Authorization": "Bearer sesame"}
        body = {"prompt": "sleep 1.5"}
        answers.append(httpx2.post(address, json=body, headers=headers, timeout=60, trust_env=False).status_code)

    asking = threading.Thread(target=ask)
    asking.start()
    while not any(worker["state"] == "busy" for worker in one.health()["workers"]):
        time.sleep(0.01)
    assert one.end() == -signal.SIGTERM
    asking.join(30)
    assert answers == [200], "what was in work is finished"
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
    assert "Traceback" not in one.log.read_text(), one.log.read_text()


def test_a_full_queue_says_when_to_come_back(tmp_path):
    one = Served([Path("tiny")], tmp_path / "log", "--devices", "cpu", "--queue", "1", script=WITHOUT_MODEL)
    answers: list[httpx2.Response] = []

    def ask() -> None:
        body = {"prompt": "sleep 0.8"}
        answers.append(httpx2.post(f"{one.url}/v1/images/generations", json=body, timeout=60, trust_env=False))

    asking = [threading.Thread(target=ask) for _ in range(4)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join(30)
    one.end()
    assert sorted(answer.status_code for answer in answers) == [200, 200, 429, 429]
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.headers["Retry-After"] == "2"
    assert refused.json()["error"]["code"] == "queue_full"


def test_a_server_killed_outright_leaves_no_worker(tmp_path):
    one = Served([Path("tiny")], tmp_path / "log", "--devices", "0,1", script=WITHOUT_MODEL)
    pids = [worker["pid"] for worker in one.health()["workers"]]
    one.process.kill()
    one.process.wait(10)
    end = time.monotonic() + 10
    while left := [pid for pid in pids if running(pid)]:
        assert time.monotonic() < end, left
        time.sleep(0.05)


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
