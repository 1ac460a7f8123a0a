"""Pictures a user might attach: simple drawings, made here so that no file has to be shipped."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import TYPE_CHECKING

from llmi_data.offline.objects import OBJECTS

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

SIZE = (160, 120)

PALETTES = (
    ("#bfe3f5", "#5a9e4b", "#d9483b", "#f4c542"),
    ("#f7d9b0", "#a8763e", "#3a6ea5", "#fff3c4"),
    ("#d8c9ee", "#4f7d5c", "#e07a3f", "#fdf0d5"),
    ("#20304f", "#37563f", "#c9563c", "#f6e7a1"),
)
"""Sky, ground, subject, light."""


@lru_cache(maxsize=64)
def draw(subject: str, palette: int) -> bytes:
    """A 160 x 120 PNG of one of `SUBJECTS` or `OBJECTS` in one of `PALETTES`; the same arguments, the same bytes."""
    from PIL import Image, ImageDraw

    sky, ground, colour, light = PALETTES[palette]
    image = Image.new("RGB", SIZE, sky)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 86, 160, 120), fill=ground)
    pen.ellipse((124, 10, 148, 34), fill=light)
    (SUBJECTS | OBJECTS)[subject](pen, colour, light)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _house(pen: ImageDraw, colour: str, light: str) -> None:
    pen.rectangle((50, 56, 106, 98), fill=light, outline="black")
    pen.polygon([(44, 56), (78, 28), (112, 56)], fill=colour, outline="black")
    pen.rectangle((72, 74, 84, 98), fill=colour, outline="black")


def _boat(pen: ImageDraw, colour: str, light: str) -> None:
    pen.polygon([(40, 84), (116, 84), (102, 102), (54, 102)], fill=colour, outline="black")
    pen.line((78, 84, 78, 26), fill="black", width=3)
    pen.polygon([(82, 28), (82, 76), (114, 76)], fill=light, outline="black")


def _tree(pen: ImageDraw, colour: str, light: str) -> None:
    pen.rectangle((72, 64, 84, 102), fill="#6b4423", outline="black")
    pen.ellipse((46, 18, 110, 74), fill="#3f8f46", outline="black")
    for x, y in ((60, 36), (84, 30), (92, 52), (66, 56)):
        pen.ellipse((x, y, x + 8, y + 8), fill=colour)


def _cat(pen: ImageDraw, colour: str, light: str) -> None:
    pen.ellipse((48, 58, 112, 104), fill=colour, outline="black")
    pen.ellipse((40, 30, 80, 68), fill=colour, outline="black")
    pen.polygon([(43, 42), (46, 20), (58, 33)], fill=colour, outline="black")
    pen.polygon([(62, 33), (74, 20), (77, 42)], fill=colour, outline="black")
    for x in (52, 64):
        pen.ellipse((x, 44, x + 5, 50), fill="black")


def _mountain(pen: ImageDraw, colour: str, light: str) -> None:
    pen.polygon([(14, 98), (62, 24), (110, 98)], fill=colour, outline="black")
    pen.polygon([(70, 98), (108, 44), (146, 98)], fill=colour, outline="black")
    pen.polygon([(50, 42), (62, 24), (74, 42), (62, 48)], fill="white")


def _flower(pen: ImageDraw, colour: str, light: str) -> None:
    pen.line((80, 62, 80, 110), fill="#2f6b34", width=4)
    for x, y in ((80, 28), (60, 44), (100, 44), (66, 66), (94, 66)):
        pen.ellipse((x - 14, y - 14, x + 14, y + 14), fill=colour, outline="black")
    pen.ellipse((70, 40, 90, 60), fill=light, outline="black")


SUBJECTS = {
    "house": _house,
    "boat": _boat,
    "tree": _tree,
    "cat": _cat,
    "mountain": _mountain,
    "flower": _flower,
}
