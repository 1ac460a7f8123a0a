"""A request as it is sent, its key, and the most it can cost."""

from __future__ import annotations

import json
import struct
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import ceil
from typing import Any

from llmi_reward.chat.endpoint import Endpoint
from llmi_reward.chat.model import JsonSchema, Message, Usage

_KEY_VERSION = b"1"
_MESSAGE_OVERHEAD = 16
_LARGEST_PICTURE = 16_384
_PIXELS_PER_TOKEN = 512


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """Attributes:
    body: the request's JSON, as sent.
    plain: the same without the schema, for servers that do not take one; None when there is none.
    key: digest of everything that affects the answer.
    most: the most tokens it can take.
    """

    body: bytes
    plain: bytes | None
    key: bytes
    most: Usage


def build(
    endpoint: Endpoint,
    messages: Sequence[Message],
    options: Mapping[str, Any],
    schema: JsonSchema | None,
    sample: int,
) -> ChatRequest:
    """The request for one answer. `sample` is sent as the seed, when it is not 0 and no seed is set."""
    content: dict[str, Any] = {"model": endpoint.model, **options}
    if sample:
        content["seed"] = options.get("seed", 0) + sample
    content["messages"] = list(messages)  # last: what differs between requests is at the end
    plain = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    body = plain
    if schema is not None:
        form = {"name": "answer", "schema": schema, "strict": True}
        wanted = json.dumps({"type": "json_schema", "json_schema": form}, separators=(",", ":"))
        body = b'{"response_format":' + wanted.encode() + b"," + plain[1:]
    return ChatRequest(
        body=body,
        plain=None if schema is None else plain,
        key=_key(endpoint, body, sample),
        most=Usage(_prompt_bound(messages) + (len(body) - len(plain)), _completion_bound(options)),
    )


def most_usage(messages: Sequence[Message], options: Mapping[str, Any], schema: JsonSchema | None = None) -> Usage:
    """The most tokens a request can take, for a budget that is kept elsewhere than in a `ChatClient`."""
    form = 0 if schema is None else len(json.dumps(schema))
    return Usage(_prompt_bound(messages) + form, _completion_bound(options))


def _key(endpoint: Endpoint, body: bytes, sample: int) -> bytes:
    """Of the server, its version, the whole body and the sample's number. Left out, as they change no answer: the API
    key, prices, deadlines, retries and concurrency.
    """
    place = f"{endpoint.base_url.rstrip('/')}\n{endpoint.azure_api_version}\n{sample}\n".encode()
    return sha256(_KEY_VERSION + place + body).digest()


def _completion_bound(options: Mapping[str, Any]) -> int:
    limit = options.get("max_completion_tokens", options.get("max_tokens", 0))
    return int(limit) * int(options.get("n", 1))


def _prompt_bound(messages: Sequence[Message]) -> int:
    """No tokenizer makes more tokens than there are bytes; pictures are counted by their pixels."""
    total = 0
    for message in messages:
        total += _MESSAGE_OVERHEAD
        content = message.get("content") or ""
        if isinstance(content, str):
            total += len(content.encode("utf-8", "replace"))
            continue
        for part in content:
            if part.get("type") == "text":
                total += len(part["text"].encode("utf-8", "replace"))
            else:
                total += _picture_bound(part)
    return total


def _picture_bound(part: Mapping[str, Any]) -> int:
    """Common vision models take a token per 784 pixels or fewer; more than 16,384 for one picture, none."""
    url = str(part.get("image_url", {}).get("url", ""))
    prefix = "data:image/png;base64,"
    if not url.startswith(prefix):
        return _LARGEST_PICTURE
    try:
        width, height = struct.unpack(">II", b64decode(url[len(prefix) : len(prefix) + 32])[16:24])
    except (ValueError, struct.error):
        return _LARGEST_PICTURE
    return min(_LARGEST_PICTURE, ceil(width * height / _PIXELS_PER_TOKEN) + 256)
