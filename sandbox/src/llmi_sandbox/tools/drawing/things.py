"""Instruments of music and science, each a function that draws it in the frame of a motif."""

from __future__ import annotations

import math

from llmi_sandbox.tools.drawing.canvas import Canvas, mirrored, mix, points, polar
from llmi_sandbox.tools.drawing.motif import Motif


def guitar(c: Canvas) -> None:
    body = "50,30 58,31 61,36 59,41 63,46 66,54 62,63 50,66 38,63 34,54 37,46 41,41 39,36 42,31"
    c.shape(body, "#7a4a22")
    c.shape([(50 + (x - 50) * 0.93, 48.5 + (y - 48.5) * 0.94) for x, y in points(body)], "#d99a4e")
    c.ellipse(50, 45, 6.2, fill="#7a4a22")
    c.ellipse(50, 45, 5.2, fill="#2c1a0e")
    c.rect(47.6, 9, 4.8, 33, "#4a2c1a")
    for i in range(9):
        c.line([(47.6, 13 + i * 3.1), (52.4, 13 + i * 3.1)], "#d8cfc0", 0.3)
    for y in (16.0, 22.0, 28.0):
        c.ellipse(50, y + 0.1, 0.5, fill="#fbf4e4")
    c.polygon("46.4,9.4 45.8,1.5 54.2,1.5 53.6,9.4", "#7a4a22")
    for y in (3, 5.4, 7.8):
        for x in (44.4, 55.6):
            c.ellipse(x, y, 1.1, 0.9, fill="#e6e9ee")
    c.rect(43.5, 56, 13, 2.4, "#4a2c1a", round_by=0.6)
    for i in range(6):
        x = 48.3 + i * 0.68
        c.line([(x, 6), (46.6 + i * 1.36, 57)], "#f7f1e3", 0.18)


def violin(c: Canvas) -> None:
    c.line("74,10 82,62", "#6b3a1e", 1.1)
    c.line("77,10.4 84,61", "#f7f1e3", 0.5)
    c.rect(80.6, 59, 4, 3.4, "#2c1a0e", round_by=0.6)
    side = "57,29 61,33 60,38 55.6,42 55.6,46 61,50 63.4,57 59,64"
    body = [(50, 28), *points(side), (50, 66), *reversed(mirrored(side))]
    c.shape(body, "#6b2f14")
    c.shape([(50 + (x - 50) * 0.92, 47 + (y - 47) * 0.94) for x, y in body], "#b5622a")
    hole = "45.6,41 43.8,43 44.6,46.5 43.2,50 41.8,51.4"
    c.stroke(hole, "#2c1a0e", 0.7)
    c.stroke(mirrored(hole), "#2c1a0e", 0.7)
    c.polygon("48.4,8 51.6,8 52.6,43 47.4,43", "#2c1a0e")
    c.ellipse(50, 5.4, 2.4, fill="#8a4520")
    c.ellipse(50, 5.4, 1.1, fill="#5b2a12")
    for y in (8.4, 11.2):
        c.rect(45, y, 10, 1.1, "#5b2a12", round_by=0.5)
    c.polygon("46,48.6 54,48.6 53,46.6 47,46.6", "#f0d3a0")
    c.shape("48,54 52,54 52.8,62 50,64.6 47.2,62", "#2c1a0e")
    c.ellipse(45, 63, 2.6, 1.8, fill="#2c1a0e")
    for i in range(4):
        c.line([(49 + i * 0.66, 10), (48.5 + i * 1, 55)], "#f7f1e3", 0.18)


def piano(c: Canvas) -> None:
    c.shape("20,34 20,26 30,16 50,10 66,11 76,16 79,24 84,30 84,34", "#33363f")
    c.polygon("22,33 28,20 48,13 66,14 74,19 82,31 82,33", "#4a4e59")
    c.line("66,30 70,20", "#191b20", 0.9)
    c.shape("14,38 18,33 50,32 84,33 87,38 85,45 16,45", "#23252c")
    c.rect(14, 37, 73, 9, "#23252c", round_by=1.4)
    c.rect(18, 39.4, 52, 5.2, "#fbfaf4")
    for i in range(1, 21):
        c.line([(18 + i * 2.48, 39.4), (18 + i * 2.48, 44.6)], "#8f9199", 0.2)
    for i in range(20):
        if i % 7 not in (2, 6):
            c.rect(19.8 + i * 2.48, 39.4, 1.4, 3, "#191b20")
    for x in (18.0, 74.0, 80.0):
        c.polygon([(x, 46), (x + 4, 46), (x + 3, 63), (x + 1, 63)], "#23252c")
        c.ellipse(x + 2, 63.6, 1.2, fill="#c9a24b")
    c.line("48,46 48,61", "#23252c", 1.2)
    for x in (45, 48, 51):
        c.ellipse(x, 62, 1.5, 0.7, fill="#c9a24b")
    c.polygon("34,38 37,29 57,29 60,38", "#5b3a26")
    for x in (38.5, 48):
        c.polygon([(x, 36.4), (x + 1, 30), (x + 8, 30), (x + 8.6, 36.4)], "#fbfaf4")
        for line in (31.6, 33, 34.4):
            c.line([(x + 1.6, line), (x + 7.4, line)], "#8f9199", 0.2)


def drum(c: Canvas) -> None:
    c.line("20,14 46,30", "#c98743", 1.6)
    c.line("82,12 56,30", "#c98743", 1.6)
    c.ellipse(46, 30, 1.9, fill="#e2a960")
    c.ellipse(56, 30, 1.9, fill="#e2a960")
    c.ellipse(50, 58, 28, 7, fill="#8f2724")
    c.rect(22, 34, 56, 24, "#c9382f")
    c.polygon("68,34 78,34 78,58 68,62", "#a82c26")
    low = [(22 + i * 9.33, 58 + 6 * math.sqrt(max(0.0, 1 - ((22 + i * 9.33 - 50) / 28) ** 2))) for i in range(7)]
    for i in range(6):
        high_x = 22 + (i + 0.5) * 9.33
        high_y = 36 + 6 * math.sqrt(max(0.0, 1 - ((high_x - 50) / 28) ** 2))
        c.line([low[i], (high_x, high_y)], "#fbf4e4", 0.8)
        c.line([(high_x, high_y), low[i + 1]], "#fbf4e4", 0.8)
    c.arc(50, 58, 28, 7, 0, 180, "#f2c14e", 2.4)
    c.ellipse(50, 34, 28.6, 7.8, fill="#f2c14e")
    c.ellipse(50, 33.4, 26.4, 6.4, fill="#fbf7ee")


def telescope(c: Canvas) -> None:
    for foot in ((36, 64), (50, 66), (64, 64)):
        c.line([(50, 40), foot], "#7d5a3e", 1.9)
    c.line("42,54 58,54", "#7d5a3e", 0.8)
    c.ellipse(50, 39, 3.4, fill="#c9a24b")
    tube = [(27.5, 47.5), (70, 19.2), (74.8, 26.6), (31, 52.8)]
    c.polygon(tube, "#e8edf5")
    c.polygon([(29.3, 50.2), (72.4, 23), (74.8, 26.6), (31, 52.8)], "#b7c3d6")
    for start in (0.2, 0.55, 0.93):
        near = _between(tube[0], tube[1], start), _between(tube[3], tube[2], start)
        far = _between(tube[0], tube[1], start + 0.05), _between(tube[3], tube[2], start + 0.05)
        c.polygon([near[0], far[0], far[1], near[1]], "#3f6fb0")
    c.polygon("69.4,17 73.6,14.4 80,24.2 75.8,27", "#3f6fb0")
    c.ellipse(76.9, 19.4, 1.6, 5.6, fill="#26467a")
    c.polygon("22.6,50.4 27,47.6 30.6,53 26.2,56", "#3a4454")
    c.polygon("40,33.4 56,23 57.4,25.2 41.4,35.6", "#3a4454")
    for x, y in ((86, 8), (90, 16), (80, 6)):
        for turn in range(0, 360, 90):
            c.line([(x, y), polar((x, y), 1.7, turn)], "#fff3b0", 0.4)


def microscope(c: Canvas) -> None:
    c.rect(28, 59, 44, 5, "#3a4454", round_by=2)
    c.stroke("60,60 68,50 67,36 58,26", "#3a4454", 5)
    c.rect(34, 47.5, 28, 3, "#55657a", round_by=1)
    c.rect(40, 46.2, 15, 1.3, "#a8dcec")
    c.rect(45, 46, 5, 1.4, "#e4576b", round_by=0.5)
    c.rect(46, 51, 4, 6, "#c9ced6")
    c.ellipse(48, 57.6, 6, 1.8, fill="#ffe9a8")
    c.rect(44.5, 16, 9, 22, "#e8edf5", round_by=1.4)
    c.rect(50, 16, 3.5, 22, "#c3cddb", round_by=1.2)
    c.rect(45.6, 7.5, 6.8, 9.5, "#3a4454", round_by=1.2)
    c.rect(44.6, 6, 8.8, 2.6, "#55657a", round_by=1)
    c.rect(43, 22, 12, 3.4, "#2f8fa8", round_by=1)
    c.polygon("45,38 53,38 51.6,41 46.4,41", "#55657a")
    c.rect(46.9, 40.6, 4.2, 4.6, "#c9a24b", round_by=0.6)
    for y, r in ((42, 3.6), (52, 2.6)):
        c.ellipse(67.4, y, r, fill="#55657a")
        c.ellipse(67.4, y, r * 0.5, fill="#8793a6")


def globe(c: Canvas) -> None:
    c.stroke("36,9 22,24 22,42 34,55 50,58 64,55", "#b8863b", 2.2)
    c.rect(48, 57, 4, 5, "#b8863b")
    c.ellipse(50, 63, 15, 3, fill="#8a5a2b")
    c.ellipse(50, 62, 15, 2.6, fill="#b8863b")
    c.ellipse(50, 32, 22, fill="#4aa3d0")
    for land in (
        "38,17 46,13 50,17 46,22 42,27 36,29 32,26",
        "42,31 48,32 51,37 48,44 44,50 41,42 39,36",
        "56,16 63,17 69,24 66,29 59,27 54,23",
        "56,29 64,30 68,35 63,44 58,42 55,35",
    ):
        c.shape(land, "#7cb862")
    c.sector(50, 32, 22, -50, 60, "#ffffff14")
    c.ring(50, 32, 22, fill="#ffffff38", width=0.5)
    c.ring(50, 32, 11, 22, fill="#ffffff38", width=0.4)
    c.line("28,32 72,32", "#ffffff50", 0.4)
    for y, half in ((21, 19), (43, 19)):
        c.line([(50 - half, y), (50 + half, y)], "#ffffff38", 0.4)
    c.ellipse(42, 21, 5, 3.4, fill="#ffffff40")


def books(c: Canvas) -> None:
    stack = (
        (24, 55, 52, 9, "#c9382f"),
        (27, 46.5, 48, 8.5, "#2f6fb0"),
        (22, 38.5, 50, 8, "#3f8a5b"),
        (29, 31, 42, 7.5, "#e0a21c"),
    )
    for x, y, wide, tall, colour in stack:
        c.rect(x, y, wide, tall, colour, round_by=1.4)
        c.rect(x + wide * 0.14, y + 1.5, wide * 0.86 + 0.2, tall - 3, "#fbf4e4")
        for i in range(3):
            c.line(
                [(x + wide * 0.16, y + 2.6 + i * (tall - 5) / 2), (x + wide, y + 2.6 + i * (tall - 5) / 2)],
                "#ddd2bb",
                0.25,
            )
        c.rect(x + 2, y, 1.2, tall, mix(colour, "#ffffff", 0.4))
    c.polygon("27,10 73,10 73,30.6 50,31.6 27,30.6", "#8a4b2d")
    c.shape("50,30 40,26.6 29,28.6 29,10 40,7.6 50,12", "#fbf4e4")
    c.shape("50,30 60,26.6 71,28.6 71,10 60,7.6 50,12", "#f3e8d2")
    c.line("50,12 50,30", "#c8b78f", 0.6)
    for i in range(5):
        y = 13 + i * 2.6
        c.line([(33.4, y), (46.6, y + 1.4)], "#a99f8a", 0.5)
        c.line([(53.4, y + 1.4), (66.6, y)], "#a99f8a", 0.5)


def solar_system(c: Canvas) -> None:
    sun = (6, 38)
    c.glow(*sun, 32, "#ffb347", 0.9)
    c.ellipse(*sun, 13, fill="#ffc93c")
    planets = (
        (20, -50, 1.3, "#b9a58c"),
        (28, 34, 2.1, "#e8b45f"),
        (38, -24, 2.6, "#4f9be0"),
        (47, 26, 1.9, "#d9603b"),
        (62, -14, 5.8, "#d9a679"),
        (81, 15, 4.4, "#e6cf93"),
    )
    for away, turn, size, colour in planets:
        c.ring(*sun, away, away * 0.8, fill="#ffffff38", width=0.25)
        x, y = sun[0] + away * math.cos(math.radians(turn)), sun[1] + away * 0.8 * math.sin(math.radians(turn))
        if away == 81:
            c.ring(x, y, size * 1.9, size * 0.55, fill="#cdb57c", width=0.9)
        c.ellipse(x, y, size, fill=colour)
        if away == 38:
            c.shape([(x - 1.6, y - 1), (x, y - 1.6), (x + 0.8, y), (x - 0.6, y + 1.4)], "#6fbf73")
            c.ellipse(x + 4, y - 1.6, 0.7, fill="#d8d8d8")
        if away == 62:
            for dy in (-2.4, 0.4, 3):
                half = math.sqrt(size * size - dy * dy) - 0.6
                c.line([(x - half, y + dy), (x + half, y + dy)], "#b8794d", 0.9)
        if away == 81:
            c.arc(x, y, size * 1.9, size * 0.55, 0, 180, "#cdb57c", 0.9)


def _between(start: tuple[float, float], end: tuple[float, float], share: float) -> tuple[float, float]:
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share


THINGS: tuple[Motif, ...] = (
    Motif(
        "guitar",
        "an acoustic guitar",
        "music instrument strings flamenco folk song musician classical",
        guitar,
        "stage",
        r"guitars?",
    ),
    Motif(
        "violin",
        "a violin with its bow",
        "music instrument strings orchestra fiddle classical concert viola",
        violin,
        "stage",
        r"violins?|fiddle",
    ),
    Motif(
        "piano",
        "a grand piano",
        "music instrument keyboard keys concert classical chopin pianist",
        piano,
        "studio",
        r"pianos?",
    ),
    Motif(
        "drum",
        "a red drum with two sticks",
        "music instrument percussion beat rhythm snare drummer",
        drum,
        "stage",
        r"drums?",
    ),
    Motif(
        "telescope",
        "a telescope under the night sky",
        "astronomy stars observatory galileo stargazing space science observe optical",
        telescope,
        "night",
        r"telescopes?",
    ),
    Motif(
        "microscope",
        "a laboratory microscope",
        "science biology lab cells research scientist magnify laboratory medical",
        microscope,
        "studio",
        r"microscopes?",
    ),
    Motif(
        "globe",
        "a globe of the Earth on a stand",
        "world map geography planet continents school atlas countries earth",
        globe,
        "table",
        r"globes?",
    ),
    Motif(
        "books",
        "a stack of books",
        "reading library literature book study education school novel learning",
        books,
        "table",
        r"books?|library",
    ),
    Motif(
        "solar_system",
        "the planets of the solar system around the Sun",
        "astronomy space saturn jupiter mars earth orbit planet venus mercury",
        solar_system,
        "space",
    ),
)
