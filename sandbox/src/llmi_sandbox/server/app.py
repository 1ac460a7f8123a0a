"""The HTTP side: OpenAI's image endpoints, those of the published server, and health.

| | |
|---|---|
| `POST /v1/images/generations` | JSON, see `requests.py` |
| `POST /v1/images/edits` | a form with `image` (or `image[]`) |
| `GET /v1/models` | what is served, and whether it generates or edits |
| `GET /health` | 200 when a worker can take a job, else 503; the workers and the queue |
| `POST /generate/`, `POST /edit/`, `GET /info` | the same for clients of the published server |

Errors have OpenAI's shape. A full queue is 429, a lost worker 503: both may be tried again.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from llmi_sandbox.server.pool import Pool, QueueFullError, WorkerLostError
from llmi_sandbox.server.requests import PictureRequest

LARGEST_BODY = 32 * 2**20
BACK_SOON = "2"  # seconds, for Retry-After


class Refusal(Exception):  # noqa: N818 - an answer, not a fault
    """An answer that is no success."""

    def __init__(self, status: int, message: str, code: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


def image_app(pool: Pool, *, key: str | None = None) -> Starlette:
    """The application over a pool, which it starts and closes.

    Args:
        key: what clients must send as a bearer token; None lets everyone in.
    """

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        pool.start()
        try:
            yield
        finally:
            await pool.close()

    def guarded(answer: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                given = request.headers.get("Authorization", "").removeprefix("Bearer ")
                if key is not None and not hmac.compare_digest(given.encode(), key.encode()):
                    raise Refusal(401, "the key is missing or wrong", "invalid_api_key")
                return await answer(request)
            except Refusal as refusal:
                return _error(refusal)
            except HTTPException as error:  # a form that cannot be read
                return _error(Refusal(error.status_code, error.detail, "invalid_request"))

        return endpoint

    async def generate(request: Request) -> Response:
        return await _draw(pool, "generate", _validated(await _json(request)), [])

    async def edit(request: Request) -> Response:
        async with request.form(max_files=8, max_fields=32, max_part_size=LARGEST_BODY) as form:
            uploads = [value for name in ("image", "image[]") for value in form.getlist(name)]
            pictures = [await upload.read(LARGEST_BODY + 1) for upload in uploads if isinstance(upload, UploadFile)]
            if form.get("mask"):
                raise Refusal(400, "masks are not supported", "invalid_request")
            fields = {name: value for name, value in form.items() if isinstance(value, str)}
        if len(pictures) != 1:
            raise Refusal(400, f"an edit takes one picture as `image`; {len(pictures)} came", "invalid_request")
        if len(pictures[0]) > LARGEST_BODY:
            raise Refusal(413, "the picture is too large", "too_large")
        return await _draw(pool, "edit", _validated(fields), pictures)

    async def published_generate(request: Request) -> Response:
        value = await _json(request)
        return await _draw_published(pool, "generate", {**value, "n": value.get("num_images_per_prompt", 1)}, [])

    async def published_edit(request: Request) -> Response:
        value = await _json(request)
        try:
            picture = base64.b64decode(str(value.get("image_b64", "")), validate=True)
        except binascii.Error:
            raise Refusal(400, "image_b64 is no base64", "invalid_request") from None
        return await _draw_published(pool, "edit", value, [picture])

    async def models(_: Request) -> Response:
        data = [
            {"id": name, "object": "model", "owned_by": "llmi-sandbox", "task": task}
            for name, task in pool.models.items()
        ]
        return JSONResponse({"object": "list", "data": data})

    async def health(_: Request) -> Response:
        workers = [worker.as_dict() for worker in pool.workers]
        starting = any(worker.state == "starting" for worker in pool.workers)
        status = "ok" if pool.ready else "starting" if starting else "down"
        answer = {"status": status, "workers": workers, "waiting": pool.waiting, "models": pool.models}
        return JSONResponse(answer, 200 if pool.ready else 503)

    async def info(_: Request) -> Response:
        devices = [worker.device.name for worker in pool.workers]
        modes = sorted(set(pool.models.values()))
        return JSONResponse({"mode": " and ".join(modes), "models": pool.models, "devices": devices})

    routes = [
        Route("/v1/images/generations", guarded(generate), methods=["POST"]),
        Route("/v1/images/edits", guarded(edit), methods=["POST"]),
        Route("/v1/models", guarded(models)),
        Route("/generate/", guarded(published_generate), methods=["POST"]),
        Route("/edit/", guarded(published_edit), methods=["POST"]),
        Route("/info", guarded(info)),
        Route("/health", health),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


async def _draw(pool: Pool, task: str, wish: PictureRequest, pictures: list[bytes]) -> Response:
    made = await _made(pool, task, wish, pictures)
    texts = [base64.b64encode(png).decode("ascii") for png in made]
    if wish.response_format == "url":
        data = [{"url": f"data:image/png;base64,{text}"} for text in texts]
    else:
        data = [{"b64_json": text} for text in texts]
    return JSONResponse({"created": int(time.time()), "data": data})


async def _draw_published(pool: Pool, task: str, value: dict[str, Any], pictures: list[bytes]) -> Response:
    made = await _made(pool, task, _validated(value), pictures)
    return JSONResponse({"status": "success", "images": [base64.b64encode(png).decode("ascii") for png in made]})


async def _made(pool: Pool, task: str, wish: PictureRequest, pictures: list[bytes]) -> list[bytes]:
    message = {
        "model": _model(pool, task, wish.model),
        "prompt": wish.prompt,
        "n": wish.n,
        "size": wish.size,
        "drawing": wish.drawing,
    }
    try:
        answer, made = await pool.submit(message, pictures)
    except QueueFullError as error:
        raise Refusal(429, str(error), "queue_full") from None
    except WorkerLostError as error:
        raise Refusal(503, str(error), "worker_lost") from None
    match answer["kind"]:
        case "pictures":
            return made
        case "bad_request":
            raise Refusal(400, answer["message"], "invalid_request")
        case "refused":
            raise Refusal(400, answer["message"], "content_policy_violation")
    raise Refusal(500, answer["message"], "model_failed")


def _model(pool: Pool, task: str, asked: str | None) -> str:
    """Which model does it: the one asked for, else the first that can."""
    if not pool.models:
        raise Refusal(503, "the models are still loading", "starting")
    able = [name for name, can in pool.models.items() if can == task]
    if asked is None and able:
        return able[0]
    if asked in able:
        return asked
    words = {"generate": "makes pictures from words alone", "edit": "changes pictures"}[task]
    wanted = "no model here" if asked is None else f"no model {asked!r} here"
    raise Refusal(404, f"{wanted} {words}; served: {pool.models}", "model_not_found")


async def _json(request: Request) -> dict[str, Any]:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST_BODY:
            raise Refusal(413, f"more than {LARGEST_BODY:,} bytes", "too_large")
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise Refusal(400, "the body is no JSON", "invalid_request") from None
    if not isinstance(value, dict):
        raise Refusal(400, "the body is no JSON object", "invalid_request")
    return value


def _validated(value: dict[str, Any]) -> PictureRequest:
    try:
        return PictureRequest.model_validate(value)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(map(str, problem["loc"])) or "the request"
        raise Refusal(400, f"{where}: {problem['msg']}", "invalid_request") from None


def _error(refusal: Refusal) -> Response:
    kind = "server_error" if refusal.status >= 500 else "invalid_request_error"
    error = {"message": str(refusal), "type": kind, "code": refusal.code, "param": None}
    again = {"Retry-After": BACK_SOON} if refusal.status in (429, 503) else None
    return JSONResponse({"error": error}, refusal.status, headers=again)
