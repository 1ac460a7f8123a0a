"""Animals, each a function that draws it in the frame of a motif."""

from __future__ import annotations

from llmi_sandbox.tools.drawing.canvas import Canvas, Point, mirrored
from llmi_sandbox.tools.drawing.motif import Motif

_DARK = "#1f1a1d"


def owl(c: Canvas) -> None:
    c.rect(14, 60.5, 72, 4, "#6b4a33", round_by=2)
    c.shape("86,60 92,54 95,56 89,63", "#6b4a33")
    c.shape("50,14 62,16 69,27 69,45 63,57 50,61 37,57 31,45 31,27 38,16", "#8a5f3c")
    c.polygon("34,24 33,9 44,16", "#8a5f3c")
    c.polygon("66,24 67,9 56,16", "#8a5f3c")
    c.shape("50,31 59,35 61,47 57,56 50,59 43,56 39,47 41,35", "#e9cfa3")
    for y, xs in ((40, (45, 50, 55)), (45, (43, 47.5, 52.5, 57)), (50, (45, 50, 55))):
        for x in xs:
            c.sector(x, y, 1.7, 0, 180, "#b98a57")
    wing = "31,30 27,41 31,54 37,57 39,46 37,34"
    c.shape(wing, "#6d4729")
    c.shape(mirrored(wing), "#6d4729")
    for x in (42.5, 57.5):
        c.ellipse(x, 25.5, 7.6, fill="#f1deb9")
        c.ellipse(x, 25.5, 5.4, fill="#f5b52e")
        c.ellipse(x, 25.5, 3.2, fill=_DARK)
        c.ellipse(x + 1.2, 24.2, 1.1, fill="#ffffff")
    c.polygon("47.5,29 52.5,29 50,35", "#e58a2f")
    for x in (43, 45.5, 54.5, 57):
        c.line([(x, 59), (x, 62.5)], "#e58a2f", 1.6)


def fox(c: Canvas) -> None:
    c.shape("64,60 80,58 88,46 84,33 77,30 79,42 73,51 63,53", "#d9652b")
    c.shape("77,30 84,33 87,40 81,41 78,38", "#fbf4ea")
    c.shape("42,40 58,38 69,50 70,63 36,64 36,52", "#e2722f")
    c.shape("40,46 50,44 54,54 51,64 41,64", "#fbf4ea")
    for x in (40, 49):
        c.rect(x, 54, 5, 10, "#3b2620", round_by=2)
    ear = "27,25 25,7 39,18"
    for outline, fill in ((ear, "#e2722f"), ("29,21 27.5,11.5 35,17.5", "#3b2620")):
        c.polygon(outline, fill)
        c.polygon(mirrored(outline, 42), fill)
    c.shape("42,16 56,21 61,32 53,41 42,46 31,41 23,32 28,21", "#e2722f")
    cheek = "23.5,32 31,30 38,36 42,45.5 34,43"
    c.shape(cheek, "#fbf4ea")
    c.shape(mirrored(cheek, 42), "#fbf4ea")
    for x in (35, 49):
        c.ellipse(x, 29, 1.9, 2.3, fill=_DARK)
        c.ellipse(x + 0.6, 28.2, 0.6, fill="#ffffff")
    c.ellipse(42, 42.5, 2.4, 1.8, fill=_DARK)


def cat(c: Canvas) -> None:
    c.stroke("66,60 78,62 84,54 80,44 84,38", "#7d8797", 4.2)
    c.shape("50,34 62,42 68,56 64,64 36,64 32,56 38,42", "#8e99a9")
    c.shape("50,44 56,50 56,62 50,64 44,62 44,50", "#eef1f5")
    for x in (44, 56):
        c.ellipse(x, 62.5, 4.6, 2.6, fill="#eef1f5")
    for outline, fill in (("34,24 33,8 46,16", "#8e99a9"), ("36.2,20 35.6,12.5 42.5,17", "#e8a9ac")):
        c.polygon(outline, fill)
        c.polygon(mirrored(outline), fill)
    c.shape("50,13 62,16 67,26 62,37 50,41 38,37 33,26 38,16", "#8e99a9")
    for x in (47, 50, 53):
        c.line([(x, 14.5), (50 + (x - 50) * 0.7, 20)], "#67717f", 1.1)
    for x in (43, 57):
        c.ellipse(x, 26, 3.6, 3.9, fill="#f2d35e")
        c.ellipse(x, 26, 1.3, 3.3, fill=_DARK)
        c.ellipse(x + 0.9, 24.6, 0.8, fill="#ffffff")
    c.shape("50,31 55,33 54,38 50,39 46,38 45,33", "#eef1f5")
    c.polygon("48.2,31.2 51.8,31.2 50,33.6", "#d97b84")
    c.stroke("46.5,35.5 48.3,36.7 50,35.4 51.7,36.7 53.5,35.5", "#59616e", 0.6)
    for dy in (-1, 1.2):
        for side in (-1, 1):
            c.line([(50 + side * 7, 34 + dy * 0.4), (50 + side * 18, 33 + dy * 1.8)], "#ffffffd0", 0.4)


def dog(c: Canvas) -> None:
    c.stroke("66,56 76,50 80,41", "#b07a45", 4)
    c.shape("50,36 61,42 68,56 64,64 36,64 32,56 39,42", "#c48a50")
    c.shape("50,44 57,49 56,61 50,64 44,61 43,49", "#f4e5cf")
    for x in (43.5, 56.5):
        c.ellipse(x, 62.5, 4.8, 2.6, fill="#f4e5cf")
    c.shape("50,12 61,15 65,25 62,36 50,42 38,36 35,25 39,15", "#c48a50")
    c.shape("50,12 53,22 55,33 50,41 45,33 47,22", "#f4e5cf")
    ear = "39,14 32,15 28,26 30,36 35,36 38,26"
    c.shape(ear, "#7d5230")
    c.shape(mirrored(ear), "#7d5230")
    c.ellipse(50, 34.5, 7.4, 5.6, fill="#f4e5cf")
    for x in (43, 57):
        c.ellipse(x, 25, 2.1, 2.5, fill=_DARK)
        c.ellipse(x + 0.7, 24.1, 0.7, fill="#ffffff")
    c.ellipse(50, 31.6, 2.8, 2.1, fill=_DARK)
    c.shape("48,37.5 52,37.5 52.2,41.5 50,43 47.8,41.5", "#e2737d")
    c.stroke("45.5,36 47.8,37.6 50,36 52.2,37.6 54.5,36", "#5a4030", 0.6)
    c.rect(41, 43, 18, 2.6, "#c9413f", round_by=1.3)
    c.ellipse(50, 46.6, 1.9, fill="#f2c14e")


def elephant(c: Canvas) -> None:
    c.stroke("80,34 86,41 85,50", "#7f8c99", 1.4)
    for x, tone in ((40, "#7f8c99"), (68, "#7f8c99"), (48, "#95a2ae"), (74, "#95a2ae")):
        c.rect(x, 46, 8.4, 18, tone, round_by=1.5)
        for toe in (1.8, 4.2, 6.6):
            c.sector(x + toe, 64, 1.1, 180, 360, "#e9e4d6")
    c.shape("40,24 56,19 74,22 83,34 82,50 62,54 44,52 36,42", "#95a2ae")
    c.stroke("26,34 20,44 19,54 23,60 27,58", "#8a97a4", 6)
    c.shape("38,17 47,24 47,37 38,45 28,42 23,32 28,20", "#9fabb7")
    c.shape("44,16 57,18 61,31 55,44 45,43 41,30", "#7f8c99")
    c.shape("46,20 54,21 57,31 53,39 47,38 44.5,30", "#cfa7a7")
    c.shape("27,43 31,44 24,53 20,54", "#fbf5e4")
    c.ellipse(33, 28, 1.5, fill=_DARK)
    c.ellipse(33.5, 27.5, 0.5, fill="#ffffff")


def penguin(c: Canvas) -> None:
    _penguin(c, 50, 63, 1.0, "#26313f")
    _penguin(c, 70, 64, 0.5, "#7b8896")


def _penguin(c: Canvas, x: float, foot: float, size: float, coat: str) -> None:
    def at(outline: str) -> list[Point]:
        pairs = (pair.split(",") for pair in outline.split())
        return [(x + float(a) * size, foot + float(b) * size) for a, b in pairs]

    for side in (-1, 1):
        c.ellipse(x + side * 6 * size, foot, 5.5 * size, 2 * size, fill="#f29f3d")
    c.shape(at("0,-50 10,-46 13,-35 16,-18 13,-4 0,1 -13,-4 -16,-18 -13,-35 -10,-46"), coat)
    c.shape(at("0,-33 8,-30 11,-16 8,-4 0,-1 -8,-4 -11,-16 -8,-30"), "#fbfcfd")
    c.shape(at("-12,-34 -21,-20 -19,-11 -13,-17"), coat)
    c.shape(at("12,-34 21,-20 19,-11 13,-17"), coat)
    for side in (-1, 1):
        c.ellipse(x + side * 4.8 * size, foot - 40 * size, 4.8 * size, 5.4 * size, fill="#fbfcfd")
        c.ellipse(x + side * 4 * size, foot - 40.5 * size, 1.5 * size, fill=_DARK)
        c.ellipse(x + side * 4 * size + 0.5 * size, foot - 41 * size, 0.5 * size, fill="#ffffff")
    c.polygon(at("-3.4,-37.5 3.4,-37.5 0,-32.5"), "#f29f3d")


def butterfly(c: Canvas) -> None:
    wings = (
        ("51,36 60,16 76,8 86,14 84,30 70,40", "#22223b"),
        ("51,38 68,42 80,46 79,58 66,63 56,52", "#22223b"),
        ("54,34 62,19 75,11.5 82.5,16 80.5,28 69,36.5", "#f28f2c"),
        ("54,41 67,44.5 76,48 75.5,56 66,59.5 58,51", "#f6b042"),
    )
    for outline, fill in wings:
        c.shape(outline, fill)
        c.shape(mirrored(outline), fill)
    for x, y, r in ((82.5, 17, 1.1), (83.4, 22, 1.0), (82.2, 27, 0.9), (77, 53, 0.9), (74.5, 57.5, 0.9)):
        for side in (x, 100 - x):
            c.ellipse(side, y, r, fill="#ffffff")
    for vein in ("54,34 66,25 78,15", "54,35 68,31 79,26", "55,42 64,48 72,55", "54,33 63,22 70,14"):
        c.stroke(vein, "#22223b", 0.7)
        c.stroke(mirrored(vein), "#22223b", 0.7)
    c.shape("50,26 52.3,32 52.3,48 50,58 47.7,48 47.7,32", "#1b1a2b")
    c.ellipse(50, 26, 2.4, fill="#1b1a2b")
    for side in (-1, 1):
        c.stroke([(50, 25), (50 + side * 3, 17), (50 + side * 8, 13)], "#1b1a2b", 0.7)
        c.ellipse(50 + side * 8, 13, 0.9, fill="#1b1a2b")


def clownfish(c: Canvas) -> None:
    c.shape("24,37 14,28 9,30 11,38 9,46 14,48 24,40", "#ef6c1f")
    c.shape("40,22 52,14 66,17 70,25 54,26", "#ef6c1f")
    c.shape("44,52 52,60 60,58 62,50", "#ef6c1f")
    c.shape("22,38 34,27 52,22 72,24 84,33 87,39 82,46 68,53 50,54 34,49", "#f98329")
    for band in (
        "69,23.5 75,25 77,38 73,51 67,53 70,38",
        "46,23.5 53,22.2 56,38 52,54 45,53 48,38",
        "27,33 31,30 32,38 30,46 27,43 27.6,38",
    ):
        c.shape(band, _DARK)
    for band in (
        "70.2,24.4 73.8,25.6 75.4,38 72,50.4 68.4,52 71.4,38",
        "47.2,24.4 52,23.6 54.4,38 51,52.8 46.4,52 49.4,38",
    ):
        c.shape(band, "#ffffff")
    c.shape("54,41 63,38 64,46 57,49", "#e25f14")
    c.ellipse(80, 34.5, 2.4, fill="#ffffff")
    c.ellipse(80.5, 34.5, 1.5, fill=_DARK)
    c.stroke("86,41 83.5,42.2 81,41.6", "#9c3d09", 0.6)


def whale(c: Canvas) -> None:
    c.shape("16,36 10,24 4,22 7,30 3,36 12,40", "#2f5f8f")
    c.shape("12,37 26,38 40,26 58,20 76,24 87,36 86,48 70,56 48,57 28,50", "#3a74a8")
    c.shape("42,54 56,49 74,47 86,43 85,49 70,56 54,57.4", "#dcebf3")
    for dy in (0, 2.2, 4.4):
        c.stroke([(52 + dy, 54.5 - dy * 0.2), (66, 52 - dy * 0.8), (84, 46.5 - dy * 0.5)], "#a9c6d8", 0.5)
    c.shape("54,50 60,52 54,63 46,66 48,57", "#2f5f8f")
    c.ellipse(76, 37.5, 1.6, fill=_DARK)
    c.ellipse(76.5, 37, 0.5, fill="#ffffff")
    c.stroke("86,42.5 79,43.5 72,42", "#234a70", 0.7)


ANIMALS: tuple[Motif, ...] = (
    Motif(
        "owl",
        "an owl on a branch at night",
        "bird of prey nocturnal barn tawny animal feathers wildlife",
        owl,
        "night",
        r"owls?",
    ),
    Motif(
        "fox", "a red fox in the snow", "animal vulpes wildlife winter vixen mammal forest", fox, "snow", r"fox(?:es)?"
    ),
    Motif(
        "cat",
        "a grey cat sitting",
        "animal pet kitten feline tabby domestic whiskers",
        cat,
        "studio",
        r"cats?|kittens?",
    ),
    Motif(
        "dog",
        "a brown dog with a red collar",
        "animal pet puppy canine hound domestic",
        dog,
        "meadow",
        r"dogs?|pupp(?:y|ies)",
    ),
    Motif(
        "elephant",
        "an elephant on the savanna",
        "animal african safari trunk tusks mammal wildlife",
        elephant,
        "desert",
        r"elephants?",
    ),
    Motif(
        "penguin",
        "a penguin with its chick on the ice",
        "bird antarctic antarctica polar emperor animal wildlife",
        penguin,
        "ice",
        r"penguins?",
    ),
    Motif(
        "butterfly",
        "an orange monarch butterfly",
        "insect wings animal moth metamorphosis nature pollinator",
        butterfly,
        "meadow",
        r"butterfl(?:y|ies)",
        floats=True,
    ),
    Motif(
        "clownfish",
        "a clownfish over a coral reef",
        "fish ocean animal underwater tropical marine aquarium sea nemo",
        clownfish,
        "water",
        r"fish|clownfish",
        floats=True,
    ),
    Motif(
        "whale",
        "a blue whale swimming under water",
        "animal ocean marine mammal sea cetacean",
        whale,
        "water",
        r"whales?",
        floats=True,
    ),
)
