"""A small drawing board for flat illustrations: smooth shapes in units that do not depend on the picture's size.

The board is 100 units wide and as high as the picture's shape makes it (75 for 4:3); y grows downwards. Shapes are
drawn several times larger and then reduced, which smooths their edges. Colours are anything Pillow reads, also with
transparency (`#ffffff80`). Outlines are points, or a string of them: `"10,20 30,40"`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache

from PIL import Image, ImageColor, ImageDraw

from llmi_sandbox.tools.drawing.fonts import font

Point = tuple[float, float]
Colour = str | tuple[int, ...]
Outline = Sequence[Point] | str

_OVERSAMPLE = 3
_FINE = 3  # strokes this thin, in pixels before reduction, show no gaps at their joints
_CURVE_STEPS = 10
_CURVE = tuple(
    (-t + 2 * t * t - t**3, 2 - 5 * t * t + 3 * t**3, t + 4 * t * t - 3 * t**3, t**3 - t * t)
    for t in (step / _CURVE_STEPS for step in range(_CURVE_STEPS))
)


class Canvas:
    """Draw with the methods, then take the picture with `image()`."""

    def __init__(self, width: int, height: int) -> None:
        self.height = 100 * height / width
        self._scale = width * _OVERSAMPLE / 100
        self._origin: Point = (0.0, 0.0)
        self._image = Image.new("RGB", (width * _OVERSAMPLE, height * _OVERSAMPLE), "white")
        self._draw = ImageDraw.Draw(self._image, "RGBA")

    def image(self) -> Image.Image:
        """The finished picture at its real size."""
        return self._image.reduce(_OVERSAMPLE)

    @contextmanager
    def placed(self, x: float, y: float, zoom: float) -> Iterator[None]:
        """Draw in a smaller or larger frame, whose upper left corner is at a point of this one."""
        origin, scale = self._origin, self._scale
        self._origin = (origin[0] + x * scale, origin[1] + y * scale)
        self._scale = scale * zoom
        try:
            yield
        finally:
            self._origin, self._scale = origin, scale

    def gradient(self, top: Colour, bottom: Colour, start: float = 0, end: float | None = None) -> None:
        """Fill a band over the whole width, from one colour above to another below."""
        first, last = round(start * self._scale), round((self.height if end is None else end) * self._scale)
        if last <= first:
            return
        steps = min(last - first, 256)
        above, below = rgb(top), rgb(bottom)
        column = Image.new("RGB", (1, steps))
        column.putdata([mix(above, below, i / max(1, steps - 1)) for i in range(steps)])
        column = column.resize((1, last - first), Image.Resampling.BILINEAR)
        # two steps: repeating a finished column is far cheaper than interpolating every pixel
        self._image.paste(column.resize((self._image.width, last - first), Image.Resampling.NEAREST), (0, first))

    def glow(self, x: float, y: float, radius: float, colour: Colour, strength: float = 1.0) -> None:
        """Soft light around a point."""
        side = max(2, round(2 * radius * self._scale))
        light = Image.radial_gradient("L").point(lambda v: round(max(0, 180 - v) / 180 * 255 * strength))
        # the gradient reaches 180 at the edge of its inscribed circle, 255 in the corners
        mask = light.resize((side, side), Image.Resampling.BILINEAR)
        left, top = self._at((x - radius, y - radius))
        self._image.paste(Image.new("RGB", (side, side), rgb(colour)), (round(left), round(top)), mask)

    def polygon(self, outline: Outline, fill: Colour) -> None:
        self._draw.polygon([self._at(p) for p in points(outline)], fill=fill)

    def rect(self, x: float, y: float, width: float, height: float, fill: Colour, *, round_by: float = 0) -> None:
        """A rectangle from its upper left corner; `round_by` is the radius of its corners."""
        box = (*self._at((x, y)), *self._at((x + width, y + height)))
        if round_by:
            self._draw.rounded_rectangle(box, radius=round_by * self._scale, fill=fill)
        else:
            self._draw.rectangle(box, fill=fill)

    def ellipse(self, x: float, y: float, across: float, down: float | None = None, *, fill: Colour) -> None:
        """An ellipse around its centre; `across` and `down` are radii."""
        down = across if down is None else down
        self._draw.ellipse((*self._at((x - across, y - down)), *self._at((x + across, y + down))), fill=fill)

    def ring(self, x: float, y: float, across: float, down: float | None = None, *, fill: Colour, width: float) -> None:
        """The outline of an ellipse."""
        down = across if down is None else down
        box = (*self._at((x - across, y - down)), *self._at((x + across, y + down)))
        self._draw.ellipse(box, outline=fill, width=self._thick(width))

    def sector(self, x: float, y: float, radius: float, start: float, end: float, fill: Colour) -> None:
        """A slice of a disc; degrees run clockwise from three o'clock."""
        box = (*self._at((x - radius, y - radius)), *self._at((x + radius, y + radius)))
        self._draw.pieslice(box, start, end, fill=fill)

    def arc(
        self, x: float, y: float, across: float, down: float, start: float, end: float, fill: Colour, width: float
    ) -> None:
        """A part of an ellipse's outline; degrees run clockwise from three o'clock."""
        box = (*self._at((x - across, y - down)), *self._at((x + across, y + down)))
        self._draw.arc(box, start, end, fill=fill, width=self._thick(width))

    def line(self, outline: Outline, fill: Colour, width: float) -> None:
        """A stroke with round ends and joints."""
        placed = [self._at(p) for p in points(outline)]
        thick = self._thick(width)
        self._draw.line(placed, fill=fill, width=thick, joint="curve" if thick > _FINE else None)
        radius = width * self._scale / 2
        if radius > 1.5 and len(rgb(fill)) == len(_channels(fill)):  # round ends would show through transparency
            for x, y in (placed[0], placed[-1]):
                self._draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)

    def stroke(self, outline: Outline, fill: Colour, width: float) -> None:
        """A smooth stroke through the points."""
        self.line(smooth(points(outline), closed=False), fill, width)

    def shape(self, outline: Outline, fill: Colour) -> None:
        """A closed smooth outline through the points."""
        self.polygon(smooth(points(outline), closed=True), fill)

    def land(self, outline: Outline, fill: Colour) -> None:
        """Everything below a smooth outline that runs from left to right."""
        curve = smooth(points(outline), closed=False)
        self.polygon([*curve, (curve[-1][0], self.height), (curve[0][0], self.height)], fill)

    def text(self, x: float, y: float, words: str, size: float, fill: Colour, *, bold: bool = False) -> None:
        """Words centred on a point; `size` in units."""
        face = font(max(6, round(size * self._scale)), bold=bold)
        self._draw.text(self._at((x, y)), words, fill=fill, font=face, anchor="mm")

    def _at(self, point: Point) -> Point:
        return self._origin[0] + point[0] * self._scale, self._origin[1] + point[1] * self._scale

    def _thick(self, width: float) -> int:
        return max(1, round(width * self._scale))


def points(outline: Outline) -> Sequence[Point]:
    return _parsed(outline) if isinstance(outline, str) else outline


@lru_cache(maxsize=2048)
def _parsed(outline: str) -> tuple[Point, ...]:
    pairs = (pair.split(",") for pair in outline.split())
    return tuple((float(x), float(y)) for x, y in pairs)


def mirrored(outline: Outline, axis: float = 50) -> list[Point]:
    """The same points on the other side of a vertical line."""
    return [(2 * axis - x, y) for x, y in points(outline)]


def smooth(knots: Sequence[Point], *, closed: bool) -> list[Point]:
    """A Catmull-Rom curve through the points."""
    count = len(knots)
    if count < 3:
        return list(knots)

    def at(i: int) -> Point:
        return knots[i % count] if closed else knots[min(max(i, 0), count - 1)]

    curve: list[Point] = []
    for i in range(count if closed else count - 1):
        (x0, y0), (x1, y1), (x2, y2), (x3, y3) = at(i - 1), at(i), at(i + 1), at(i + 2)
        curve.extend(
            ((a * x0 + b * x1 + c * x2 + d * x3) / 2, (a * y0 + b * y1 + c * y2 + d * y3) / 2) for a, b, c, d in _CURVE
        )
    if not closed:
        curve.append(knots[-1])
    return curve


def turned(outline: Outline, around: Point, degrees: float) -> list[Point]:
    """The points turned clockwise around another."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    cx, cy = around
    return [(cx + (x - cx) * cos - (y - cy) * sin, cy + (x - cx) * sin + (y - cy) * cos) for x, y in points(outline)]


def polar(centre: Point, radius: float, degrees: float) -> Point:
    """The point at a distance and a direction, clockwise from three o'clock."""
    angle = math.radians(degrees)
    return centre[0] + radius * math.cos(angle), centre[1] + radius * math.sin(angle)


def rgb(colour: Colour) -> tuple[int, int, int]:
    red, green, blue = _channels(colour)[:3]
    return red, green, blue


def mix(first: Colour, second: Colour, share: float) -> tuple[int, int, int]:
    """A colour between two: the first at share 0, the second at 1."""
    (r, g, b), (r2, g2, b2) = rgb(first), rgb(second)
    return round(r + (r2 - r) * share), round(g + (g2 - g) * share), round(b + (b2 - b) * share)


def _channels(colour: Colour) -> tuple[int, ...]:
    return ImageColor.getrgb(colour) if isinstance(colour, str) else colour
