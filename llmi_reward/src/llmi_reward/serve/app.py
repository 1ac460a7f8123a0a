"""The HTTP side.

| | |
|---|---|
| `POST /get_reward` | OpenRLHF: `{"query", "prompts", "labels"}` -> `{"rewards", "scores", "extra_logs"}` |
| `POST /verify` | NeMo-Gym: the request, with `reward` and `reward_components`; `POST /seed_session` answers `{}` |
| `POST /score` | `{"rows": [{"prompt", "completion", "image_count", ...}]}` -> `{"scores": [...]}` |
| `GET /health` | what is served; 503 once the server is asked to end |
| `GET /metrics` | Prometheus |

Bad requests are 4xx with a sentence in `error`. A row that cannot be scored is no bad request.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from llmi_reward.formula import Reward
from llmi_reward.integrations.nemo_gym import Verify, nemo_gym_verify
from llmi_reward.integrations.openrlhf import openrlhf_reply
from llmi_reward.integrations.raw_sample import RawSample
from llmi_reward.integrations.scorer import Options, Scored, Scorer
from llmi_reward.loading import open_renderer
from llmi_reward.serve.metrics import Metrics
from llmi_reward.serve.settings import ServeSettings

LARGEST_BODY = 64 * 2**20

Answer = Callable[[Any], Awaitable[Any]]


def reward_app(reward: Reward, settings: ServeSettings, draining: Callable[[], bool] = lambda: False) -> Starlette:
    """The application. It opens the renderer when it starts and closes it when it ends."""
    metrics = Metrics()
    answers: dict[str, Answer] = {}

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with open_renderer(settings.render) as render:
            options = Options(deadline_seconds=settings.deadline_seconds, observe=metrics.note)
            reply = openrlhf_reply(
                reward, render=render, unscored=settings.unscored, end_marks=settings.end_marks, **options
            )
            answers["/get_reward"] = partial(_get_reward, reply)
            answers["/verify"] = partial(_verify, nemo_gym_verify(reward, render=render, **options))
            answers["/score"] = partial(_score, Scorer(reward, render, **options))
            yield

    async def post(request: Request) -> Response:
        path = request.url.path
        metrics.in_flight += 1
        status = 500
        try:
            if settings.key is not None:
                _check_key(request, settings.key)
            answer = JSONResponse(await answers[path](await _body(request)))
            status = 200
            return answer
        except HTTPException as refusal:
            status = refusal.status_code
            return JSONResponse({"error": refusal.detail}, status)
        finally:
            metrics.in_flight -= 1
            metrics.requests[path, status] += 1

    async def seed_session(_: Request) -> Response:
        return JSONResponse({})

    async def health(_: Request) -> Response:
        ending = draining()
        state = {"status": "draining" if ending else "ok", "reward": repr(reward), "in_flight": metrics.in_flight}
        return JSONResponse(state, 503 if ending else 200)

    async def show_metrics(_: Request) -> Response:
        return PlainTextResponse(metrics.text(), media_type="text/plain; version=0.0.4")

    return Starlette(
        routes=[
            *(Route(path, post, methods=["POST"]) for path in ("/get_reward", "/verify", "/score")),
            Route("/seed_session", seed_session, methods=["POST"]),
            Route("/health", health),
            Route("/metrics", show_metrics),
        ],
        lifespan=lifespan,
    )


def _check_key(request: Request, key: str) -> None:
    given = request.headers.get("authorization", "")
    if not hmac.compare_digest(given.encode(), f"Bearer {key}".encode()):
        raise HTTPException(401, "send the key as `Authorization: Bearer ...`")


async def _body(request: Request) -> dict[str, Any]:
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > LARGEST_BODY:
            raise HTTPException(413, f"a request may have {LARGEST_BODY} bytes; send fewer rows at a time")
    try:
        body = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, f"the body is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise HTTPException(400, "the body is a JSON object")
    return body


async def _get_reward(reply: Callable[..., Awaitable[Any]], body: dict[str, Any]) -> Any:
    queries, prompts, labels = (body.get(key) for key in ("query", "prompts", "labels"))
    lists = [values for values in (queries, prompts, labels) if isinstance(values, list)]
    if len(lists) != 3 or len({len(values) for values in lists}) != 1:
        raise HTTPException(400, "`query`, `prompts` and `labels` are lists of equal length")
    if not all(isinstance(text, str) for text in (*lists[0], *lists[1])):
        raise HTTPException(400, "`query` and `prompts` hold strings")
    return await reply(queries, prompts, labels)


async def _verify(verify: Verify, body: dict[str, Any]) -> dict[str, Any]:
    response, asked = body.get("response"), body.get("responses_create_params")
    outputs = response.get("output") if isinstance(response, dict) else None
    if not isinstance(outputs, list) or not isinstance(asked, dict):
        raise HTTPException(400, "`responses_create_params` and `response` are those of the Responses API")
    return await verify(body)


async def _score(scorer: Scorer, body: dict[str, Any]) -> dict[str, Any]:
    rows = body.get("rows")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise HTTPException(400, "`rows` is a list of objects with `prompt`, `completion` and `image_count`")
    read = [RawSample.read(row.get("prompt", ""), row.get("completion"), row) for row in rows]
    return {"scores": [_told(scored) for scored in await scorer.score_all(read)]}


def _told(scored: Scored) -> dict[str, Any]:
    score = scored.score
    return {
        "value": score.value,
        "reason": score.reason,
        "components": score.components,
        "contributions": score.contributions,
        "seconds": round(scored.seconds, 6),
    }
