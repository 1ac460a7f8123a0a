"""Plants, each a function that draws it in the frame of a motif."""

from __future__ import annotations

import math

from llmi_sandbox.tools.drawing.canvas import Canvas, mirrored, mix, polar, turned
from llmi_sandbox.tools.drawing.motif import Motif


def sunflower(c: Canvas) -> None:
    c.stroke("50,30 51,48 49,66", "#5a9a4a", 2.4)
    c.shape("50,50 60,42 72,43 66,52 54,55", "#6fae4e")
    c.shape("50,57 40,50 28,51 34,60 46,61", "#5f9e48")
    for radius, offset, fill in ((19, 0, "#eaa11e"), (17, 11.25, "#f9c62d")):
        for i in range(16):
            turn = i * 22.5 + offset
            petal = [(50 + 6, 27), (50 + radius * 0.62, 27 - 3), (50 + radius, 27), (50 + radius * 0.62, 27 + 3)]
            c.shape(turned(petal, (50, 27), turn), fill)
    c.ellipse(50, 27, 9.4, fill="#5b3a20")
    for i in range(70):  # seeds in the golden angle, as in the plant
        x, y = polar((50, 27), 0.98 * math.sqrt(i), i * 137.508)
        c.ellipse(x, y, 0.45, fill="#8f6136" if i % 2 else "#3d2513")


def cactus(c: Canvas) -> None:
    _column(c, 44, 12, 64, 6, "#3f8f5b")
    for elbow, top, side in ((44, 24, -1), (38, 18, 1)):
        x = 44 + side * 13
        c.stroke([(44 + side * 4, elbow), (x - side * 3, elbow), (x, elbow - 3), (x, top)], "#3f8f5b", 6.4)
        c.line([(x, elbow - 4), (x, top)], "#2f7549", 0.6)
    for x, y in ((44, 11), (31, 20), (57, 14.6)):
        for turn in range(0, 360, 60):
            c.ellipse(*polar((x, y), 1.6, turn), 1.2, fill="#f06c9b")
        c.ellipse(x, y, 0.9, fill="#ffd95a")
    c.ellipse(72, 56, 9, 8.4, fill="#5aa86a")
    for x in (66, 69, 72, 75, 78):
        c.stroke([(72 + (x - 72) * 0.4, 48), (x + (x - 72) * 0.35, 56), (72 + (x - 72) * 0.5, 64)], "#3f8f5b", 0.6)
    c.ellipse(72, 47.4, 2.4, 1.6, fill="#ffd95a")
    for dx, dy, r in ((0, 0, 6), (-6, -6, 4.4), (5, -8, 4.8), (-1, -12, 3.6)):
        c.ellipse(20 + dx, 58 + dy, r * 0.86, r, fill=mix("#6dbb7a", "#2f7549", r / 12))
    for x, y in ((18, 56), (22, 60), (14, 50), (25, 49), (19, 46), (21, 53)):
        c.line([(x, y), (x + 0.8, y - 0.9)], "#f4f1d9", 0.3)
    for x, y, r in ((10, 65, 2.6), (33, 66, 2), (61, 66, 3), (86, 65.4, 2.4)):
        c.ellipse(x, y, r * 1.4, r * 0.8, fill="#b39a7d")


def _column(c: Canvas, x: float, top: float, foot: float, radius: float, colour: str) -> None:
    c.rect(x - radius, top, radius * 2, foot - top + radius * 0.5, colour, round_by=radius)
    for dx in (-0.55, 0, 0.55):
        c.line([(x + dx * radius, top + radius * 0.7), (x + dx * radius, foot)], mix(colour, "#10401f", 0.35), 0.6)
    for i in range(int((foot - top) / 5)):
        for dx in (-0.28, 0.28):
            y = top + 5 + i * 5
            c.line([(x + dx * radius, y), (x + dx * radius + 0.7, y - 0.8)], "#f4f1d9", 0.3)


def tulips(c: Canvas) -> None:
    for x, y, colour in (
        (28, 30, "#f28fb1"),
        (72, 30, "#8a6fd1"),
        (39, 22, "#f6b93b"),
        (61, 21, "#e4576b"),
        (50, 27, "#d8363a"),
    ):
        c.stroke([(x, y + 8), (50 + (x - 50) * 0.9, 48), (50 + (x - 50) * 0.72, 65)], "#5a9a4a", 1.7)
        c.shape([(x - 6, y), (x - 5, y + 8), (x, y + 12), (x + 5, y + 8), (x + 6, y), (x, y + 3)], colour)
        c.shape([(x - 6.4, y - 6), (x - 1, y - 1), (x - 1, y + 10), (x - 6, y + 5)], mix(colour, "#ffffff", 0.12))
        c.shape([(x + 6.4, y - 6), (x + 1, y - 1), (x + 1, y + 10), (x + 6, y + 5)], mix(colour, "#5a0018", 0.14))
        c.shape([(x, y - 7), (x + 3.4, y), (x + 2.4, y + 8), (x, y + 11), (x - 2.4, y + 8), (x - 3.4, y)], colour)
    for leaf in ("34,65 24,52 20,40 30,48 37,65", "46,66 40,54 41,42 47,52 50,66", "50,66 55,52 60,43 59,55 54,66"):
        c.shape(leaf, "#6fae4e")
    c.shape(mirrored("34,65 24,52 20,40 30,48 37,65"), "#5f9e48")


def mushroom(c: Canvas) -> None:
    c.shape("43,38 57,38 58,52 61,63 50,66 39,63 42,52", "#f7efdf")
    c.shape("52,38 57,38 58,52 61,63 54,65.6 54,52", "#e3d6bd")
    c.shape("41,44 50,42 59,44 62,49 50,47.4 38,49", "#fffaf0")
    c.shape("21,39 24,25 36,14 50,11 64,14 76,25 79,39 64,42.4 50,43.4 36,42.4", "#d5322f")
    c.shape("66,16 76,25 79,39 66,42 70,30", "#b02524")
    c.shape("24,39.4 50,37 76,39.4 64,42.6 50,43.6 36,42.6", "#f1dfc3")
    for x, y, r in (
        (38, 22, 3.6),
        (52, 17, 2.8),
        (61, 26, 3.8),
        (46, 31, 3),
        (30, 32, 2.8),
        (71, 33, 2.6),
        (57, 35, 1.8),
    ):
        c.ellipse(x, y, r, r * 0.82, fill="#fffaf0")
    for x, size in ((78, 0.36), (22, 0.28)):
        c.rect(x - 4 * size, 64 - 18 * size, 8 * size, 18 * size, "#f7efdf", round_by=1)
        c.sector(x, 64 - 16 * size, 24 * size, 180, 360, "#d5322f")
        for dx, dy in ((-10, -6), (2, -14), (11, -5)):
            c.ellipse(x + dx * size, 64 + (dy - 17) * size, 2.6 * size, fill="#fffaf0")


def palm(c: Canvas) -> None:
    c.shape("16,67 34,62 56,61 78,63 92,68 70,71 36,71", "#efd9a5")
    trunk = [(55, 65), (52, 52), (50, 38), (52, 24)]
    c.stroke(trunk, "#9a6a41", 4.2)
    for i in range(11):
        y = 62 - i * 3.5
        x = 54.6 - 4.4 * math.sin((65 - y) / 41 * math.pi * 0.86)
        c.line([(x - 1.9, y), (x + 1.9, y - 0.9)], "#754c2b", 0.5)
    crown = (52, 23)
    for turn, reach in ((-170, 26), (-145, 24), (-115, 18), (-78, 17), (-45, 22), (-15, 26), (12, 22), (165, 21)):
        tip = polar(crown, reach, turn)
        droop = (tip[0], tip[1] + 9)
        knee = ((crown[0] + tip[0]) / 2, (crown[1] + tip[1]) / 2 - 3)
        low = (knee[0], knee[1] + 5)
        c.shape([crown, knee, droop, low], "#3f8f5b" if turn % 2 else "#57a767")
        c.stroke([crown, (knee[0], knee[1] + 1.6), droop], "#2f7549", 0.5)
    for x, y in ((49.6, 25.6), (53, 27), (55.6, 25)):
        c.ellipse(x, y, 2.1, fill="#754c2b")


def oak(c: Canvas) -> None:
    c.shape("44,66 46,50 40,38 46,42 50,34 54,42 61,37 54,50 57,66", "#7d5a3e")
    c.shape("51,66 51.6,50 54,50 57,66", "#67482f")
    crown = ((30, 32, 13), (42, 20, 14), (58, 18, 14), (70, 30, 13), (50, 32, 15), (36, 40, 9), (64, 40, 9))
    for x, y, r in crown:
        c.ellipse(x, y + 1.4, r, fill="#4c8a48")
    for x, y, r in crown:
        c.ellipse(x - 1, y - 1, r * 0.88, fill="#5f9e58")
    for x, y, r in ((36, 16, 6), (54, 12, 7), (66, 22, 6), (28, 28, 6), (48, 26, 7)):
        c.ellipse(x, y, r, r * 0.8, fill="#74b266")
    c.ellipse(50.4, 54, 1.6, 2.2, fill="#4a3220")
    for x in range(40, 62, 3):
        c.line([(x, 66), (x + (x - 50) * 0.14, 63)], "#5f9e48", 0.8)


PLANTS: tuple[Motif, ...] = (
    Motif(
        "sunflower",
        "a sunflower in bloom",
        "flower plant yellow petals summer garden van gogh seeds blossom",
        sunflower,
        "meadow",
        r"sunflowers?",
    ),
    Motif(
        "cactus",
        "a cactus garden with flowering cacti",
        "cacti succulent desert plant spines botanical garden dry arid",
        cactus,
        "desert",
        r"cact(?:us|i)",
    ),
    Motif(
        "tulips",
        "a bunch of colourful tulips",
        "flowers bouquet tulip spring bloom blossom garden plant colorful",
        tulips,
        "meadow",
        r"bouquet|tulips?",
    ),
    Motif(
        "mushroom",
        "a red toadstool with white dots in the forest",
        "mushroom fungus fungi fly agaric amanita woodland",
        mushroom,
        "wood",
        r"mushrooms?|toadstools?",
    ),
    Motif(
        "palm",
        "a palm tree on a sandy beach",
        "tropical island coconut beach holiday caribbean ocean paradise sand",
        palm,
        "sea",
        r"palms?|palm trees?|island",
    ),
    Motif(
        "oak",
        "an old oak tree in a meadow",
        "trees leaves forest nature trunk branches plant photosynthesis",
        oak,
        "meadow",
        r"oaks?|old tree|tree of \w+",
    ),
)
