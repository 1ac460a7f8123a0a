"""What the server and its workers say to each other over a pipe: a JSON object and some bytes at a time.

A frame is four bytes with the length of the JSON, the JSON, and the blobs whose lengths it holds.
"""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

Frame = tuple[dict[str, Any], list[bytes]]


def pack(message: Mapping[str, Any], blobs: Sequence[bytes] = ()) -> bytes:
    head = json.dumps({**message, "blobs": [len(blob) for blob in blobs]}).encode()
    return b"".join((struct.pack(">I", len(head)), head, *blobs))


async def receive(stream: asyncio.StreamReader) -> Frame:
    """The next frame. Raises EOFError when the other side is gone."""
    (length,) = struct.unpack(">I", await stream.readexactly(4))
    head = json.loads(await stream.readexactly(length))
    return head, [await stream.readexactly(size) for size in head.pop("blobs")]


def read(stream: BinaryIO) -> Frame | None:
    """The next frame, or None at the end."""
    start = _exactly(stream, 4)
    if start is None:
        return None
    text = _exactly(stream, struct.unpack(">I", start)[0])
    if text is None:
        return None
    head = json.loads(text)
    blobs = []
    for size in head.pop("blobs"):
        blob = _exactly(stream, size)
        if blob is None:
            return None
        blobs.append(blob)
    return head, blobs


def _exactly(stream: BinaryIO, size: int) -> bytes | None:
    data = stream.read(size)
    return data if len(data) == size else None
