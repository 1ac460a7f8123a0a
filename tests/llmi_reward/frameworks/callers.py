"""How each framework calls a reward: rows in, floats out. Unscored rows come back as None or raise `UnscoredError`."""

import asyncio
import json
from types import SimpleNamespace

from shared import formula, framework, render

STAND_IN = -7.0


def columns(rows):
    return {
        "image_count": [row["image_count"] for row in rows],
        "required_tools": [row["required_tools"] for row in rows],
        "split": [row.get("split") for row in rows],
    }


def wish(row):
    return {key: row[key] for key in ("image_count", "required_tools", "split") if key in row}


def trl_async(rows):
    from llmi_reward.integrations.trl import trl_reward

    reward = trl_reward(formula(), render=render)
    texts = [[{"role": "assistant", "content": row["text"]}] for row in rows]
    return asyncio.run(
        reward([row["prompt"] for row in rows], texts, completion_ids=[[1]] * len(rows), **columns(rows))
    )


def trl_plain(rows):
    from llmi_reward.integrations.trl import trl_reward_plain

    reward = trl_reward_plain(formula(), render=render)
    return reward([row["prompt"] for row in rows], [row["text"] for row in rows], **columns(rows))


def verl_function(rows):
    from llmi_reward.integrations.verl import verl_reward

    reward = verl_reward(formula(), render=render, unscored=STAND_IN)

    async def all_rows():
        return [
            await reward(data_source="x", solution_str=row["text"], ground_truth="", extra_info=wish(row))
            for row in rows
        ]

    found = asyncio.run(all_rows())
    assert len({tuple(one) for one in found}) == 1, "verl wants the same keys on every row"
    assert all(isinstance(value, float) for one in found for value in one.values())
    return [one["score"] for one in found]


def verl_manager(rows):
    framework("verl")
    import numpy
    import torch
    from tensordict import TensorDict
    from verl import DataProto

    from llmi_reward.integrations.verl import verl_reward_manager

    class Tokenizer:
        eos_token_id = 0

        def decode(self, ids, skip_special_tokens):
            return "".join(chr(int(i)) for i in ids if i)

    manager = verl_reward_manager(formula(), render=render, unscored=STAND_IN)(None, Tokenizer(), None)

    async def all_rows():
        found = []
        for row in rows:
            ids = [*map(ord, row["text"]), 0, 0, 0]
            mask = [1] * (len(ids) - 2) + [0, 0]
            batch = TensorDict(
                {"responses": torch.tensor([ids]), "attention_mask": torch.tensor([[1, 1, *mask]])}, batch_size=[1]
            )
            extra = numpy.empty(1, dtype=object)
            extra[0] = wish(row)
            data = DataProto(batch=batch, non_tensor_batch={"extra_info": extra})
            found.append(await manager.run_single(data))
        return found

    found = asyncio.run(all_rows())
    assert all(one["reward_extra_info"]["score"] == one["reward_score"] for one in found)
    return [one["reward_score"] for one in found]


def openrlhf_python(rows):
    framework("torch")
    from llmi_reward.integrations.openrlhf import openrlhf_reward

    reward = openrlhf_reward(formula(), render=render, unscored=STAND_IN, end_marks=["<|im_end|>"])
    found = []
    for row in rows:  # OpenRLHF sends one at a time
        query = f"user: {row['prompt']} {row['text']}<|im_end|>"
        answer = reward([query], [f"user: {row['prompt']} "], [json.dumps(wish(row))])
        assert answer["rewards"].shape == (1,)
        found.append(answer["rewards"][0].item())
    return found


def openrlhf_http(rows):
    from llmi_reward.integrations.openrlhf import openrlhf_reply

    reply = openrlhf_reply(formula(), render=render, unscored=STAND_IN)
    prompts = [row["prompt"] for row in rows]
    queries = [row["prompt"] + row["text"] for row in rows]
    answer = asyncio.run(reply(queries, prompts, [wish(row) for row in rows]))
    return json.loads(json.dumps(answer))["rewards"]


def nemo_gym(rows):
    from llmi_reward.integrations.nemo_gym import nemo_gym_verify

    verify = nemo_gym_verify(formula(), render=render)

    async def all_rows():
        return [await verify(nemo_gym_body(row)) for row in rows]

    found = asyncio.run(all_rows())
    assert all(one["reward"] == sum(one["reward_components"].values()) for one in found)
    return [None if "_ng_failure_class" in one else one["reward"] for one in found]


def nemo_gym_body(row):
    part = {"type": "output_text", "text": row["text"], "annotations": []}
    return {
        **wish(row),
        "responses_create_params": {"input": [{"role": "user", "content": row["prompt"]}]},
        "response": {"output": [7, {"type": "reasoning"}, {"type": "message", "content": [part]}]},
    }


def nemo_gym_resources(rows):
    framework("nemo_gym")
    from unittest.mock import MagicMock

    from fastapi.testclient import TestClient
    from nemo_gym.base_resources_server import BaseResourcesServerConfig
    from nemo_gym.server_utils import ServerClient

    from llmi_reward.integrations.nemo_gym import nemo_gym_server

    config = BaseResourcesServerConfig(host="127.0.0.1", port=8080, entrypoint="", name="")
    kind = nemo_gym_server(formula(), render=render)
    client = TestClient(kind(config=config, server_client=MagicMock(spec=ServerClient)).setup_webserver())
    answers = []
    for row in rows:
        part = {"type": "output_text", "text": row["text"], "annotations": []}
        message = {"id": "m", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
        response = {"id": "r", "created_at": 0, "model": "m", "object": "response", "output": [message]}
        response |= {"parallel_tool_calls": False, "tool_choice": "auto", "tools": []}
        answers.append(client.post("/verify", json=nemo_gym_body(row) | {"response": response}).json())
    return [None if "_ng_failure_class" in answer else answer["reward"] for answer in answers]


def ms_swift(rows):
    framework("swift.rewards")
    from llmi_reward.integrations.ms_swift import swift_reward

    orm = swift_reward(formula(), render=render)(args=None)
    return asyncio.run(orm(completions=[row["text"] for row in rows], **columns(rows)))


def verifiers(rows):
    vf = framework("verifiers.v1")
    from llmi_reward.integrations.verifiers import verifiers_task

    kind = verifiers_task(formula(), render=render)

    async def one(row):
        task = kind(kind.data_type()(prompt=row["prompt"], **wish(row)))
        trace = SimpleNamespace(
            last_reply=row["text"],
            is_truncated=False,
            rewards={},
            metrics={},
            info={},
            record_metrics=lambda values: None,
        )
        trace.record_reward = lambda name, value, weight=1.0: trace.rewards.update({name: float(value) * weight})
        try:
            await task.score(trace)
        except vf.TaskError:
            return None
        return trace.rewards["illustrated"]

    async def all_rows():
        return [await one(row) for row in rows]

    return asyncio.run(all_rows())


def skyrl(rows):
    gym = framework("skyrl_gym")
    from llmi_reward.integrations.skyrl import skyrl_env

    gym.register("illustrated", entry_point=skyrl_env(formula(), render=render, unscored=STAND_IN))
    found = []
    for row in rows:
        env = gym.make("illustrated", extras={"reward_spec": {"ground_truth": wish(row)}})
        env.init([{"role": "user", "content": row["prompt"]}])
        step = env.step(row["text"])
        assert step["done"]
        found.append(step["reward"])
    gym.envs.registration.registry.pop("illustrated")
    return found


def inspect_ai(rows):
    framework("inspect_ai")
    import inspect_ai as inspect
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.model import ModelOutput
    from inspect_ai.solver import solver

    from llmi_reward.integrations.inspect_ai import inspect_scorer

    @solver
    def recite():  # in place of generate(), whose mock model downloads a tokenizer
        async def solve(state, generate):
            state.output = ModelOutput.from_content("mock", rows[state.sample_id]["text"])
            return state

        return solve

    samples = [Sample(input=row["prompt"], target="", metadata=wish(row), id=i) for i, row in enumerate(rows)]
    task = inspect.Task(
        dataset=MemoryDataset(samples), solver=recite(), scorer=inspect_scorer(formula(), render=render)
    )
    (log,) = inspect.eval(task, model="mockllm/model", display="none", log_format="json")
    assert log.status == "success", log.error
    scores = [sample.scores["illustrated"] for sample in sorted(log.samples, key=lambda sample: sample.id)]
    return [None if score.value != score.value else score.value for score in scores]


def reasoning_gym(rows):
    framework("reasoning_gym")
    from llmi_reward.integrations.reasoning_gym import reasoning_gym_dataset

    given = [{"prompt": row["prompt"], **wish(row)} for row in rows]
    dataset = reasoning_gym_dataset(given, formula(), render=render, unscored=STAND_IN)
    return [dataset.score_answer(row["text"], entry) for row, entry in zip(rows, dataset, strict=True)]


CALLERS = {
    caller.__name__: caller
    for caller in (
        *(trl_async, trl_plain, verl_function, verl_manager, openrlhf_python, openrlhf_http, nemo_gym),
        nemo_gym_resources,
        *(ms_swift, verifiers, skyrl, inspect_ai, reasoning_gym),
    )
}
