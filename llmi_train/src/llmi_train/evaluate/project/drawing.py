"""Pictures given with a prompt, drawn from their data: bars, a plan, dials, a map, a notice."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from llmi_schema import Picture, Provenance

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

_SIZE = (720, 480)
_INK, _SOFT, _FILL, _PAPER = "#1e2430", "#8a8f98", "#4a7aa7", "#ffffff"


def draw(spec: dict[str, Any], name: str) -> Picture:
    """One picture: `{"bars": {...}}`, `{"plan": {...}}`, `{"dials": {...}}`, `{"map": {...}}`, `{"notice": {...}}`."""
    from PIL import Image, ImageDraw

    ((kind, data),) = spec.items()
    image = Image.new("RGB", _SIZE, _PAPER)
    canvas = ImageDraw.Draw(image)
    canvas.text((24, 18), data["title"], fill=_INK, font_size=24)
    _KINDS[kind](canvas, data)
    out = io.BytesIO()
    image.save(out, "PNG")
    return Picture.from_png(out.getvalue(), Provenance(tool="input", provider="drawn for this benchmark", request=name))


def _bars(canvas: ImageDraw, data: dict[str, Any]) -> None:
    values = data["values"]
    step, most = 660 // len(values), max(values.values())
    for at, (name, value) in enumerate(values.items()):
        left, height = 40 + at * step, round(300 * value / most)
        canvas.rectangle((left, 420 - height, left + step - 18, 420), fill=_FILL)
        canvas.text((left, 420 - height - 24), f"{value}{data.get('unit', '')}", fill=_INK, font_size=17)
        canvas.text((left, 428), str(name), fill=_INK, font_size=17)
    canvas.line((30, 420, 700, 420), fill=_INK, width=2)


def _plan(canvas: ImageDraw, data: dict[str, Any]) -> None:
    """Rooms as name, left, top, width and height in a grid of 12 by 8."""
    for name, left, top, width, height in data["rooms"]:
        box = (36 + left * 54, 64 + top * 48, 36 + (left + width) * 54, 64 + (top + height) * 48)
        canvas.rectangle(box, outline=_INK, width=4)
        canvas.multiline_text((box[0] + 10, box[1] + 10), name, fill=_INK, font_size=17)


def _dials(canvas: ImageDraw, data: dict[str, Any]) -> None:
    from math import cos, pi, sin

    dials = data["dials"]
    for at, (name, value, most, unit) in enumerate(dials):
        x, y, radius = 720 * (2 * at + 1) // (2 * len(dials)), 270, min(110, 300 // len(dials))
        canvas.arc((x - radius, y - radius, x + radius, y + radius), 180, 360, fill=_INK, width=5)
        angle = pi * (1 - value / most)
        canvas.line((x, y, x + 0.85 * radius * cos(angle), y - 0.85 * radius * sin(angle)), fill="#b3402a", width=6)
        canvas.text((x - radius, y + 8), "0", fill=_SOFT, font_size=16)
        canvas.text((x + radius - 24, y + 8), str(most), fill=_SOFT, font_size=16)
        canvas.text((x, y + 40), f"{value} {unit}", fill=_INK, font_size=26, anchor="ma")
        canvas.text((x, y + 80), name, fill=_INK, font_size=18, anchor="ma")


def _map(canvas: ImageDraw, data: dict[str, Any]) -> None:
    """Places as name, x and y in percent; `line` joins points of a river or a path."""
    points = [(36 + 6.4 * x, 64 + 3.9 * y) for x, y in data.get("line", ())]
    if points:
        canvas.line(points, fill="#7fb2dc", width=12, joint="curve")
        canvas.text((points[-1][0] - 90, points[-1][1] - 30), data["line_name"], fill="#2f6ea5", font_size=17)
    for name, x, y in data["places"]:
        px, py = 36 + 6.4 * x, 64 + 3.9 * y
        canvas.ellipse((px - 8, py - 8, px + 8, py + 8), fill="#b3402a")
        canvas.text((px + 14, py - 11), name, fill=_INK, font_size=18, stroke_width=5, stroke_fill=_PAPER)
    canvas.text((680, 50), "N", fill=_INK, font_size=20)
    canvas.line((686, 84, 686, 118), fill=_INK, width=3)
    canvas.polygon(((686, 74), (680, 90), (692, 90)), fill=_INK)


def _notice(canvas: ImageDraw, data: dict[str, Any]) -> None:
    canvas.rectangle((20, 60, 700, 460), outline=_INK, width=3)
    for at, line in enumerate(data["lines"]):
        canvas.text((44, 84 + 42 * at), line, fill=_INK, font_size=22)


_KINDS: dict[str, Callable[[ImageDraw, dict[str, Any]], None]] = {
    "bars": _bars,
    "plan": _plan,
    "dials": _dials,
    "map": _map,
    "notice": _notice,
}
