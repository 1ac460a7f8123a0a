"""What can be told of a picture by its pixels: whether it is empty, a chart, a drawing known from the offline gallery,
or what its own prompt would have been drawn as.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np
from PIL import Image

from llmi_sandbox.tools.drawing.catalogue import MOTIFS
from llmi_sandbox.tools.drawing.scenes import draw_scene
from llmi_sandbox.tools.gallery import draw
from llmi_train.stand_in.words import content_words

_GRID = (16, 12)
_SMALL = (160, 120)
_WHITE = 243
_SAME = 0.035
"""Two thumbnails this close (mean difference of channels, 0 to 1) show the same drawing."""
_RELATED = 0.16


@dataclass(frozen=True)
class Look:
    """A picture at a glance.

    Attributes:
        grid: its colours on 16 x 12 fields, 0 to 1.
        detail: how much there is to see, 0 (blank) to 1.
        white: the share of nearly white pixels.
        subject: content words for the gallery drawing it is; empty if it is none.
    """

    grid: Any
    detail: float
    white: float
    subject: frozenset[str]

    @property
    def blank(self) -> bool:
        return self.detail < 0.02

    @property
    def chart(self) -> bool:
        """Drawn on white, as plots are."""
        return not self.blank and self.white > 0.5

    @property
    def kind(self) -> str:
        if self.blank:
            return "blank"
        return "chart" if self.chart else "real" if self.subject else "scene"


@lru_cache(maxsize=512)
def look(png: bytes) -> Look:
    """Look at a picture. Bytes that cannot be decoded are blank."""
    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
            pixels = image.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):  # Pillow's ways to say so
        return Look(np.zeros((*reversed(_GRID), 3)), 0.0, 0.0, frozenset())
    small = np.asarray(pixels.resize(_SMALL, Image.Resampling.BOX), dtype=np.float32)
    grid = _grid(pixels)
    return Look(grid, _detail(small), float((small.min(axis=2) > _WHITE).mean()), _subject(grid))


def drawn_as(picture: Look, prompt: str) -> float:
    """How much a picture looks like a drawing of the prompt, 0 to 1."""
    return _closeness(float(np.abs(picture.grid - _imagined(prompt)).mean()))


def edited_from(picture: Look, original: Look) -> float:
    """How much one picture can be the other after an edit, 0 to 1: the same picture is no edit of itself.

    Editing moves colours or fields, not both: the picture is compared as it is, mirrored, turned, inverted and in
    grey, each with its contrast evened out.
    """
    ways = (
        picture.grid,
        picture.grid[:, ::-1],
        picture.grid[::-1],
        picture.grid[::-1, ::-1],
        1 - picture.grid,
        np.repeat(picture.grid.mean(axis=2, keepdims=True), 3, axis=2),
        _turned(picture.grid, 1),
        _turned(picture.grid, 3),
    )
    if float(np.abs(picture.grid - original.grid).mean()) < 0.004:
        return 0.0
    greys = _even(original.grid.mean(axis=2))
    return max(_closeness(float(np.abs(_even(way.mean(axis=2)) - greys).mean()) / 2) for way in ways)


def _closeness(distance: float) -> float:
    return float(np.clip((_RELATED - distance) / (_RELATED - _SAME), 0.0, 1.0))


def _even(grey: Any) -> Any:
    spread = float(grey.std())
    return (grey - grey.mean()) / (4 * spread) + 0.5 if spread > 1e-4 else grey * 0 + 0.5


def _turned(grid: Any, quarters: int) -> Any:
    turned = np.rot90(grid, quarters)
    image = Image.fromarray((turned * 255).astype(np.uint8)).resize(_GRID, Image.Resampling.BOX)
    return np.asarray(image, dtype=np.float32) / 255


def _grid(image: Image.Image) -> Any:
    return np.asarray(image.resize(_GRID, Image.Resampling.BOX), dtype=np.float32) / 255


def _detail(pixels: Any) -> float:
    """Edges and contrast, each up to what a clear picture has."""
    grey = pixels.mean(axis=2)
    edges = np.abs(np.diff(grey, axis=0)).mean() + np.abs(np.diff(grey, axis=1)).mean()
    return float(min(1.0, edges / 8) * 0.5 + min(1.0, grey.std() / 40) * 0.5)


def _subject(grid: Any) -> frozenset[str]:
    names, grids = _gallery()
    distances = np.abs(grids - grid).mean(axis=(1, 2, 3))
    nearest = int(distances.argmin())
    return names[nearest] if distances[nearest] < _SAME else frozenset()


@cache
def _gallery() -> tuple[list[frozenset[str]], Any]:
    names = [frozenset(content_words(f"{m.caption} {m.keywords} {m.name}")) for m in MOTIFS]
    return names, np.stack([_grid(draw(m, _SMALL)) for m in MOTIFS])


@lru_cache(maxsize=512)
def _imagined(prompt: str) -> Any:
    return _grid(draw_scene(prompt, _SMALL))
