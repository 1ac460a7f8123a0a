"""NeMo-Gym: the `verify` of a resources server.

```py
IllustratedServer = nemo_gym_server(presets.rules(), render=Toolkit.offline().render)
if __name__ == "__main__":
    IllustratedServer.run_webserver()
```

A row of the dataset holds `image_count`, and optionally `required_tools` and `split`, beside
`responses_create_params`. `reward` is the sum of `reward_components` exactly. An unscored row is marked the way
NeMo-Gym marks a failed judge: it goes to the failures file, outside all metrics, and is tried again on resume.
"""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Unpack

from llmi_reward.formula import Reward
from llmi_reward.integrations.floats import exact_parts
from llmi_reward.integrations.raw_sample import RawSample, completion_text
from llmi_reward.integrations.scorer import Options, Render, Scorer

Verify = Callable[[Mapping[str, Any]], Coroutine[Any, Any, dict[str, Any]]]


def nemo_gym_verify(reward: Reward, *, render: Render | None, **options: Unpack[Options]) -> Verify:
    """POST `/verify` on plain JSON: the request with `reward` and `reward_components` added."""
    scorer = Scorer(reward, render, **options)

    async def verify(body: Mapping[str, Any]) -> dict[str, Any]:
        response = body.get("response") or {}
        messages = [item for item in response.get("output") or () if _kind(item) == "message"]
        parts = [part for message in messages for part in message.get("content") or ()]
        text = "".join(part.get("text") or "" for part in parts if _kind(part) == "output_text")
        prompt = completion_text((body.get("responses_create_params") or {}).get("input") or "")
        scored = await scorer.score_one(
            RawSample.read(prompt, text, body, truncated=bool(response.get("incomplete_details")))
        )
        shares = exact_parts(scored, scorer.labels)
        answer = {**body, "reward": sum(shares.values()), "reward_components": shares, "valid": 1.0}
        if scored.score.value is None:
            failure = {"_ng_failure_class": "judge_failed", "_ng_failure_judge_error": scored.score.reason}
            return {**answer, "valid": 0.0, **failure}
        return answer

    return verify


def _kind(item: Any) -> Any:
    return item.get("type") if isinstance(item, Mapping) else None


def nemo_gym_server(reward: Reward, *, render: Render | None, **options: Unpack[Options]) -> type:
    """A `SimpleResourcesServer` around `nemo_gym_verify`."""
    from fastapi.responses import JSONResponse
    from nemo_gym.base_resources_server import BaseResourcesServerConfig, BaseVerifyRequest, SimpleResourcesServer

    verify_json = nemo_gym_verify(reward, render=render, **options)

    class IllustratedRequest(BaseVerifyRequest):
        image_count: int | str
        required_tools: list[str] = []  # noqa: RUF012  # pydantic copies it for every instance
        split: str = "train"

    class IllustratedServer(SimpleResourcesServer):
        config: BaseResourcesServerConfig

        async def verify(self, body: IllustratedRequest) -> JSONResponse:
            return JSONResponse(await verify_json(body.model_dump(mode="json")))

    return IllustratedServer
