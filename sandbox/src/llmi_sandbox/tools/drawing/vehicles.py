"""Vehicles, each a function that draws it in the frame of a motif."""

from __future__ import annotations

from llmi_sandbox.tools.drawing.canvas import Canvas, points, polar, smooth
from llmi_sandbox.tools.drawing.motif import Motif

_GLASS = "#bfe3f2"


def _wheel(c: Canvas, x: float, y: float, radius: float, rim: str = "#c9ced6", tyre: str = "#2a2c33") -> None:
    c.ellipse(x, y, radius, fill=tyre)
    c.ellipse(x, y, radius * 0.62, fill=rim)
    c.ellipse(x, y, radius * 0.22, fill=tyre)


def tram(c: Canvas) -> None:
    c.line([(0, 9), (100, 9)], "#4a4f5a", 0.4)
    c.line("50,18 44,13 50,9", "#4a4f5a", 0.8)
    c.rect(0, 66.5, 100, 0.7, "#55585f")
    c.rect(0, 69.5, 100, 0.7, "#55585f")
    c.rect(10, 17.5, 80, 4, "#b8bfc9", round_by=1.6)
    c.rect(7, 20, 86, 42, "#d23f3a", round_by=4)
    c.rect(7, 24, 86, 19, "#fbf4e4")
    c.rect(7, 55, 86, 2.4, "#fbf4e4")
    for x in (10.0, 33.5, 45.0, 68.0):
        c.rect(x, 26, 9.6, 14, _GLASS, round_by=1.2)
        c.polygon([(x + 1.5, 38), (x + 5, 28), (x + 7, 28), (x + 3.5, 38)], "#ffffff70")
    for x in (21.5, 56.5):
        c.rect(x, 25, 10, 36, "#8f2724", round_by=1)
        for dx in (0.8, 5.3):
            c.rect(x + dx, 26.4, 3.9, 26, _GLASS, round_by=0.7)
    c.rect(80, 26, 11, 16, _GLASS, round_by=1.6)
    c.rect(83, 21, 9, 3.4, "#2a2c33", round_by=0.6)
    c.text(87.5, 22.7, "12", 2.7, "#ffcf4a", bold=True)
    c.ellipse(89.5, 52, 1.7, fill="#ffe9a8")
    c.rect(9, 61, 82, 3.4, "#3a3d45", round_by=1)
    for x in (20, 30, 70, 80):
        _wheel(c, x, 64.5, 3)


def locomotive(c: Canvas) -> None:
    for x, y, r in ((29.0, 13.0, 4.0), (35, 8, 5), (43, 6, 5.6), (52, 7, 4.8), (60, 10, 4)):
        c.ellipse(x, y, r, r * 0.85, fill="#f4f4f4d8")
    c.rect(0, 67, 100, 1.1, "#5d6068")
    for sleeper in range(1, 100, 7):
        c.rect(sleeper, 68, 4, 1.8, "#7d5a3e")
    c.rect(24, 20, 7, 14, "#23262d", round_by=0.6)
    c.polygon("21.5,17 33.5,17 31.5,21 23.5,21", "#23262d")
    c.rect(42, 26, 8, 7, "#b8863b", round_by=3.2)
    c.rect(18, 32, 46, 18, "#1f5a43", round_by=3)
    c.rect(18, 34, 46, 3, "#2c7a5b", round_by=1.4)
    for x in (27.0, 38.0, 50.0):
        c.rect(x, 32, 1.6, 18, "#c9a24b")
    c.rect(15.5, 33, 4, 16, "#23262d", round_by=1.6)
    c.ellipse(17, 28.5, 2.8, fill="#ffe9a8")
    c.rect(61, 22, 24, 34, "#1f5a43", round_by=1)
    c.rect(58, 18.5, 30, 4.4, "#23262d", round_by=1.6)
    for x in (64.5, 75):
        c.rect(x, 26, 7, 10, _GLASS, round_by=0.8)
    c.rect(61, 40, 24, 1.5, "#c9a24b")
    c.rect(14, 50, 73, 6, "#a3322e", round_by=0.8)
    c.polygon("14,52 14,66 5,66 10,54", "#a3322e")
    for x in (10.6, 12.2):
        c.line([(x, 55), (x - 2.6, 66)], "#7d221f", 0.6)
    for x in (35, 50, 65):
        c.ring(x, 58.5, 8, fill="#23262d", width=1.6)
        for turn in range(0, 360, 45):
            c.line([(x, 58.5), polar((x, 58.5), 7, turn)], "#c94f42", 0.6)
        c.ellipse(x, 58.5, 1.8, fill="#23262d")
    for x in (20, 80):
        _wheel(c, x, 62.4, 4.2, "#c94f42")
    c.line("27,61 65,61", "#c9ced6", 1.6)
    c.rect(21, 57, 8, 5, "#3a3d45", round_by=0.8)


def sailing_boat(c: Canvas) -> None:
    c.rect(51, 6, 1.2, 48, "#7d5230")
    c.polygon(
        [*smooth(points("49,9 41,25 25,48"), closed=False), *smooth(points("25,48 37,50 49,49.6"), closed=False)],
        "#fffaf0",
    )
    c.polygon("53.5,9 53.5,50 82,49 70,28", "#fffaf0")
    c.polygon("53.5,36 75,37 79.3,45 53.5,45", "#d8433b")
    c.line("53.5,22 66,23", "#d9cdb8", 0.4)
    c.line("53.5,50.6 82,49.6", "#7d5230", 0.9)
    c.polygon("51.5,6 60,8 51.5,10", "#d8433b")
    c.shape("18,53 50,55.5 86,52 80,61 72,65.5 32,65.5 24,61", "#8a4b2d")
    c.shape("18,53 50,55.5 86,52 84.6,55 50,58.4 19.6,56", "#fbf4e4")
    for x in (36.0, 46.0, 56.0, 66.0):
        c.ellipse(x, 61.3, 1.2, fill="#5f3019")
    for x, y, wide in ((14.0, 66.0, 16.0), (34, 67.5, 24), (62, 66.4, 22), (80, 68, 12)):
        c.stroke([(x, y), (x + wide / 3, y - 1), (x + 2 * wide / 3, y + 0.6), (x + wide, y - 0.4)], "#ffffffc0", 0.8)


def bicycle(c: Canvas) -> None:
    for x in (28.0, 72.0):
        c.ring(x, 48, 16, fill="#2a2c33", width=1.9)
        for turn in range(0, 360, 24):
            c.line([(x, 48), polar((x, 48), 14.4, turn)], "#8a919c90", 0.25)
        c.ellipse(x, 48, 1.6, fill="#55585f")
    frame = "#1f8a8a"
    for path in ("28,48 48,48 41,27", "48,48 64,26", "41,27 64,26", "28,48 41,27", "72,48 64,26 62.4,20"):
        c.line(path, frame, 1.9)
    c.line("41,27 39.4,21", "#55585f", 1.4)
    c.shape("33,19.5 39,18.6 46,20.4 40,22.4 34,22.4", "#5b3a26")
    c.stroke("62.4,20 66,17.6 70,18.6 70.6,21.6", "#55585f", 1.3)
    c.rect(68.6, 20.6, 4.4, 2, "#5b3a26", round_by=1)
    c.ring(48, 48, 4, fill="#55585f", width=1)
    c.line("48,48 52,54.4", "#55585f", 1.1)
    c.rect(49.6, 54, 5, 1.5, "#2a2c33", round_by=0.6)
    c.rect(70, 24, 13, 9, "#c08a55", round_by=1)
    for y in (26.2, 28.6, 31):
        c.line([(70, y), (83, y)], "#8f6238", 0.4)
    for x, y, fill in ((72, 22.4, "#e4576b"), (76, 20.6, "#f6c945"), (80, 22.2, "#f28fb1"), (74.2, 21, "#ffffff")):
        c.ellipse(x, y, 1.9, fill=fill)


def balloon(c: Canvas) -> None:
    c.shape("50,4 66,9 74,23 70,38 58,50 42,50 30,38 26,23 34,9", "#e2503f")
    c.shape("50,4 60,10 64,24 60,40 54,50 46,50 40,40 36,24 40,10", "#f6c945")
    c.shape("50,4 54,12 55.5,25 53.6,41 51.4,50 48.6,50 46.4,41 44.5,25 46,12", "#2f8fa8")
    c.shape("31,13 38,9 34,22 37,38 30,31 27.6,22", "#ffffff30")
    c.rect(42.5, 49, 15, 2, "#8a2f27", round_by=0.8)
    for x0, x1 in ((43.4, 45.4), (48.2, 48.6), (51.8, 51.4), (56.6, 54.6)):
        c.line([(x0, 51), (x1, 58)], "#5b3a26", 0.4)
    c.rect(45, 58, 10, 7.6, "#a0703f", round_by=1)
    for y in (60, 62, 64):
        c.line([(45, y), (55, y)], "#7d5230", 0.4)
    c.rect(44.4, 57.4, 11.2, 1.6, "#5b3a26", round_by=0.7)


def rocket(c: Canvas) -> None:
    c.glow(50, 62, 16, "#ffb347", 0.8)
    c.shape("44,56 56,56 57,63 50,74 43,63", "#ff9d2e")
    c.shape("46.6,56 53.4,56 54,61 50,68 46,61", "#ffe28a")
    c.shape("40,36 30,50 29,60 41,53", "#c9382f")
    c.shape("60,36 70,50 71,60 59,53", "#c9382f")
    c.shape("50,3 58,14 61.5,30 59.5,48 56,56 44,56 40.5,48 38.5,30 42,14", "#f4f6fa")
    c.shape("50,3 58,14 61.5,30 59.5,48 56,56 53,56 55.5,40 55.5,22", "#d3d9e4")
    c.shape("50,3 55,8.6 58.6,16 50,18 41.4,16 45,8.6", "#c9382f")
    c.ellipse(50, 28, 5.6, fill="#8793a6")
    c.ellipse(50, 28, 4.2, fill="#7fd0ee")
    c.ellipse(48.6, 26.6, 1.3, fill="#ffffffc0")
    c.rect(40.5, 42, 19, 2.4, "#c9382f")
    c.rect(44, 55, 12, 2.6, "#4a5363", round_by=0.8)
    c.shape("50,42 52,46 52,60 50,62 48,60 48,46", "#c9382f")


def aeroplane(c: Canvas) -> None:
    c.polygon("20,36 11,18 18,17 31,34", "#2f6fb0")
    c.shape("12,36 24,31 60,29 80,31 91,38 84,43.5 62,46 28,44", "#f6f8fb")
    c.shape("12,37 28,44 62,46 84,43.5 90,40.4 60,42 28,40", "#cfd8e4")
    c.polygon("20,38 8,44 13,46 28,42", "#2f6fb0")
    c.polygon("56,31 42,15 48,14.4 68,31", "#b3c2d4")
    c.polygon("62,42 38,64 46,64.6 74,42", "#dfe6ef")
    c.polygon("62,42 38,64 41,64.2 67,42", "#9fb2c8")
    for x in (50, 59):
        c.rect(x - 3, 52 - (x - 50) * 0.9, 9, 4, "#55657a", round_by=2)
    for i in range(11):
        c.rect(32 + i * 4.2, 34.4, 1.9, 2.6, "#4a7fae", round_by=0.9)
    c.polygon("80,33.4 86,35.4 84,37 79,36.6", "#35577a")
    c.line("14,38.8 60,39.2 90,38.8", "#2f6fb0", 0.8)


def car(c: Canvas) -> None:
    c.shape("26,46 32,32 40,26.5 60,26.5 68,33 74,45", "#e0a21c")
    c.shape("31,44 36,33.5 42,29.6 48.4,29.6 48.4,44", _GLASS)
    c.shape("51,44 51,29.6 58,29.6 64.4,34 69,44", _GLASS)
    c.polygon("35,42 40,31.6 43,31.6 38,42", "#ffffff70")
    c.shape("12,52 15,46 28,43.4 72,43.4 86,47 89,54 87,60 14,60", "#f2b632")
    c.rect(12, 54.4, 77, 3, "#c98f14", round_by=1)
    c.rect(53, 47.4, 5, 1.2, "#8f650c", round_by=0.6)
    c.line("50,44 50,58", "#c98f14", 0.5)
    c.ellipse(85.4, 50, 2.4, fill="#fff3c4")
    c.rect(11.6, 48, 3, 4, "#d8433b", round_by=1)
    c.rect(9, 57, 10, 3, "#c9ced6", round_by=1.2)
    c.rect(82, 57, 10, 3, "#c9ced6", round_by=1.2)
    for x in (29, 71):
        c.sector(x, 59, 9.4, 180, 360, "#5b430b")
        _wheel(c, x, 58.6, 7.6, "#e6e9ee")


VEHICLES: tuple[Motif, ...] = (
    Motif(
        "tram",
        "a red tram on a city street",
        "streetcar trolley lisbon public transport rail commuter urban light railway",
        tram,
        "street",
        r"trams?|streetcars?",
    ),
    Motif(
        "locomotive",
        "a green steam locomotive on the rails",
        "train engine railway railroad industrial revolution coal vintage history transport",
        locomotive,
        "meadow",
        r"trains?|locomotives?|railway",
    ),
    Motif(
        "sailing_boat",
        "a sailing boat on the sea",
        "yacht ship sailboat ocean wind sails vessel regatta transport nautical",
        sailing_boat,
        "sea",
        r"sail\w*|boats?|ships?|yachts?",
    ),
    Motif(
        "bicycle",
        "a bicycle with a basket of flowers",
        "bike cycle cycling two-wheeler pedal transport ride green commuting",
        bicycle,
        "street",
        r"bicycles?|bikes?|cycling",
    ),
    Motif(
        "balloon",
        "a hot-air balloon in the sky",
        "hot air balloons flight cappadocia adventure festival aviation travel",
        balloon,
        "sky",
        r"balloons?",
        floats=True,
    ),
    Motif(
        "rocket",
        "a space rocket in flight",
        "spaceship launch nasa spacecraft astronaut mission moon apollo exploration",
        rocket,
        "space",
        r"rockets?|spaceships?|spacecraft",
        floats=True,
    ),
    Motif(
        "aeroplane",
        "a passenger aeroplane above the clouds",
        "airplane aircraft jet plane airliner flight aviation travel boeing airbus",
        aeroplane,
        "sky",
        r"aeroplanes?|airplanes?|planes?|jets?",
        floats=True,
    ),
    Motif(
        "car",
        "a yellow car on the street",
        "automobile vehicle vintage classic taxi driving motor transport electric road",
        car,
        "street",
        r"cars?|taxis?",
    ),
)
