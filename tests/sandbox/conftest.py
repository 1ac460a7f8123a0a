"""What the tests of this folder share: calls and pictures, made in one line."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from llmi_sandbox.pictures import encode
from llmi_schema import (
    CodeCall,
    CodeParams,
    DiffusionCall,
    DiffusionParams,
    EditCall,
    EditParams,
    Picture,
    Provenance,
    SearchCall,
    SearchParams,
)

sys.path.insert(0, str(Path(__file__).parent))
from loopback import Loopback


class Calls:
    """`calls.search("fox")`, `calls.edit(0, "blur it")`: valid calls with a short description."""

    def search(self, query: str, description: str = "a picture") -> SearchCall:
        return SearchCall(description=description, params=SearchParams(query=query))

    def diffusion(self, prompt: str, description: str = "a picture") -> DiffusionCall:
        return DiffusionCall(description=description, params=DiffusionParams(prompt=prompt))

    def code(self, code: str, description: str = "a figure") -> CodeCall:
        return CodeCall(description=description, params=CodeParams(code=code))

    def edit(self, index: int, prompt: str, description: str = "a change") -> EditCall:
        return EditCall(description=description, params=EditParams(img_index=index, prompt=prompt))


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture
def make_picture() -> Callable[..., Picture]:
    def make(colour: str = "navy", size: tuple[int, int] = (64, 48), tool: str = "input") -> Picture:
        image = Image.new("RGB", size, "white")
        ImageDraw.Draw(image).rectangle((4, 4, size[0] // 2, size[1] // 2), fill=colour)
        return encode(image, Provenance(tool=tool, provider="test"))

    return make


@pytest.fixture
def server() -> Iterator[Loopback]:
    """A server on this machine that answers as told."""
    with Loopback() as one:
        yield one
