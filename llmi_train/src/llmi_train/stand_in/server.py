"""The stand-in behind the OpenAI API: just enough of HTTP, in one process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from hashlib import sha256
from typing import Any

from llmi_train.stand_in.marks import CRITERIA, verdict
from llmi_train.stand_in.reading import NotUnderstoodError, read_request

MODEL = "stand-in-judge (rules, no model)"
NOTICE = (
    "This is a stand-in: rules and small pictures, no model. Its marks follow the request's bytes and mean nothing "
    "beyond the offline tools' pictures. Point LLM_JUDGE_BASE_URL and MLLM_JUDGE_BASE_URL at real judges instead."
)
_LARGEST_BODY = 64 * 2**20


async def serve(host: str = "127.0.0.1", port: int = 0) -> asyncio.Server:
    """Start the stand-in; port 0 takes a free one."""
    return await asyncio.start_server(_connection, host, port)


async def _connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    # Connections that are open when the server stops are cancelled, which asyncio would report as a fault.
    gone = (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError)
    with contextlib.suppress(*gone):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:])}
            length = headers.get("content-length", "0")
            if not length.isdecimal() or int(length) > _LARGEST_BODY:
                break
            status, value = answer(head[0], await reader.readexactly(int(length)))
            data = json.dumps(value).encode()
            lines = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n"
            writer.write(lines.encode() + data)
            await writer.drain()
    writer.close()


def answer(request_line: str, body: bytes) -> tuple[str, dict[str, Any]]:
    """Status and JSON for a request."""
    method, path, *_ = [*request_line.split(" "), "", ""]
    match method, path.partition("?")[0]:
        case "POST", "/v1/chat/completions":
            try:
                return "200 OK", _completion(body)
            except (NotUnderstoodError, ValueError) as error:
                return "400 Bad Request", {"error": {"message": f"{error}. {NOTICE}"}}
        case "GET", "/v1/models":
            return "200 OK", {"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "llmi_train"}]}
        case "GET", "/" | "/health":
            return "200 OK", {"model": MODEL, "notice": NOTICE}
        case _:
            return "404 Not Found", {"error": {"message": "here are /v1/chat/completions, /v1/models and /health"}}


def _completion(body: bytes) -> dict[str, Any]:
    request = json.loads(body)
    if not isinstance(request, dict):
        raise NotUnderstoodError("the body is no JSON object")
    criteria, exhibit = read_request(request)
    if unknown := set(criteria) - CRITERIA.keys():
        raise NotUnderstoodError(
            f"the criteria {', '.join(sorted(unknown))} are not known here, only {', '.join(CRITERIA)}"
        )
    content = verdict(criteria, exhibit)
    return {
        "id": f"stand-in-{sha256(body).hexdigest()[:16]}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": MODEL,
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}],
        "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
    }
