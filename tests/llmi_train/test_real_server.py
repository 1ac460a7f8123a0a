"""`ServedPolicy` with a server that is not ours: transformers' own, and a real model behind it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from ports import free_port

from llmi_reward.chat import Endpoint, Retries
from llmi_sandbox import Toolkit
from llmi_train.policies import Completion, Request, ServedPolicy
from llmi_train.tiny import build_model, save
from llmi_train.writing import Writing

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("real server")]

ASKED = [{"role": "user", "content": "A page on foxes"}]


@pytest.fixture(scope="module")
def endpoint(tokenizer: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    pytest.importorskip("fastapi", reason="transformers' server needs fastapi and uvicorn (transformers[serving])")
    import torch

    folder = tmp_path_factory.mktemp("served")
    torch.manual_seed(0)
    model = build_model(tokenizer, hidden=32, layers=1)
    for weights in model.parameters():
        torch.nn.init.normal_(weights, std=0.5)  # large enough that it says more than one word again and again
    save(model, tokenizer, folder / "model")
    port = free_port()
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--device", "cpu", "--dtype", "float32"]
    log = folder / "log.txt"
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env=os.environ | {"HF_HUB_OFFLINE": "1"})
        try:
            until = time.monotonic() + 120
            while not _healthy(port):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < until, log.read_text()
                time.sleep(0.2)
            yield Endpoint(f"http://127.0.0.1:{port}/v1", str(folder / "model"))
        finally:
            process.terminate()
            process.wait(30)


def _healthy(port: int) -> bool:
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/health", timeout=1).status_code == 200
    except httpx2.HTTPError:
        return False


async def test_a_real_server_streams_what_it_also_says_whole(endpoint: Endpoint) -> None:
    async with ServedPolicy(endpoint, max_tokens=40, instruct=False, retries=Retries(attempts=1)) as policy:
        pieces = [piece async for piece in policy.stream(Request(ASKED, temperature=1.0, seed=5))]
        completion = pieces.pop()
        assert isinstance(completion, Completion)
        assert "".join(map(str, pieces)) == completion.text
        assert pieces  # this server puts what was written meanwhile into one event
        assert completion.tokens > 0
        *_, streamed = [piece async for piece in policy.stream(Request(ASKED))]
        assert isinstance(streamed, Completion)
        assert (await policy.write(Request(ASKED))).text.strip() == streamed.text.strip() != ""


async def test_a_document_is_written_from_a_real_server(endpoint: Endpoint, toolkit: Toolkit) -> None:
    async with ServedPolicy(endpoint, max_tokens=60, retries=Retries(attempts=1)) as policy:
        written = await Writing(policy, Request(ASKED, temperature=1.0, seed=3), toolkit).run()
    assert written.problem is None
    assert len(written.rendered.results) == len(written.rendered.document.tags)
