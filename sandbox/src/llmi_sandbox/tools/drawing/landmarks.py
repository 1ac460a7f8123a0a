"""Landmarks and landscapes, each a function that draws it in the frame of a motif."""

from __future__ import annotations

import math

from llmi_sandbox.tools.drawing.backdrops import pine
from llmi_sandbox.tools.drawing.canvas import Canvas, mirrored, mix, polar, turned
from llmi_sandbox.tools.drawing.motif import Motif


def lighthouse(c: Canvas) -> None:
    c.shape("40,64 44,60 55,58 67,60 71,64", "#7a6a58")
    c.polygon("50,22 60,22 63.5,62 46.5,62", "#fbf7f0")
    for y in (26.0, 38.0, 50.0):
        left, right = 50 - (y - 22) * 0.0875, 60 + (y - 22) * 0.0875
        c.polygon([(left, y), (right, y), (right + 0.55, y + 6.2), (left - 0.55, y + 6.2)], "#d8433b")
    c.polygon("57,22 60,22 63.5,62 59,62", "#00000018")
    c.rect(47.5, 20.5, 15, 2, "#3a4454", round_by=0.6)
    c.rect(51, 13, 8, 7.6, "#ffe48a")
    for x in (51, 54.7, 58.4):
        c.rect(x, 13, 0.7, 7.6, "#3a4454")
    c.polygon("49.5,13 55,7 60.5,13", "#d8433b")
    c.ellipse(55, 6.6, 0.9, fill="#3a4454")
    c.rect(53, 55.5, 4, 6.5, "#6b4a33", round_by=1)
    for y in (33.5, 45.5):
        c.rect(54, y, 2, 3, "#3a4454", round_by=0.8)


def bridge(c: Canvas) -> None:
    red, dark = "#c8442f", "#9c3122"
    c.shape("-4,56 4,47 14,45 22,50 26,57", "#6f8f63")
    c.shape("76,57 84,48 93,44 104,48 104,58", "#6f8f63")
    for x in (26, 74):
        for side in (-2.6, 1.0):
            c.rect(x + side, 10, 1.9, 50, red if side > 0 else dark)
        for y in (13, 22, 31, 40):
            c.rect(x - 2.6, y, 5.5, 1.6, red)
        c.rect(x - 4, 57, 8.3, 4, "#8d8f96", round_by=0.8)
    for start, end, low in ((26, 74, 40), (-22, 26, 44), (74, 122, 44)):
        cable = []
        for i in range(25):
            t = i / 24
            cable.append((start + (end - start) * t, 11 + (low - 11) * 4 * t * (1 - t)))
        c.line(cable, red, 0.9)
        for at, top in cable[1:-1]:
            c.line([(at, top), (at, 46)], "#c8442fb0", 0.3)
    c.rect(-2, 45.5, 104, 2.6, dark)
    c.rect(-2, 45, 104, 1, red)
    for x, colour in ((12, "#f2c14e"), (40, "#ffffff"), (55, "#3a74a8"), (88, "#ffffff")):
        c.rect(x, 43.4, 3.4, 1.7, colour, round_by=0.6)


def castle(c: Canvas) -> None:
    stone, dark, roof = "#cfc6b4", "#b0a692", "#a2423d"
    c.shape("14,66 24,60 40,58 60,58 78,60 88,66", "#6f9e57")
    c.rect(30, 34, 40, 28, stone)
    for x in range(30, 70, 5):
        c.rect(x, 31.5, 3, 3, stone)
    for x, top, wide in ((22, 26, 11), (67, 26, 11), (44, 23, 12)):
        c.rect(x, top, wide, 62 - top, mix(stone, "#ffffff", 0.2))
        c.rect(x + wide * 0.68, top, wide * 0.32, 62 - top, dark)
        c.polygon([(x - 1.5, top), (x + wide / 2, top - 14), (x + wide + 1.5, top)], roof)
        c.polygon([(x + wide / 2, top), (x + wide / 2, top - 14), (x + wide + 1.5, top)], "#86332f")
        c.line([(x + wide / 2, top - 14), (x + wide / 2, top - 18)], "#5b4a3c", 0.5)
        c.polygon([(x + wide / 2, top - 18), (x + wide / 2 + 5, top - 16.6), (x + wide / 2, top - 15.2)], "#f2c14e")
        c.rect(x + wide / 2 - 1.1, top + 5, 2.2, 4.4, "#4b4038", round_by=1.1)
        c.rect(x + wide / 2 - 1.1, top + 14, 2.2, 4.4, "#4b4038", round_by=1.1)
    c.rect(44.5, 48, 11, 14, "#5b3d28", round_by=5)
    c.rect(44.5, 54, 11, 8, "#5b3d28")
    for x in (47, 50, 53):
        c.line([(x, 49.5), (x, 62)], "#3f2a1b", 0.4)
    for x, y in ((34, 40), (38, 52), (60, 42), (63, 54), (36, 46), (59, 50)):
        c.rect(x, y, 3, 1.4, dark, round_by=0.4)


def windmill(c: Canvas) -> None:
    c.polygon("43,28 57,28 62,62 38,62", "#efe4d0")
    c.polygon("51,28 57,28 62,62 53,62", "#d9c9ad")
    c.shape("42,29 44,21 50,18 56,21 58,29", "#7d4a35")
    c.rect(37, 46, 26, 1.6, "#7d4a35", round_by=0.6)
    c.rect(46.5, 53, 7, 9, "#4f7b5f", round_by=1)
    for x, y in ((47, 34), (53, 40)):
        c.rect(x - 1.6, y - 2, 3.2, 4, "#5f87a5", round_by=0.5)
    hub = (50, 25)
    for turn in (22, 112, 202, 292):
        c.line([hub, polar(hub, 24, turn)], "#6b4a33", 0.9)
        sail = turned([(54, 25.4), (73.5, 25.4), (73.5, 31), (54, 31)], hub, turn)
        c.polygon(sail, "#fffaf0")
        for across in (58, 62, 66, 70):
            c.line(turned([(across, 25.4), (across, 31)], hub, turn), "#b08f6a", 0.35)
        c.line(turned([(54, 28.2), (73.5, 28.2)], hub, turn), "#b08f6a", 0.35)
        c.line([*sail, sail[0]], "#8a6748", 0.5)
    c.ellipse(*hub, 1.9, fill="#4a3325")
    for x, colour in zip(range(8, 96, 4), ("#e4576b", "#f5b841", "#f28fb1") * 8, strict=False):
        if not 36 < x < 62:
            c.ellipse(x, 64 + (x % 3), 1, 1.3, fill=colour)
            c.line([(x, 65 + (x % 3)), (x, 67.5 + (x % 3))], "#3f7d43", 0.4)


def volcano(c: Canvas) -> None:
    for x, y, r, tone in ((47, 14, 6, 0.5), (55, 9, 7.5, 0.35), (42, 6, 6, 0.25), (63, 4, 7, 0.15), (51, 1, 7, 0.3)):
        c.ellipse(x, y, r, r * 0.8, fill=mix("#4e4a55", "#d8c9c6", tone))
    c.glow(50, 21, 15, "#ff8c3a", 0.9)
    c.polygon("2,64 34,28 43,21 57,21 66,28 98,64", "#5a4a4c")
    c.polygon("57,21 66,28 98,64 60,64 52,40", "#47393d")
    c.ellipse(50, 21.4, 7.4, 1.9, fill="#ffb347")
    for flow in (
        "45,21 43,32 46,40 40,52 41,64 46,64 46,54 51,42 48,32 51,21",
        "52,21 56,30 54,36 61,48 66,58 69,57 64,46 59,35 60,28 56,21",
    ):
        c.shape(flow, "#f2542d")
    for flow in ("47,22 45.5,32 48,40 43,52 44,60", "54,22 57,30 57,37 63,49"):
        c.stroke(flow, "#ffc145", 1.1)
    for turn, reach in ((-150, 13), (-125, 17), (-100, 15), (-72, 18), (-48, 15), (-28, 12)):
        c.stroke([(50, 21), polar((50, 19), reach * 0.6, turn), polar((50, 21), reach, turn)], "#ff9d3c", 0.8)
        c.ellipse(*polar((50, 21), reach, turn), 0.9, fill="#ffd166")


def pyramids(c: Canvas) -> None:
    for x, base, size in ((78, 60, 20), (18, 61, 15), (48, 64, 33)):
        top = base - size * 1.15
        c.polygon([(x - size, base), (x, top), (x + size, base)], "#e8c37e")
        c.polygon([(x, top), (x + size, base), (x + size * 0.32, base)], "#c2924e")
        for i in range(1, 8):
            y = top + (base - top) * i / 8
            reach = size * i / 8
            c.line([(x - reach, y), (x + reach * 0.32, y)], "#c9a25f70", 0.35)
    c.rect(86, 60.6, 0.9, 5, "#7d5230")
    for turn in (200, 235, 270, 305, 340):
        tip = polar((86.4, 61), 5, turn)
        c.stroke([(86.4, 61), (0.5 * (86.4 + tip[0]), tip[1] - 0.6), tip], "#4f8a45", 1)


def tower(c: Canvas) -> None:
    iron, light = "#6d5240", "#8a6a52"
    left = [(50 - 2.2, 18), (46.6, 30), (43, 44), (38, 56), (31, 64)]
    inner = [(38.5, 64), (43, 57), (46.8, 45), (49, 30), (50, 18)]
    c.polygon([*left, *inner], iron)
    c.polygon(mirrored([*left, *inner]), light)
    for y0, y1, w0, w1 in ((20, 25, 2, 2.5), (25, 30.5, 2.5, 3.1), (34, 39, 4, 5.2), (39, 44, 5.2, 6.6)):
        c.line([(50 - w0, y0), (50 + w1, y1)], iron, 0.5)
        c.line([(50 + w0, y0), (50 - w1, y1)], iron, 0.5)
    c.polygon("44.6,31 55.4,31 56,34 44,34", iron)
    c.polygon("41,44.6 59,44.6 59.8,48 40.2,48", iron)
    c.rect(47.4, 15.4, 5.2, 2.8, iron, round_by=0.5)
    c.line([(50, 16), (50, 5)], iron, 0.9)
    c.arc(50, 64.5, 11, 11, 198, 342, iron, 1.5)
    for x in range(42, 60, 3):
        c.line([(x, 45.2), (x, 47.4)], "#d8c3a8", 0.4)
    for x in (30, 62):
        c.rect(x - 0.5, 62.5, 9.5, 2, "#b8a88f", round_by=0.5)


def market(c: Canvas) -> None:
    c.rect(16, 26, 2, 38, "#6b4a33")
    c.rect(82, 26, 2, 38, "#6b4a33")
    c.rect(18, 30, 64, 16, "#5b4334b0")
    for i in range(9):
        x = 12 + i * 8.45
        fill = "#d8433b" if i % 2 == 0 else "#fbf4ea"
        c.polygon(
            [(x + 2.4 * (4 - i) * 0.18, 16), (x + 8.45 + 2.4 * (3 - i) * 0.18, 16), (x + 8.45, 29), (x, 29)], fill
        )
        c.sector(x + 4.22, 29, 4.22, 0, 180, fill)
    c.rect(17, 45, 66, 3, "#a0703f", round_by=0.6)
    crates = ((19, "#d8433b"), (32, "#f29f3d"), (45, "#6fae4e"), (58, "#8a4f9e"), (71, "#f2cf45"))
    for x, colour in crates:
        for row, count in ((0, 4), (1, 3)):
            for i in range(count):
                c.ellipse(
                    x + 1.6 + i * 2.6 + row * 1.3,
                    44 - row * 2.1,
                    1.5,
                    fill=mix(colour, "#ffffff", 0.16 * ((i + row) % 2)),
                )
        c.rect(x - 0.5, 44.4, 11.5, 4.4, "#c08a55", round_by=0.4)
        c.line([(x - 0.5, 46.6), (x + 11, 46.6)], "#8f6238", 0.4)
    c.rect(18, 48.5, 64, 15.5, "#8f6238")
    for x in range(18, 82, 8):
        c.rect(x, 48.5, 0.5, 15.5, "#6b4a33")
    c.ellipse(50, 35, 3.4, fill="#e7b58f")
    c.shape("46.4,34 47,30.5 50,29.8 53,30.5 53.6,34 50,32.6", "#5b3d28")
    c.rect(45, 38.4, 10, 6, "#3f7d6b", round_by=2)
    c.rect(62, 31, 10, 6.5, "#2f3b36", round_by=0.5)
    c.text(67, 34.2, "fresh", 2.9, "#f6f1e1")


def lake(c: Canvas) -> None:
    for x, top, base, reach in ((28, 14, 50, 32), (72, 9, 50, 36), (50, 22, 50, 24)):
        c.polygon([(x - reach, base), (x, top), (x + reach, base)], "#7f95ac")
        c.polygon([(x, top), (x + reach, base), (x + 4, base)], "#62788f")
        cap = (base - top) * 0.3
        snow = [
            (x, top),
            (x + cap * 0.9, top + cap),
            (x + cap * 0.35, top + cap * 0.75),
            (x, top + cap * 1.15),
            (x - cap * 0.4, top + cap * 0.7),
            (x - cap * 0.9, top + cap),
        ]
        c.polygon(snow, "#ffffff")
    for i in range(18):
        pine(c, 2 + i * 5.7, 51 + (i % 3) * 0.7, 7 + (i * 7 % 5), "#356b55" if i % 2 else "#2b5a49")
    c.gradient("#6db4cf", "#2a6f93", 50.5, 75)
    for x in (28, 72):
        c.polygon([(x - 14, 51), (x, 64), (x + 14, 51)], "#ffffff22")
    for x, y in ((10, 55), (40, 57), (62, 54), (80, 60), (24, 62), (54, 64)):
        c.line([(x, y), (x + 9, y)], "#ffffff60", 0.4)
    c.land("-5,68 20,64.5 45,68 75,66 105,70", "#6c9f57")
    c.rect(56, 59, 2, 9, "#6b4a33")
    c.polygon("46,61.5 74,61.5 78,64 44,64", "#a0703f")
    c.rect(72, 62, 2, 6, "#6b4a33")


def skyline(c: Canvas) -> None:
    rows = (
        ("#8fa6c4", 46, ((2, 24), (14, 34), (25, 20), (38, 38), (52, 28), (64, 40), (78, 26), (89, 33))),
        ("#5b7aa3", 56, ((-2, 26), (9, 18), (20, 36), (33, 22), (46, 44), (58, 26), (70, 34), (84, 40), (94, 22))),
    )
    for fill, base, towers in rows:
        for i, (x, tall) in enumerate(towers):
            tone = mix(fill, ("#d98f76", "#ffffff", "#2f4a73")[i % 3], 0.18)
            c.rect(x, base + 8 - tall, 10.5, tall, tone)
            if i % 3 == 1:
                c.polygon([(x, base + 8 - tall), (x + 5.2, base + 2 - tall), (x + 10.5, base + 8 - tall)], tone)
            if i % 3 == 2:
                c.line([(x + 5, base + 8 - tall), (x + 5, base + 1 - tall)], tone, 0.6)
            for row in range(int(tall / 3.4) - 1):
                for column in range(4):
                    lit = (row * 3 + column * 5 + i) % 4
                    c.rect(
                        x + 1.2 + column * 2.3,
                        base + 10 - tall + row * 3.4,
                        1.3,
                        1.8,
                        "#ffe9a8" if lit else mix(tone, "#ffffff", 0.35),
                    )
    c.rect(-1, 61, 102, 3.5, "#5f6b7d")
    c.gradient("#6f9fc4", "#3f6f9c", 64, 75)
    for x, y in ((6, 67), (28, 70), (50, 67), (70, 71), (86, 68)):
        c.line([(x, y), (x + 9, y)], "#ffe9a890", 0.5)


def cabin(c: Canvas) -> None:
    c.rect(60, 20, 6, 14, "#8d6e63")
    for x, y, r in ((63, 15, 2.2), (65.5, 10.5, 2.8), (63.5, 5, 3.4)):
        c.ellipse(x, y, r, fill="#ffffffb8")
    c.rect(28, 38, 44, 26, "#8a5a3c")
    for y in (42, 46, 50, 54, 58, 62):
        c.line([(28, y), (72, y)], "#6d4429", 0.5)
    c.polygon("22,40 50,17 78,40 73,42 50,23 27,42", "#6d4429")
    c.polygon("29,39 50,21.6 71,39", "#9c6a48")
    c.shape("21,39 34,27 50,14.5 66,27 79,39 76,40.5 50,19.5 24,40.5", "#fbfdff")
    c.rect(45.5, 48, 9, 16, "#5b3a26", round_by=0.6)
    c.ellipse(52.6, 56.5, 0.7, fill="#f2c14e")
    for x in (32, 60):
        c.rect(x, 46, 9, 9, "#ffdf8a", round_by=0.5)
        c.rect(x + 4.1, 46, 0.8, 9, "#5b3a26")
        c.rect(x, 50.1, 9, 0.8, "#5b3a26")
        c.rect(x - 0.6, 54.6, 10.2, 1.4, "#fbfdff", round_by=0.6)
    c.ellipse(50, 32, 2.8, fill="#ffdf8a")
    c.shape("20,66 30,62 45,65 60,62 80,66 60,68 40,68", "#ffffff")


def waterfall(c: Canvas) -> None:
    c.shape("-6,70 -4,20 10,12 30,14 40,18 42,72", "#6b6f66")
    c.shape("58,72 60,18 70,13 90,11 105,19 106,70", "#62665e")
    for x, y in ((4.0, 30.0), (16, 24), (28, 34), (12, 46), (30, 52), (68, 26), (84, 24), (94, 38), (74, 44), (88, 54)):
        c.shape([(x, y), (x + 6, y - 1), (x + 7, y + 3), (x + 1, y + 4)], "#7d8178")
    c.shape("-6,22 4,10 22,9 40,14 41,19 24,17 8,19", "#6fa05a")
    c.shape("59,18 72,9 92,7 106,14 106,22 88,16 70,18", "#6fa05a")
    c.polygon("39,16 61,16 63,62 37,62", "#cfeaf5")
    for i in range(9):
        left = 40.5 + i * 2.4
        c.stroke(
            [(left, 16 + i % 3), (left + math.sin(i) * 0.6, 38), (left + (i - 4) * 0.25, 60)],
            "#ffffff" if i % 2 else "#9fd0e6",
            0.7,
        )
    c.gradient("#5fb0cb", "#2b7698", 61, 75)
    for x, y, r in ((38.0, 62.0, 4.5), (45, 63, 5), (52, 63.4, 5), (59, 62.4, 4.6), (64, 63, 3), (34, 63, 3)):
        c.ellipse(x, y, r, r * 0.62, fill="#ffffffd8")


LANDMARKS: tuple[Motif, ...] = (
    Motif(
        "lighthouse",
        "a red and white lighthouse on a cliff by the sea",
        "beacon tower coast ocean harbour ship navigation maritime building",
        lighthouse,
        "coast",
        r"lighthouses?",
    ),
    Motif(
        "bridge",
        "a red suspension bridge over the bay",
        "golden gate san francisco cable crossing river landmark engineering architecture",
        bridge,
        "sea",
        r"bridges?",
    ),
    Motif(
        "castle",
        "a medieval castle on a hill",
        "fortress palace knight towers stronghold history middle ages architecture",
        castle,
        "meadow",
        r"castles?|fortress|palace",
    ),
    Motif(
        "windmill",
        "a Dutch windmill among tulips",
        "netherlands holland mill sails kinderdijk flour grain landmark",
        windmill,
        "meadow",
        r"windmills?",
    ),
    Motif(
        "volcano",
        "an erupting volcano with lava",
        "eruption crater magma etna vesuvius geology mountain ash",
        volcano,
        "meadow",
        r"volcano(?:es)?",
    ),
    Motif(
        "pyramids",
        "the pyramids in the desert",
        "egypt giza egyptian pharaoh ancient tomb monument wonder cairo",
        pyramids,
        "desert",
        r"pyramids?",
    ),
    Motif(
        "tower",
        "the Eiffel Tower in Paris",
        "france iron landmark monument architecture lattice",
        tower,
        "meadow",
        r"eiffel tower|towers?",
    ),
    Motif(
        "market",
        "a market stall with fruit and vegetables",
        "farmers bazaar street vendor grocery produce shop food stand",
        market,
        "street",
        r"markets?|stalls?|bazaar",
    ),
    Motif(
        "lake",
        "a mountain lake with a wooden pier",
        "alps alpine peaks nature landscape water snow reflection hiking",
        lake,
        "sky",
    ),
    Motif(
        "skyline",
        "a city skyline by the river",
        "skyscrapers downtown buildings urban new york manhattan metropolis architecture",
        skyline,
        "sky",
    ),
    Motif(
        "cabin",
        "a log cabin in the snow",
        "cottage house hut winter chalet home wooden cosy",
        cabin,
        "snow",
        r"cabins?|cottages?|houses?|huts?|chalets?",
    ),
    Motif(
        "waterfall",
        "a waterfall between mossy cliffs",
        "cascade river rapids niagara iceland nature gorge",
        waterfall,
        "sky",
    ),
)
