"""Places of generated scenes: each draws sky and land in one light, composed by chance."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from llmi_sandbox.tools.drawing.backdrops import cloud, pine, tree
from llmi_sandbox.tools.drawing.canvas import Canvas, Colour, Point, mix


@dataclass(frozen=True, slots=True)
class Light:
    """Colours of one time of day: the sky from top to bottom, the sun or moon, the far haze, how dark the land is."""

    top: str
    bottom: str
    disc: str
    haze: str
    shade: float
    stars: bool = False


LIGHTS: dict[str, Light] = {
    "night": Light("#0b1437", "#3a4a86", "#f4f1d9", "#46568f", 0.55, stars=True),
    "sunset": Light("#4b3b7c", "#ffb067", "#fff0c2", "#f39a6f", 0.25),
    "dawn": Light("#7fa6d6", "#ffd9cf", "#fff6dd", "#e9bfc0", 0.10),
    "storm": Light("#4a5568", "#a3adb8", "#dfe4e8", "#8d97a3", 0.30),
    "day": Light("#5fb0e8", "#dff2fb", "#fff6c9", "#bcdcea", 0.0),
    "autumn": Light("#86b3cf", "#fbe7c6", "#fff3cf", "#e6cfa6", 0.05),
}


def _sky(canvas: Canvas, light: Light, chance: random.Random, horizon: float) -> None:
    canvas.gradient(light.top, light.bottom, 0, horizon + 2)
    canvas.gradient(light.bottom, light.bottom, horizon + 2)
    if light.stars:
        for _ in range(70):
            x, y = chance.uniform(0, 100), chance.uniform(0, horizon * 0.85)
            canvas.ellipse(x, y, chance.choice((0.15, 0.2, 0.35)), fill="#ffffffd0")
    x, y = chance.uniform(18, 82), horizon * chance.uniform(0.22, 0.6)
    radius = chance.uniform(4, 6.5)
    canvas.glow(x, y, radius * 4.5, light.disc, 0.55)
    canvas.ellipse(x, y, radius, fill=light.disc)
    if light.stars:
        canvas.ellipse(x + radius * 0.3, y - radius * 0.2, radius * 0.18, fill=mix(light.disc, "#888866", 0.25))
        canvas.ellipse(x - radius * 0.35, y + radius * 0.3, radius * 0.26, fill=mix(light.disc, "#888866", 0.2))
    else:
        for _ in range(chance.randint(1, 3)):
            x, y = chance.uniform(5, 95), horizon * chance.uniform(0.12, 0.5)
            cloud(canvas, x, y, chance.uniform(5, 9), mix("#ffffff", light.haze, 0.4))


def _ridge(chance: random.Random, level: float, rise: float, points: int = 7) -> list[Point]:
    step = 110 / (points - 1)
    return [(-5 + i * step, level - chance.uniform(0, rise) * (1.0 if i % 2 else 0.35)) for i in range(points)]


def _shaded(colour: Colour, light: Light, haze: float = 0.0) -> tuple[int, int, int]:
    return mix(mix(colour, light.haze, haze), "#0a1030", light.shade)


def _mountains(canvas: Canvas, light: Light, chance: random.Random) -> None:
    horizon = canvas.height * 0.68
    _sky(canvas, light, chance, horizon)
    for layer, (haze, rise) in enumerate(((0.7, 34), (0.4, 26))):
        base = horizon + 4 + layer * 3
        for centre in sorted(chance.uniform(0, 100) for _ in range(4)):
            _peak(canvas, light, (centre, base - rise * chance.uniform(0.75, 1.1) * canvas.height / 75), base, haze)
    if chance.random() < 0.6:
        canvas.gradient(mix(light.bottom, "#3f86ad", 0.5), _shaded("#2f6d92", light), horizon + 2, canvas.height)
        for _ in range(9):
            y = chance.uniform(horizon + 4, canvas.height)
            x = chance.uniform(5, 80)
            canvas.line([(x, y), (x + chance.uniform(4, 14), y)], "#ffffff50", 0.4)
        canvas.land(
            [(-5, canvas.height - 4), (20, canvas.height - 9), (48, canvas.height - 1), (60, canvas.height + 6)],
            _shaded("#3e7a4c", light),
        )
    else:
        canvas.land(_ridge(chance, horizon + 5, 4), _shaded("#6fa85c", light, 0.15))
        canvas.land(_ridge(chance, horizon + 13, 6), _shaded("#4c8a4a", light))
    for _ in range(7):
        x = chance.choice((chance.uniform(-2, 26), chance.uniform(76, 102)))
        pine(canvas, x, canvas.height - chance.uniform(1, 5), chance.uniform(9, 16), _shaded("#2b5d46", light))


def _peak(canvas: Canvas, light: Light, top: Point, base: float, haze: float) -> None:
    x, y = top
    reach = (base - y) * 0.95
    rock, side = _shaded("#7288a3", light, haze), _shaded("#56697f", light, haze)
    canvas.polygon([(x - reach, base), (x, y), (x + reach, base)], rock)
    canvas.polygon([(x, y), (x + reach, base), (x + reach * 0.1, base)], side)
    cap = (base - y) * 0.3
    snow = mix("#ffffff", light.haze, haze * 0.6 + light.shade * 0.5)
    canvas.polygon(
        [
            (x, y),
            (x + cap * 0.95, y + cap),
            (x + cap * 0.4, y + cap * 0.75),
            (x, y + cap * 1.15),
            (x - cap * 0.45, y + cap * 0.7),
            (x - cap * 0.95, y + cap),
        ],
        snow,
    )


def _forest(canvas: Canvas, light: Light, chance: random.Random) -> None:
    horizon = canvas.height * 0.7
    _sky(canvas, light, chance, horizon)
    for haze, scale, count in ((0.65, 20, 16), (0.35, 28, 12)):
        foot = horizon + 5 * (1 - haze)
        for i in range(count):
            x = (i + chance.uniform(-0.3, 0.3)) * 104 / count
            pine(canvas, x, foot + 3, scale * chance.uniform(0.7, 1.2), _shaded("#356b4f", light, haze))
        canvas.land(_ridge(chance, foot + 3, 2), _shaded("#57905a", light, haze))
    canvas.land(_ridge(chance, horizon + 8, 3), _shaded("#4b8550", light))
    middle = chance.uniform(35, 65)
    canvas.polygon(
        [
            (middle - 2, horizon + 6),
            (middle + 2, horizon + 6),
            (middle + 15, canvas.height),
            (middle - 9, canvas.height),
        ],
        _shaded("#d9bf8c", light),
    )
    for x in (chance.uniform(2, 14), chance.uniform(20, 27), chance.uniform(75, 82), chance.uniform(88, 98)):
        pine(canvas, x, canvas.height - chance.uniform(0, 4), chance.uniform(30, 48), _shaded("#23503c", light))


def _sea(canvas: Canvas, light: Light, chance: random.Random) -> None:
    horizon = canvas.height * chance.uniform(0.5, 0.58)
    _sky(canvas, light, chance, horizon)
    canvas.gradient(mix(light.bottom, "#3b8fb3", 0.55), _shaded("#14567c", light), horizon, canvas.height)
    if chance.random() < 0.7:
        x = chance.uniform(10, 80)
        canvas.polygon(
            [(x - 16, horizon), (x - 6, horizon - 4), (x, horizon - 7), (x + 5, horizon - 5), (x + 18, horizon)],
            _shaded("#6d8f86", light, 0.35),
        )
    for i in range(5):
        y = horizon + 4 + i * (canvas.height - horizon) / 6
        swing = 0.7 + i * 0.35
        shift = chance.uniform(0, 6)
        crest = [(x, y + swing * math.sin((x + shift) / 4.2)) for x in range(-2, 104, 1)]
        canvas.line(crest, "#ffffff58", 0.35 + 0.1 * i)
    beach = canvas.height * 0.9
    canvas.land([(-5, beach + 6), (25, beach + 3), (60, beach - 1), (105, beach - 6)], "#ffffff90")
    canvas.land([(-5, beach + 8), (25, beach + 5), (60, beach + 1), (105, beach - 4)], _shaded("#ecd7a2", light))


def _snow(canvas: Canvas, light: Light, chance: random.Random) -> None:
    horizon = canvas.height * 0.62
    _sky(canvas, light, chance, horizon)
    for centre in (12, 45, 80):
        _peak(canvas, light, (centre + chance.uniform(-8, 8), horizon - chance.uniform(18, 30)), horizon + 5, 0.55)
    canvas.land(_ridge(chance, horizon + 6, 6), _shaded("#dbe9f4", light))
    for i in range(6):
        pine(
            canvas, chance.uniform(2, 98), horizon + 8, chance.uniform(9, 15), _shaded("#4f7d7c", light, 0.1 * (i % 3))
        )
    canvas.land(_ridge(chance, horizon + 15, 7), _shaded("#f4f9fd", light))
    for _ in range(60):
        canvas.ellipse(
            chance.uniform(0, 100), chance.uniform(0, canvas.height), chance.uniform(0.2, 0.5), fill="#ffffffd8"
        )


def _desert(canvas: Canvas, light: Light, chance: random.Random) -> None:
    horizon = canvas.height * 0.6
    _sky(canvas, light, chance, horizon)
    for level, colour, haze in ((0.60, "#dda15e", 0.45), (0.70, "#d4904a", 0.2), (0.83, "#c67c3b", 0.0)):
        y = canvas.height * level
        crest = chance.uniform(25, 75)
        outline = [(-5, y + 4), (crest - 22, y), (crest, y - 7), (crest + 20, y + 1), (105, y - 3)]
        canvas.land(outline, _shaded(colour, light, haze))
        canvas.shape(
            [(crest, y - 7), (crest + 20, y + 1), (crest + 34, y + 6), (crest + 12, y + 7), (crest + 2, y)],
            _shaded(mix(colour, "#7a4522", 0.35), light, haze),
        )


def _garden(canvas: Canvas, light: Light, chance: random.Random) -> None:
    horizon = canvas.height * 0.58
    _sky(canvas, light, chance, horizon)
    canvas.land(_ridge(chance, horizon + 2, 9), _shaded("#9cc987", light, 0.35))
    for _ in range(4):
        tree(canvas, chance.uniform(3, 97), horizon + 4, chance.uniform(9, 15), _shaded("#5d9a57", light, 0.15))
    canvas.land(_ridge(chance, horizon + 6, 3), _shaded("#7dba6a", light))
    petals = chance.sample(("#e4576b", "#f5b841", "#f28fb1", "#8a6fd1", "#ffffff", "#f07f3c"), 3)
    for row in range(6):
        y = horizon + 9 + row * (canvas.height - horizon - 8) / 6
        size = 0.8 + row * 0.32
        for i in range(15 - row):
            x = (i + chance.uniform(0.1, 0.9)) * 100 / (15 - row)
            canvas.line([(x, y), (x, y + size * 3)], _shaded("#3f7d43", light), size * 0.3)
            fill = _shaded(petals[(row + i) % 3], light)
            for turn in range(5):
                angle = math.radians(turn * 72 - 90)
                canvas.ellipse(
                    x + math.cos(angle) * size * 0.8, y + math.sin(angle) * size * 0.8, size * 0.62, fill=fill
                )
            canvas.ellipse(x, y, size * 0.5, fill=_shaded("#ffd95a", light))


def _city(canvas: Canvas, light: Light, chance: random.Random) -> None:
    horizon = canvas.height * 0.82
    _sky(canvas, light, chance, horizon)
    lit = light.shade > 0.2
    for haze, tallest, colour in ((0.65, 46, "#6c7f9c"), (0.35, 36, "#54688a"), (0.0, 24, "#3d4f72")):
        x = -3.0
        while x < 100:
            width = chance.uniform(6, 11)
            height = chance.uniform(0.4, 1.0) * tallest * canvas.height / 75
            fill = _shaded(mix(colour, chance.choice(("#b06a5b", "#c9a66b", "#5b8f9b", colour)), 0.3), light, haze)
            canvas.rect(x, horizon - height, width, height + 3, fill)
            if chance.random() < 0.3:
                canvas.line([(x + width / 2, horizon - height), (x + width / 2, horizon - height - 5)], fill, 0.5)
            if haze < 0.6:
                for row in range(int(height / 3.4)):
                    for column in range(int(width / 2.2)):
                        on = chance.random() < (0.6 if lit else 0.25)
                        glass = "#ffe9a8" if on and lit else mix(fill, "#eaf6ff", 0.45 if on else 0.2)
                        canvas.rect(x + 0.8 + column * 2.1, horizon - height + 1.4 + row * 3.2, 1.2, 1.7, glass)
            x += width + chance.uniform(-0.6, 1.4)
    canvas.gradient(_shaded("#4b5a6e", light), _shaded("#39465a", light), horizon, canvas.height)
    for i in range(9):
        canvas.rect(i * 12 + 1, (horizon + canvas.height) / 2 + 1, 6, 0.8, "#f2e3a0b0")


def _space(canvas: Canvas, light: Light, chance: random.Random) -> None:
    hue = chance.choice(("#3b1f6b", "#123a63", "#5a1f4e", "#174a4a"))
    canvas.gradient("#070a1f", mix(hue, "#070a1f", 0.35))
    for _ in range(4):
        canvas.glow(chance.uniform(0, 100), chance.uniform(0, canvas.height), chance.uniform(20, 38), hue, 0.6)
    for _ in range(150):
        canvas.ellipse(
            chance.uniform(0, 100), chance.uniform(0, canvas.height), chance.choice((0.12, 0.18, 0.3)), fill="#ffffffd0"
        )
    colours = chance.sample(("#e07a5f", "#81b29a", "#f2cc8f", "#6d9dc5", "#c98bb9"), 2)
    x, y, radius = chance.uniform(28, 72), canvas.height * chance.uniform(0.42, 0.6), chance.uniform(12, 19)
    _planet(canvas, x, y, radius, colours[0], ringed=chance.random() < 0.6)
    far = 12 if x > 50 else 88
    _planet(canvas, far, canvas.height * chance.uniform(0.15, 0.3), chance.uniform(3, 6), colours[1], ringed=False)


def _planet(canvas: Canvas, x: float, y: float, radius: float, colour: Colour, *, ringed: bool) -> None:
    canvas.glow(x, y, radius * 1.7, colour, 0.5)
    if ringed:
        canvas.arc(x, y, radius * 1.8, radius * 0.5, 180, 360, mix(colour, "#ffffff", 0.5), radius * 0.13)
    canvas.ellipse(x, y, radius, fill=colour)
    for share, tone in ((-0.45, 0.25), (0.1, 0.18), (0.5, 0.3)):
        half = math.sqrt(1 - share * share) * radius
        band = radius * 0.09
        canvas.polygon(
            [
                (x - half, y + share * radius),
                (x + half, y + share * radius),
                (x + half * 0.93, y + share * radius + band * 1.6),
                (x - half * 0.93, y + share * radius + band * 1.6),
            ],
            mix(colour, "#ffffff", tone),
        )
    shadow = [
        (x + math.cos(math.radians(a)) * radius, y + math.sin(math.radians(a)) * radius) for a in range(-80, 101, 6)
    ]
    inner = [
        (x + radius * 0.25 + math.cos(math.radians(a)) * radius * 0.5, y + math.sin(math.radians(a)) * radius * 0.98)
        for a in range(98, -83, -6)
    ]
    canvas.polygon([*shadow, *inner], "#05081a66")
    if ringed:
        canvas.arc(x, y, radius * 1.8, radius * 0.5, 0, 180, mix(colour, "#ffffff", 0.5), radius * 0.13)


def _underwater(canvas: Canvas, light: Light, chance: random.Random) -> None:
    canvas.gradient("#6fd3dc", "#0c4a78")
    for _ in range(4):
        x = chance.uniform(5, 90)
        canvas.polygon([(x, 0), (x + 7, 0), (x - 8, canvas.height * 0.8), (x - 24, canvas.height * 0.8)], "#ffffff1e")
    floor = canvas.height * 0.86
    for _ in range(9):
        x, tall = chance.uniform(0, 100), chance.uniform(10, 26)
        weed = [(x + math.sin(i * 1.1 + x) * 1.6, floor + 4 - tall * i / 6) for i in range(7)]
        canvas.stroke(weed, chance.choice(("#1f8a70", "#2fa37c", "#17725f")), 1.5)
    canvas.land(_ridge(chance, floor + 3, 3), "#e2c88f")
    for _ in range(6):
        x, size = chance.uniform(3, 97), chance.uniform(3, 6)
        colour = chance.choice(("#f0788c", "#f7a35c", "#b57edc"))
        for turn in (-60, -30, 0, 30, 60):
            tip = (x + math.sin(math.radians(turn)) * size, floor + 3 - math.cos(math.radians(turn)) * size)
            canvas.line([(x, floor + 4), tip], colour, 1.1)
    for _ in range(7):
        x, y, size = chance.uniform(8, 92), chance.uniform(8, floor - 14), chance.uniform(2.2, 4.2)
        _fish(canvas, x, y, size, chance.choice(("#ffb703", "#fb8500", "#f25f5c", "#f7e1a0")), chance.choice((-1, 1)))
    for _ in range(16):
        canvas.ring(
            chance.uniform(0, 100), chance.uniform(4, floor), chance.uniform(0.4, 1.1), fill="#ffffff90", width=0.2
        )


def _fish(canvas: Canvas, x: float, y: float, size: float, colour: Colour, way: int) -> None:
    canvas.polygon(
        [(x - way * size * 0.8, y), (x - way * size * 1.7, y - size * 0.6), (x - way * size * 1.7, y + size * 0.6)],
        mix(colour, "#803000", 0.2),
    )
    canvas.ellipse(x, y, size, size * 0.58, fill=colour)
    canvas.ellipse(x + way * size * 0.5, y - size * 0.12, size * 0.14, fill="#1d2433")


PLACES: dict[str, Callable[[Canvas, Light, random.Random], None]] = {
    "mountains": _mountains,
    "forest": _forest,
    "sea": _sea,
    "snow": _snow,
    "desert": _desert,
    "garden": _garden,
    "city": _city,
    "space": _space,
    "underwater": _underwater,
}
