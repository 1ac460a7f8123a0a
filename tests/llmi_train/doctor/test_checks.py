"""Each check of the doctor, shown something good and something bad."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from llmi_reward.chat import ChatClient, Endpoint
from llmi_sandbox import Toolkit
from llmi_train.doctor import Finding, batches, compiling, gpus, judges, tokenizers, tools, versions
from llmi_train.doctor.gpus import Gpu
from llmi_train.memory import Estimate, Line
from llmi_train.reward import Judges, JudgeSettings
from llmi_train.twins import twin

GIB = 2**30


def failed(findings: Any) -> dict[str, Finding]:
    return {finding.name: finding for finding in findings if not finding.ok}


# versions


def test_the_installed_packages_are_in_range() -> None:
    assert not failed(versions.packages())


def test_a_package_out_of_range_is_named_with_what_to_type() -> None:
    wanted = ["trl<1.17,>=1.16", "peft>=0.21", "wandb>=1; extra == 'watching'"]
    bad = failed(versions.packages(lambda name: {"trl": "1.17.0"}.get(name), wanted))
    assert bad.keys() == {"trl", "peft"}
    assert bad["trl"].detail == "1.17.0, but <1.17,>=1.16 is needed"
    assert bad["peft"].detail.startswith("not installed")
    assert "pip install 'peft>=0.21'" in bad["peft"].remedy


@pytest.mark.parametrize(("found", "ok"), [("0.25.1+cu129", True), ("0.31.0", True), ("0.32.0", False), (None, False)])
def test_vllm_must_be_one_that_trl_supports(found: str | None, ok: bool) -> None:
    (finding,) = versions.vllm({"use_vllm": True}, lambda name: found, ">=0.22.0,<=0.31.0")
    assert finding.ok is ok
    assert ">=0.22.0" in finding.remedy


def test_the_range_comes_from_trl_itself_and_is_asked_only_where_vllm_is_used() -> None:
    (finding,) = versions.vllm({"use_vllm": True}, lambda name: None)
    assert "vllm>=0." in finding.remedy
    assert list(versions.vllm({})) == []


# GPUs


def test_no_gpu_is_a_warning() -> None:
    (finding,) = gpus.presence([])
    assert not finding.ok
    assert not finding.stops
    (finding,) = gpus.presence([Gpu("H200", 141 * GIB, (9, 0))])
    assert "141 GiB" in finding.detail
    assert "9.0" in finding.detail


def test_a_recipe_wants_as_many_gpus_as_processes_and_bf16() -> None:
    new, old = Gpu("A100", 80 * GIB, (8, 0)), Gpu("V100", 32 * GIB, (7, 0))
    assert not failed(gpus.for_recipe([new, new], processes=2, cpu=False, half=True))
    few = failed(gpus.for_recipe([new], processes=4, cpu=False, half=True))
    assert "4 wanted" in few["GPUs for the run"].detail
    assert "processes: 1" in few["GPUs for the run"].remedy
    assert failed(gpus.for_recipe([old], processes=1, cpu=False, half=True)).keys() == {"bfloat16"}
    assert not failed(gpus.for_recipe([old], processes=1, cpu=False, half=False))
    assert "use_cpu" in failed(gpus.for_recipe([], processes=1, cpu=False, half=True))["GPUs for the run"].remedy
    assert not list(gpus.for_recipe([], processes=1, cpu=True, half=True))


def test_too_little_memory_names_what_takes_most() -> None:
    lines = (Line("weights", 10 * GIB, ""), Line("key-value cache", 75 * GIB, "", "generation"))
    finding = gpus.room(Estimate(lines, "a test", 80 * GIB), [Gpu("A100", 80 * GIB, (8, 0))])
    assert finding.stops
    assert "key-value cache" in finding.remedy
    assert "steps_per_generation" in finding.remedy
    assert gpus.room(Estimate(lines[:1], "a test", 80 * GIB), []).ok


# DeepSpeed


def test_what_deepspeed_compiles_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not list(compiling.deepspeed("none"))
    (tmp_path / "Python.h").touch()
    assert not failed(compiling.deepspeed("zero2", headers=tmp_path, cache=tmp_path / "operators"))
    bad = failed(compiling.deepspeed("zero2", headers=tmp_path / "none", cache=Path("/proc/operators")))
    assert "python3-dev" in bad["Python headers"].remedy
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    assert "pip install ninja" in failed(compiling.deepspeed("zero3", headers=tmp_path))["ninja"].remedy


# batches


def test_good_numbers_are_shown() -> None:
    grpo = {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 4, "num_generations": 8}
    groups, updates = batches.batches(grpo, 2)
    assert groups.ok
    assert updates.ok
    assert (
        groups.detail == "4 per device × 2 processes × 4 steps = 32 answers / 8 per prompt = 4 prompts per generation"
    )


@pytest.mark.parametrize(
    ("grpo", "processes", "name", "remedy"),
    [
        ({"num_generations": 1}, 1, "group size", "set 2 or more"),
        ({"per_device_train_batch_size": 3, "num_generations": 8}, 1, "groups", "a multiple of 8"),
        ({"generation_batch_size": 20, "per_device_train_batch_size": 8}, 1, "generation batch", "a multiple of 8"),
        ({"generation_batch_size": 16, "steps_per_generation": 2}, 1, "generation batch", "Remove one"),
        (
            {"per_device_train_batch_size": 8, "steps_per_generation": 3, "gradient_accumulation_steps": 2},
            1,
            "updates",
            "a multiple of 2",
        ),
    ],
)
def test_numbers_that_do_not_divide(grpo: dict[str, int], processes: int, name: str, remedy: str) -> None:
    bad = failed(batches.batches(grpo, processes))
    assert remedy in bad[name].remedy


@pytest.mark.parametrize("micro", [1, 3, 8])
@pytest.mark.parametrize("steps", [1, 2, 6])
@pytest.mark.parametrize("answers", [2, 4, 8])
def test_it_says_what_trl_says(micro: int, steps: int, answers: int, tmp_path: Path) -> None:
    from trl import GRPOConfig

    grpo = {"per_device_train_batch_size": micro, "steps_per_generation": steps, "num_generations": answers}
    ours = not any(finding.stops for finding in batches.batches(grpo, 1))
    try:
        GRPOConfig(output_dir=str(tmp_path), use_cpu=True, bf16=False, **grpo)
        theirs = True
    except ValueError:
        theirs = False
    assert ours == theirs


def test_too_few_rows() -> None:
    assert not batches.enough_rows(3, {"per_device_train_batch_size": 32, "num_generations": 8}, 1).ok
    assert batches.enough_rows(4, {"per_device_train_batch_size": 32, "num_generations": 8}, 1).ok


# tokenizers


@pytest.fixture(scope="module")
def seeing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return twin("twin:qwen2.5-vl", tmp_path_factory.mktemp("twins") / "vl")


def test_a_twin_s_processor_is_well(seeing: Path) -> None:
    processor = tokenizers.load(seeing, sees=True)
    found = [*tokenizers.templates(processor), *tokenizers.sight(processor, sees=True)]
    assert not failed(found)
    assert "patches" in found[-1].detail


def test_a_bare_tokenizer_for_a_model_that_sees_is_never_silent(seeing: Path) -> None:
    bare = tokenizers.load(seeing, sees=False)
    (finding,) = tokenizers.sight(bare, sees=True)
    assert finding.stops
    assert "text only" in finding.detail
    assert "torchvision" in finding.remedy
    assert not list(tokenizers.sight(bare, sees=False))


def test_faults_of_a_tokenizer(seeing: Path) -> None:
    tokenizer = tokenizers.load(seeing, sees=False)
    template = tokenizer.chat_template
    tokenizer.chat_template = template.replace("add_generation_prompt", "never")
    assert failed(tokenizers.templates(tokenizer)).keys() == {"chat template"}
    tokenizer.chat_template = template.replace("<|im_end|>", "")
    assert "no answer would ever count as finished" in failed(tokenizers.templates(tokenizer))["end of turn"].detail
    tokenizer.chat_template = template
    tokenizer.pad_token = tokenizer.eos_token
    assert failed(tokenizers.templates(tokenizer))["padding"].warning
    tokenizer.chat_template = None
    assert failed(tokenizers.templates(tokenizer)).keys() == {"chat template"}


def test_a_tokenizer_that_is_not_here_is_a_warning() -> None:
    with pytest.raises(OSError, match=r"connect|nobody|cached"):
        tokenizers.load("nobody/nothing", sees=False)
    assert not tokenizers.at_hand("nobody/nothing", OSError("not found")).stops


def test_a_budget_too_small_for_a_document(tokenizer: Any) -> None:
    assert tokenizers.constraints(tokenizer, 200).ok
    assert "max_completion_length" in tokenizers.constraints(tokenizer, 3).remedy


# judges


@contextmanager
def serving(answer: Callable[[dict[str, Any]], str], models: tuple[str, ...] = ("judge",)) -> Iterator[str]:
    """A chat server on loopback that lists `models` and says what `answer` makes of a request."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not models:
                self.send_error(404)
                return
            self._send({"object": "list", "data": [{"id": name, "object": "model"} for name in models]})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            message = {"role": "assistant", "content": answer(body)}
            self._send({"choices": [{"index": 0, "finish_reason": "stop", "message": message}]})

        def _send(self, value: Any) -> None:
            data = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1"
        finally:
            server.shutdown()
            thread.join()


def look(url: str, model: str = "judge") -> dict[str, Finding]:
    settings = JudgeSettings(base_url=url, model=model)
    found = asyncio.run(judges.judges("llmi", Judges(llm=settings, mllm=settings), {}))
    return {finding.name: finding for finding in found}


def obedient(body: dict[str, Any]) -> str:
    """Answers what the request's schema allows, its first choice each time."""

    def first(schema: dict[str, Any]) -> Any:
        if "enum" in schema:
            return schema["enum"][-1]
        match schema.get("type"):
            case "object":
                return {name: first(value) for name, value in schema["properties"].items()}
            case "integer":
                return schema.get("maximum", 5)
        return "because"

    return json.dumps(first(body["response_format"]["json_schema"]["schema"]))


def test_judges_that_work() -> None:
    with serving(obedient) as url:
        found = look(url)
    assert not failed(found.values())
    assert found.keys() >= {"text judge", "picture judge's verdict", "picture judge's schema"}


def test_rules_ask_nobody() -> None:
    assert asyncio.run(judges.judges("rules", Judges(), {})) == []


def test_judges_that_are_not_set_up() -> None:
    bad = failed(asyncio.run(judges.judges("llmi", Judges(), {})))
    assert "LLM_JUDGE_BASE_URL" in bad["text judge"].remedy
    assert bad["picture judge"].stops


def test_a_judge_that_is_down() -> None:
    bad = failed(look("http://127.0.0.1:9/v1").values())
    assert "does not answer" in bad["text judge"].detail


def test_a_judge_that_has_another_model() -> None:
    with serving(obedient, models=("other",)) as url:
        bad = failed(look(url).values())
    assert "only other" in bad["text judge"].detail


def test_a_judge_that_talks_instead() -> None:
    with serving(lambda body: "A lovely document!") as url:
        bad = failed(look(url).values())
    assert "bad answer" in bad["text judge's verdict"].detail


def test_a_server_without_enforcement_is_found_out() -> None:
    def grammar(body: dict[str, Any]) -> str:
        return body["structured_outputs"]["grammar"].split('"')[1]

    def probed(answer: Callable[[dict[str, Any]], str]) -> Finding:
        async def ask(url: str) -> Finding:
            async with ChatClient(Endpoint(url, "judge")) as client:
                return await judges.enforcement("constraints", client, "vllm")

        with serving(answer) as url:
            return asyncio.run(ask(url))

    assert probed(grammar).ok
    assert probed(lambda body: "Paris is the capital.").stops


def test_a_policy_s_server_from_the_command_line() -> None:
    from typer.testing import CliRunner

    from llmi_train.cli import app

    with serving(lambda body: "Paris.") as url:
        result = CliRunner().invoke(app, ["doctor", "--endpoint", url, "--model", "judge"])
    assert result.exit_code == 1
    assert "not enforced" in result.output
    assert CliRunner().invoke(app, ["doctor", "--endpoint", url, "--engine", "tgi"]).exit_code == 1


# tools


def test_every_offline_tool_makes_a_picture(toolkit: Toolkit) -> None:
    found = asyncio.run(tools.tools(toolkit))
    assert not failed(found)
    assert {finding.name for finding in found} == {"tool code", "tool search", "tool diffusion", "tool edit"}


def test_a_missing_tool_is_a_warning_and_a_failing_one_is_not() -> None:
    from llmi_schema import ToolResult

    class Broken:
        async def __call__(self, call: Any, pictures: Any) -> ToolResult:
            return ToolResult.failed("refused", "no credit left")

    with Toolkit({"search": Broken()}) as toolkit:
        bad = failed(asyncio.run(tools.tools(toolkit)))
    assert bad["tool search"].stops
    assert "quota" in bad["tool search"].remedy
    assert bad["tool diffusion"].warning
