"""OpenRLHF's own executor calls the reward function from a file, and our server over HTTP."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from shared import CODE, PROSE, framework

REWARD = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from shared import formula, render
from llmi_reward.integrations.openrlhf import openrlhf_reward

reward_func = openrlhf_reward(formula(), render=render, unscored=0.0, end_marks=["<|im_end|>"])
"""
LABEL = json.dumps({"image_count": 1, "required_tools": ["code"]})
CALL = (["Q: " + PROSE + CODE + "<|im_end|>"], ["Q: "], [LABEL])


def test_its_executor_calls_our_function(tmp_path):
    agent = framework("openrlhf.utils.agent")
    (tmp_path / "my_reward.py").write_text(REWARD)
    executor = agent.SingleTurnAgentExecutor(str(tmp_path / "my_reward.py"))
    (answer,) = asyncio.run(executor._fetch_rewards_via_func(*CALL))
    assert answer["rewards"].shape == (1,)
    assert answer["extra_logs"]["valid"].tolist() == [1.0]


def test_its_executor_calls_our_server():
    agent = framework("openrlhf.utils.agent")
    uvicorn = pytest.importorskip("uvicorn")
    from shared import formula

    from llmi_reward.serve.app import reward_app
    from llmi_reward.serve.settings import ServeSettings

    async def served():
        settings = ServeSettings(render="shared:render", end_marks=["<|im_end|>"])
        server = uvicorn.Server(uvicorn.Config(reward_app(formula(), settings), port=0, log_level="warning"))
        task = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110  # uvicorn has no event for it
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        executor = agent.SingleTurnAgentExecutor([f"http://127.0.0.1:{port}/get_reward"])
        answer = await executor._fetch_rewards_via_http(*CALL)
        server.should_exit = True
        await task
        return answer

    (answer,) = asyncio.run(served())
    assert answer["rewards"] == answer["scores"]
    assert answer["extra_logs"]["valid"] == [1.0]
