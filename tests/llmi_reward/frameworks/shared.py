"""What every framework is asked to score: prompts, answers and the pictures they deliver.

Standard library, pytest and our two packages only: these tests also run inside the frameworks' own environments.
"""

import asyncio
import hashlib
import json
import os
import struct
import zlib

import pytest

from llmi_reward import Asked, Formula, ImageCountReward, Sample, Score, TagFormat, ToolUse
from llmi_schema import Constraint, ImageCount, Picture, Provenance, RenderedDocument, Tag, ToolResult, parse


def tag(source, **params):
    return f"<imgen>{json.dumps({'source': source, 'description': 'a fox', 'params': params})}</imgen>"


SEARCH, CODE = tag("search", query="red fox"), tag("code", code="plt.plot([1, 2])")
PROSE = "A fox walks along the river. "

ROWS = [
    {"prompt": "One fox.", "text": PROSE + SEARCH, "image_count": 1, "required_tools": []},
    {"prompt": "Three.", "text": PROSE + SEARCH + PROSE + CODE, "image_count": 3, "required_tools": ["code"]},
    {"prompt": "None.", "text": PROSE * 3, "image_count": -1, "required_tools": []},
    {
        "prompt": "Some.",
        "text": f"{PROSE}{CODE}{CODE}<imgen>{{}}</imgen>",
        "image_count": 99,
        "required_tools": ["edit"],
    },
    {"prompt": "Exact.", "text": PROSE + CODE, "image_count": 2, "required_tools": ["code"], "split": "test"},
    {"prompt": "Any.", "text": "<think>hm</think>", "image_count": 0, "required_tools": []},
    {"prompt": "Seven.", "text": (PROSE + SEARCH) * 2 + CODE, "image_count": 7, "required_tools": ["search", "code"]},
    {"prompt": "Cut.", "text": PROSE + SEARCH + "<imgen>{", "image_count": 1, "required_tools": []},
]
UNSCORED = {"prompt": "Down.", "text": PROSE + tag("search", query="offline"), "image_count": 1, "required_tools": []}


def picture(content):
    """A real PNG of one pixel, its colour drawn from the content."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    pixel = b"\0" + hashlib.sha256(content.encode()).digest()[:3]
    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(pixel)) + chunk(b"IEND", b"")
    return Picture.from_png(png, Provenance(tool="code", provider="test"))


async def render(document, inputs):
    """Equal calls give equal pictures; the search for `offline` finds its tool down."""
    await asyncio.sleep(0)

    def result(one):
        if not isinstance(one, Tag):
            return ToolResult.failed("bad_call", "not a call")
        if "offline" in one.source:
            return ToolResult.failed("unavailable", "down for the test")
        return ToolResult(picture=picture(one.source))

    return RenderedDocument(document=document, results=tuple(map(result, document.tags)), inputs=tuple(inputs))


async def _opinion(sample):
    await asyncio.sleep(0)
    return Score((len(sample.parsed.text) % 17) / 17)


def formula() -> Formula:
    """Rules and a judge, with weights whose products round."""
    return TagFormat() * (0.3 * ImageCountReward() + 0.2 * ToolUse()) + 0.1 * Asked("opinion", _opinion)


def float32(value):
    return struct.unpack("f", struct.pack("f", value))[0]


async def expected(row):
    """The value with no adapter in between."""
    document = await render(parse(row["text"]), ())
    constraint = Constraint(
        count=ImageCount.decode(row["image_count"]), required_tools=frozenset(row["required_tools"])
    )
    return (await formula()(Sample(row["prompt"], document, constraint, row.get("split", "train")))).value


def framework(name):
    """The framework's module. Skips where it is not installed, unless this environment was made for it."""
    if os.environ.get("LLMI_FRAMEWORK") == name.partition(".")[0]:
        return __import__("importlib").import_module(name)
    return pytest.importorskip(name, reason=f"{name} has an environment of its own: see run.py")
