"""The HTTP side.

| | |
|---|---|
| `GET /`, `GET /studio.js` | the page |
| `POST /sessions` | begin a document; answers `{"id"}` |
| `GET /sessions` | those there are |
| `GET /sessions/{id}/events` | what the page shows of one, a JSON message per line, from its beginning to its end |
| `POST /sessions/{id}/stop` | end it with what is there |
| `GET /sessions/{id}/document.html`, `.json`, `.zip` | the document; the last is Markdown with its pictures |

Everything but the page and the documents needs the page's token. Problems are 4xx with a sentence in `error`.
"""

from __future__ import annotations

import asyncio
import io
import json
import secrets
import tempfile
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from llmi_sandbox.report.live import studio_page, studio_script
from llmi_schema import LLMIError
from llmi_train.studio.asking import read_asked
from llmi_train.studio.guard import Guarded, refused
from llmi_train.studio.session import Session, Sessions, Studio
from llmi_train.writing import Written, save

LARGEST_BODY = 64 * 2**20
LOCAL_NAMES = ("127.0.0.1", "localhost", "[::1]")

Handler = Callable[[Request], Awaitable[Response]]


def studio_app(studio: Studio, *, constrain: bool = False, token: str | None = None) -> Starlette:
    """The application. What still writes when it ends is ended with it.

    Args:
        constrain: hold every document to the syntax of tags.
        token: what requests must carry; a new one unless given.
    """
    token = token or secrets.token_urlsafe(24)
    page, policy = studio_page(token=token, model=studio.model, tools=studio.tools, reward=studio.reward_name)
    sessions: Sessions | None = None

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        nonlocal sessions
        sessions = Sessions(studio)
        yield
        await sessions.end()

    def guarded(handler: Handler) -> Handler:
        async def guard(request: Request) -> Response:
            if problem := refused(request, token):
                return JSONResponse({"error": problem}, 403)
            try:
                return await handler(request)
            except HTTPException as refusal:
                return JSONResponse({"error": refusal.detail}, refusal.status_code)
            except LLMIError as error:
                return JSONResponse({"error": str(error)}, 400)

        return guard

    def all_sessions() -> Sessions:
        if sessions is None:
            raise RuntimeError("the studio has not started: run it with its lifespan")
        return sessions

    def found(request: Request) -> Session:
        session = all_sessions().find(request.path_params["id"])
        if session is None:
            raise HTTPException(404, "there is no such document here any more")
        return session

    async def index(_: Request) -> Response:
        return HTMLResponse(page, headers={"content-security-policy": policy})

    async def script(_: Request) -> Response:
        return Response(studio_script(), media_type="text/javascript")

    async def begin(request: Request) -> Response:
        body = await _body(request)
        asked = await asyncio.to_thread(read_asked, body, constrain=constrain)
        return JSONResponse({"id": all_sessions().begin(asked.request, asked.constraint).id}, 201)

    async def listed(_: Request) -> Response:
        return JSONResponse(all_sessions().listed())

    async def events(request: Request) -> Response:
        messages = found(request).board.read()
        lines = (json.dumps(message) + "\n" async for message in messages)
        return StreamingResponse(lines, media_type="application/x-ndjson")

    async def stop(request: Request) -> Response:
        found(request).stop()
        return JSONResponse({})

    async def document(request: Request) -> Response:
        """By a link, which cannot carry a token; the id cannot be guessed."""
        session = all_sessions().find(request.path_params["id"])
        form = request.path_params["form"]
        if session is None or session.written is None or form not in _KINDS:
            return JSONResponse({"error": "there is no such document here"}, 404)
        data = await asyncio.to_thread(_saved, session.written, form)
        headers = {"content-disposition": f'attachment; filename="document.{form}"'}
        return Response(data, media_type=_KINDS[form], headers=headers)

    return Starlette(
        routes=[
            Route("/", index),
            Route("/studio.js", script),
            Route("/sessions", guarded(begin), methods=["POST"]),
            Route("/sessions", guarded(listed)),
            Route("/sessions/{id}/events", guarded(events)),
            Route("/sessions/{id}/stop", guarded(stop), methods=["POST"]),
            Route("/sessions/{id}/document.{form}", document),
        ],
        middleware=[Middleware(Guarded, hosts=LOCAL_NAMES)],
        lifespan=lifespan,
    )


_KINDS = {"html": "text/html", "json": "application/json", "zip": "application/zip"}


def _saved(written: Written, form: str) -> bytes:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if form != "zip":
            save(written, folder / f"document.{form}")
            return (folder / f"document.{form}").read_bytes()
        save(written, folder / "document.md")
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(folder.iterdir()):
                archive.write(file, file.name)
        return out.getvalue()


async def _body(request: Request) -> bytes:
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > LARGEST_BODY:
            raise HTTPException(413, f"pictures and prompt may have {LARGEST_BODY // 2**20} MiB together")
    return bytes(data)
