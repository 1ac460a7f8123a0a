"""Documents and pictures for the tests, made by hand: no tool, no image library."""

import json
import struct
import zlib
from types import SimpleNamespace

import pytest

from llmi_reward import Sample
from llmi_schema import Constraint, ImageCount, Picture, Provenance, RenderedDocument, Tag, ToolResult, parse

PARAMS = {
    "search": {"query": "a red fox"},
    "diffusion": {"prompt": "a fox on the moon"},
    "code": {"code": "plt.plot([1, 2])"},
    "edit": {"img_index": 0, "prompt": "make it blue"},
}


def png(number=0):
    """A real 1 x 1 PNG whose content depends on the number."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixel = bytes([0, number % 256, number // 256, 7])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(pixel)) + chunk(b"IEND", b"")


def picture(number=0):
    return Picture.from_png(png(number), Provenance(tool="code", provider="test"))


def tag(source="search", **params):
    body = {"source": source, "description": "a fox", "params": params or PARAMS.get(source, {})}
    return f"<imgen>{json.dumps(body)}</imgen>"


def result(outcome):
    """A number is a picture of that content, a string the reason of a failure."""
    if isinstance(outcome, str):
        return ToolResult.failed(outcome, "for the test")
    return ToolResult(picture=picture(outcome))


def rendered(text, outcomes=None, inputs=()):
    """Good tags get distinct pictures and bad ones none, unless the outcomes are given."""
    document = parse(text, len(inputs))
    if outcomes is None:
        outcomes = [t.index if isinstance(t, Tag) else "bad_call" for t in document.tags]
    return RenderedDocument(document=document, results=tuple(map(result, outcomes)), inputs=tuple(inputs))


def sample(text, code=0, tools=(), outcomes=None, split="train", inputs=(), truncated=False):
    constraint = Constraint(count=ImageCount.decode(code), required_tools=frozenset(tools))
    return Sample("Tell me about foxes.", rendered(text, outcomes, inputs), constraint, split, truncated)


def pictures_sample(n, code, split="train"):
    """n delivered pictures where `code` was asked for."""
    return sample(tag() * n, code, outcomes=list(range(n)), split=split)


@pytest.fixture(scope="session")
def make():
    return SimpleNamespace(
        png=png, picture=picture, tag=tag, rendered=rendered, sample=sample, pictures_sample=pictures_sample
    )
