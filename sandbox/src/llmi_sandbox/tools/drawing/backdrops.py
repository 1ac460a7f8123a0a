"""Surroundings in which the gallery shows its motifs, and the small parts they share with scenes."""

from __future__ import annotations

import math
from collections.abc import Callable

from llmi_sandbox.tools.drawing.canvas import Canvas, Colour, Point, mix


def _studio(wall: Colour, floor: Colour) -> Callable[[Canvas], None]:
    def draw(c: Canvas) -> None:
        c.gradient(mix(wall, "#ffffff", 0.35), wall, 0, 58)
        c.glow(50, 34, 48, mix(wall, "#ffffff", 0.8), 0.8)
        c.gradient(mix(floor, "#ffffff", 0.12), mix(floor, "#201008", 0.12), 58, 75)
        c.rect(0, 57.7, 100, 0.6, mix(floor, "#000000", 0.18))
        c.ellipse(50, 65, 33, 3.2, fill="#00000026")

    return draw


def _meadow(c: Canvas) -> None:
    c.gradient("#7fc4ec", "#e6f5f7", 0, 56)
    cloud(c, 20, 14, 7)
    cloud(c, 80, 20, 5.5)
    c.land("-5,52 15,45 35,50 60,43 82,49 105,44", "#b5d99b")
    for x, size in ((8, 9), (16, 7), (88, 10), (96, 8)):
        tree(c, x, 53, size)
    c.land("-5,58 25,54 55,57 80,54 105,57", "#8fc777")
    c.land("-5,66 30,63 65,66 105,62", "#74b45f")
    for x, y in ((6, 70), (14, 66), (24, 72), (77, 70), (88, 68), (95, 72), (68, 73), (36, 73)):
        flower(c, x, y, 0.75, "#ffffff" if (x + y) % 2 else "#f6c945")


def _snowfield(c: Canvas) -> None:
    c.gradient("#8fb8da", "#eef5fa", 0, 56)
    c.polygon("-5,56 14,26 33,56", "#b4cadd")
    c.polygon("14,26 33,56 18,56", "#a2bbd1")
    c.polygon("60,56 82,22 108,56", "#b4cadd")
    c.polygon("82,22 108,56 86,56", "#a2bbd1")
    c.polygon("14,26 19,34 15,32 12,36 9,33.8", "#ffffff")
    c.polygon("82,22 88.5,32 84,30 80,35 76,31.3", "#ffffff")
    for x, size in ((5, 13), (13, 10), (92, 14), (84, 10)):
        pine(c, x, 60, size, "#4f7f79")
    c.land("-5,58 30,55 70,59 105,55", "#e3eef6")
    c.land("-5,66 35,62 70,66 105,63", "#fafdff")
    for i in range(46):
        c.ellipse(*_scattered(i, 74), 0.28 + 0.1 * (i % 3), fill="#ffffffe0")


def _ice(c: Canvas) -> None:
    c.gradient("#9fd2ee", "#e9f6fb", 0, 46)
    c.polygon("2,46 9,31 17,35 24,28 33,46", "#d6ecf6")
    c.polygon("24,28 33,46 25,46", "#bcdcec")
    c.polygon("72,46 80,34 87,37 94,46", "#d6ecf6")
    c.gradient("#4e9cc4", "#2e7aa6", 46, 75)
    for x, y in ((6, 50), (30, 52), (78, 50), (90, 54)):
        c.line([(x, y), (x + 7, y)], "#ffffff70", 0.5)
    c.shape("8,66 20,59 50,57 80,59 94,66 78,73 48,75 20,73", "#cfe6f1")
    c.shape("8,64.5 20,57.5 50,55.5 80,57.5 94,64.5 78,71 48,73 20,71", "#f8fcfe")


def _sea(c: Canvas) -> None:
    c.gradient("#74bde6", "#fdf0d5", 0, 47)
    c.glow(79, 17, 20, "#fff7d6", 0.8)
    c.ellipse(79, 17, 5.5, fill="#fff3bf")
    cloud(c, 22, 15, 7)
    cloud(c, 55, 9, 4.5)
    c.gradient("#4da3c7", "#1d6791", 47, 75)
    for i, y in enumerate((50, 54, 59, 65, 71)):
        wave = [(x, y + (0.4 + i * 0.15) * math.sin((x + i * 9) / 3.6)) for x in range(-2, 104, 1)]
        c.line(wave, "#ffffff48", 0.35 + i * 0.08)


def _coast(c: Canvas) -> None:
    _sea(c)
    c.shape("38,78 41,66 47,62 58,60 72,61 86,59 104,61 106,80", "#7a6a58")
    c.shape("41,67 48,61 58,59 72,60 86,58 106,60 106,63 86,62 70,64 56,63", "#7fb069")
    c.polygon("50,63 60,62 57,76 47,76", "#8d7b66")


def _sky(c: Canvas) -> None:
    c.gradient("#4f9fdc", "#dff1fb", 0, 75)
    for x, y, size in ((16, 16, 7), (84, 27, 8), (30, 52, 9), (76, 60, 10), (58, 8, 5)):
        cloud(c, x, y, size)


def _night(c: Canvas) -> None:
    c.gradient("#0e1a40", "#40508f", 0, 60)
    for i in range(80):
        c.ellipse(*_scattered(i, 52), 0.14 + 0.1 * (i % 4 == 0) + 0.06 * (i % 3), fill="#ffffffd8")
    c.glow(81, 14, 18, "#f6f2d5", 0.6)
    c.ellipse(81, 14, 5, fill="#f6f2d5")
    for x, y, r in ((79.6, 12.6, 1.0), (82.4, 15.6, 0.8), (83, 12, 0.6), (79.4, 16.2, 0.6)):
        c.ellipse(x, y, r, fill="#dcd7b4")
    c.land("-5,58 20,52 45,57 70,51 105,57", "#2b3f63")
    c.land("-5,66 30,62 65,66 105,62", "#22345a")


def _wood(c: Canvas) -> None:
    c.gradient("#cfe6d4", "#eef4da", 0, 60)
    for x, width, tone in (
        (6, 3, 0.55),
        (19, 2.4, 0.65),
        (33, 2.2, 0.72),
        (66, 2.4, 0.7),
        (80, 2.6, 0.6),
        (93, 3.4, 0.5),
    ):
        c.rect(x, 0, width, 62, mix("#5d4a3a", "#dfeadb", tone))
    for x, y, r in ((2, 2, 14), (22, -4, 13), (42, -7, 12), (62, -6, 13), (82, -3, 14), (99, 3, 13)):
        c.ellipse(x, y, r, fill="#7fb27a")
        c.ellipse(x + 5, y - 5, r, fill="#629a66")
    c.land("-5,59 20,56 50,59 80,56 105,59", "#a3c585")
    c.land("-5,66 30,62 65,66 105,62", "#7fae68")
    for x, y in ((9, 69), (15, 72), (84, 70), (91, 67), (73, 72)):
        fern(c, x, y)


def _desert(c: Canvas) -> None:
    c.gradient("#6db7e0", "#fdeccb", 0, 54)
    c.glow(18, 16, 18, "#fff4cf", 0.8)
    c.ellipse(18, 16, 5, fill="#fff0b8")
    c.land("-5,54 18,49 40,53 70,47 105,54", "#e6bd84")
    c.land("-5,60 30,55 62,60 105,54", "#dca966")
    c.land("-5,68 35,63 70,68 105,63", "#d09550")


def _street(c: Canvas) -> None:
    c.gradient("#a5d2ea", "#f3f1e6", 0, 58)
    fronts = ("#e9c39b", "#d98f76", "#c8d1b4", "#eadca6", "#b9c7d6", "#e0a98f")
    for i, wall in enumerate(fronts):
        x, top = i * 17 - 1, (20, 14, 24, 16, 21, 12)[i]
        c.rect(x, top, 17, 46, wall)
        c.polygon([(x - 0.5, top), (x + 8.5, top - 7), (x + 17.5, top)], mix(wall, "#5b2f2a", 0.55))
        for row in range(3):
            for column in range(3):
                c.rect(x + 2.4 + column * 4.6, top + 4 + row * 9, 2.8, 4.6, mix(wall, "#39506b", 0.6))
    c.rect(0, 56, 100, 5, "#d8d3c8")
    c.gradient("#8d8f96", "#75777f", 60, 75)


def _water(c: Canvas) -> None:
    c.gradient("#7ad7df", "#125a8c", 0, 75)
    for x in (8, 30, 52, 76):
        c.polygon([(x, 0), (x + 8, 0), (x - 6, 66), (x - 22, 66)], "#ffffff1e")
    for x, tall in ((5, 20), (10, 14), (89, 22), (95, 15), (82, 11)):
        c.stroke([(x + 1.4 * math.sin(i + x), 70 - tall * i / 6) for i in range(7)], "#1f8a70", 1.6)
    c.land("-5,69 25,66 55,69 80,66 105,69", "#e5cd98")
    for x, colour in ((18, "#f0788c"), (26, "#f7a35c"), (73, "#b57edc")):
        for turn in (-50, -20, 15, 45):
            tip = (x + 5 * math.sin(math.radians(turn)), 70 - 5 * math.cos(math.radians(turn)))
            c.line([(x, 70), tip], colour, 1.2)
    for x, y, r in ((20, 20, 1), (23, 14, 0.7), (72, 12, 0.9), (86, 30, 1.1), (12, 40, 0.8)):
        c.ring(x, y, r, fill="#ffffffb0", width=0.25)


def _space(c: Canvas) -> None:
    c.gradient("#080b20", "#1d1b45", 0, 75)
    c.glow(18, 60, 34, "#4a2a78", 0.6)
    c.glow(88, 12, 30, "#1c4f7a", 0.6)
    for i in range(120):
        c.ellipse(*_scattered(i, 75), 0.12 + 0.09 * (i % 3) + 0.15 * (i % 17 == 0), fill="#ffffffd8")


def _scattered(i: int, height: float) -> Point:
    """The i-th point of an even scatter that shows no rows (Roberts' R2 sequence)."""
    return (i * 75.4877666) % 100, (i * 0.569840291 % 1) * height


def cloud(c: Canvas, x: float, y: float, size: float, fill: Colour = "#ffffff") -> None:
    for dx, dy, r in ((-0.9, 0.1, 0.42), (-0.3, -0.2, 0.6), (0.4, -0.08, 0.5), (1.0, 0.12, 0.36)):
        c.ellipse(x + dx * size, y + dy * size, r * size, r * size * 0.8, fill=fill)
    c.rect(x - 1.3 * size, y, 2.65 * size, size * 0.42, fill, round_by=size * 0.21)


def tree(c: Canvas, x: float, foot: float, height: float, colour: Colour = "#5f9e58") -> None:
    c.rect(x - height * 0.05, foot - height * 0.5, height * 0.1, height * 0.5, mix(colour, "#5b3a22", 0.75))
    for dx, dy, r in ((-0.2, 0.62, 0.22), (0.2, 0.62, 0.22), (0, 0.8, 0.26)):
        c.ellipse(x + dx * height, foot - dy * height, r * height, fill=colour)
    c.ellipse(x - 0.06 * height, foot - 0.86 * height, 0.12 * height, fill=mix(colour, "#ffffff", 0.16))


def pine(c: Canvas, x: float, foot: float, height: float, colour: Colour) -> None:
    c.rect(x - height * 0.04, foot - height * 0.15, height * 0.08, height * 0.15, mix(colour, "#3b2a1d", 0.7))
    for share, width in ((0.12, 0.30), (0.38, 0.24), (0.64, 0.17)):
        low = foot - height * share
        c.polygon([(x - height * width, low), (x, low - height * 0.42), (x + height * width, low)], colour)


def flower(c: Canvas, x: float, y: float, size: float, petals: Colour, heart: Colour = "#f2a93b") -> None:
    c.line([(x, y), (x, y + size * 3.4)], "#4f8a45", size * 0.35)
    for turn in range(5):
        angle = math.radians(turn * 72 - 90)
        c.ellipse(x + math.cos(angle) * size * 0.85, y + math.sin(angle) * size * 0.85, size * 0.62, fill=petals)
    c.ellipse(x, y, size * 0.5, fill=heart)


def fern(c: Canvas, x: float, y: float) -> None:
    for turn in (-55, -28, 0, 28, 55):
        tip = (x + 4.5 * math.sin(math.radians(turn)), y - 4.5 * math.cos(math.radians(turn)))
        c.stroke([(x, y), ((x + tip[0]) / 2, (y + tip[1]) / 2 - 0.6), tip], "#4d8a4f", 0.8)


BACKDROPS: dict[str, Callable[[Canvas], None]] = {
    "meadow": _meadow,
    "snow": _snowfield,
    "ice": _ice,
    "sea": _sea,
    "coast": _coast,
    "sky": _sky,
    "night": _night,
    "wood": _wood,
    "desert": _desert,
    "street": _street,
    "water": _water,
    "space": _space,
    "table": _studio("#f3dcb8", "#b9855a"),
    "kitchen": _studio("#cfe3df", "#d9b98c"),
    "stage": _studio("#8c5a5a", "#6b4632"),
    "studio": _studio("#b9cbe0", "#8796ad"),
}
