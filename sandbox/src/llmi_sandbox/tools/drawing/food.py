"""Food and drink, each a function that draws it in the frame of a motif."""

from __future__ import annotations

from llmi_sandbox.tools.drawing.canvas import Canvas, mix, polar, turned
from llmi_sandbox.tools.drawing.motif import Motif


def apple(c: Canvas) -> None:
    c.stroke("50,27 51,18 55,12", "#6b4a33", 2)
    c.shape("54,18 62,9 74,9 70,18 60,21", "#6fae4e")
    c.stroke("55,18.4 62,14.6 71,10.6", "#4f8a45", 0.6)
    c.shape("50,25 58,20 70,22 77,33 75,48 66,61 57,65 50,63 43,65 34,61 25,48 23,33 30,22 42,20", "#d8363a")
    c.shape("50,63 57,65 66,61 75,48 77,33 72,24 71,40 62,54", "#b3272d")
    c.shape("31,28 37,25 36,33 31,43 28,38", "#ffffff58")
    c.shape("43,23.4 50,27 57,23.4 50,25.6", "#8f1d23")


def bread(c: Canvas) -> None:
    c.rect(12, 60, 76, 5, "#9a6a41", round_by=2)
    c.shape("16,48 22,34 40,27 62,27 80,34 86,48 82,59 60,61 38,61 20,59", "#c98743")
    c.shape("20,46 26,36 42,30.4 60,30.4 76,36 80,44 60,36.5 40,36.5", "#e2a960")
    for x in (30, 43, 56, 69):
        c.shape([(x, 52), (x + 1, 42), (x + 6, 33), (x + 8, 34), (x + 4.4, 43), (x + 3, 52)], "#f4d9a3")
    for x, lean in ((84, 14), (89, 24), (79, 6)):
        foot = (78, 62)
        tip = (x + lean * 0.2, 26 + lean * 0.3)
        c.stroke([foot, ((foot[0] + tip[0]) / 2 + 1, 46), tip], "#cda349", 0.8)
        for i in range(6):
            y = tip[1] + i * 2.6
            for side in (-1.5, 1.5):
                c.ellipse(tip[0] + side - i * 0.35, y, 1.2, 1.7, fill="#e3bd62")


def pizza(c: Canvas) -> None:
    c.ellipse(50, 43, 33, 25, fill="#f6f1e8")
    c.ellipse(50, 42, 31, 23, fill="#c98743")
    c.ellipse(50, 41.6, 28, 20.4, fill="#d94a2e")
    c.ellipse(50, 41.4, 26.6, 19.2, fill="#f6cf6a")
    for x, y in ((40, 33), (58, 31), (66, 41), (35, 44), (50, 42), (60, 51), (44, 53)):
        c.ellipse(x, y, 4.3, 3.2, fill="#b9322c")
        c.ellipse(x - 0.6, y - 0.5, 3.3, 2.3, fill="#d14a3e")
    for x, y, turn in (
        (47, 35, 20),
        (55, 37, 70),
        (41, 47, -30),
        (55, 46, 10),
        (68, 47, 60),
        (33, 38, 40),
        (50, 55, 0),
    ):
        leaf = turned([(x - 2.4, y), (x, y - 1), (x + 2.4, y), (x, y + 1)], (x, y), turn)
        c.shape(leaf, "#3f8a45")
    for x, y in ((45, 29), (63, 35), (38, 39), (57, 55), (67, 51), (46, 46)):
        c.ellipse(x, y, 1, 0.8, fill="#2a2c33")
    for turn in (-35, 25, 90, 150, 210, 270):
        edge = polar((0, 0), 1, turn)
        c.line([(50, 41.4), (50 + edge[0] * 30, 41.4 + edge[1] * 22)], "#a8682c", 0.5)


def coffee(c: Canvas) -> None:
    for x in (42, 50, 58):
        c.stroke([(x, 24), (x + 2.4, 19), (x - 1.6, 13), (x + 1, 7)], "#ffffffb0", 1.4)
    c.ellipse(49, 61, 30, 5, fill="#f6f8fb")
    c.ellipse(49, 60.2, 24, 3.4, fill="#d6dde7")
    c.ring(70, 41, 9, 8, fill="#3f7f9c", width=3.4)
    c.shape("27,30 71,30 69,46 61,57 49,59 37,57 29,46", "#4d95b3")
    c.shape("60,31 71,30 69,46 61,57 53,58.8 60,48", "#3f7f9c")
    c.ellipse(49, 30, 22, 5.2, fill="#6fb3cd")
    c.ellipse(49, 30.4, 19.6, 4.2, fill="#5b3823")
    c.shape("49,33.6 43,30.6 45,28.4 49,29.6 53,28.4 55,30.6", "#e8cfae")
    for x, y in ((18, 63), (84, 62), (88, 65)):
        c.ellipse(x, y, 2.6, 1.8, fill="#4a2c1a")
        c.stroke([(x - 2, y), (x, y + 0.4), (x + 2, y - 0.3)], "#2c180c", 0.4)


def cake(c: Canvas) -> None:
    c.ellipse(50, 62, 34, 5, fill="#f6f8fb")
    c.rect(24, 40, 52, 20, "#e9b98a", round_by=2)
    c.rect(24, 49, 52, 2.6, "#fff3e6")
    c.rect(24, 36, 52, 8, "#f49ab3", round_by=3)
    for i, drop in enumerate((6, 9, 5, 8, 6, 9, 5)):
        c.rect(25 + i * 7.2, 40, 5.4, drop, "#f49ab3", round_by=2.6)
    c.rect(34, 26, 32, 12, "#fff3e6", round_by=2)
    c.rect(34, 24, 32, 5, "#8a5a3c", round_by=2.4)
    for i, drop in enumerate((5, 7, 4, 6, 5)):
        c.rect(34.8 + i * 6.2, 26, 4.6, drop, "#8a5a3c", round_by=2.2)
    for x, colour in ((40, "#4d95b3"), (50, "#e4576b"), (60, "#6fae4e")):
        c.rect(x - 0.9, 15, 1.8, 9.4, colour)
        c.line([(x - 0.9, 20), (x + 0.9, 18)], "#ffffff", 0.5)
        c.shape([(x, 9.4), (x + 1.5, 12.8), (x, 14.8), (x - 1.5, 12.8)], "#ffb62e")
    for x in (29, 38, 47, 56, 65, 71):
        c.ellipse(x, 56, 1.5, fill=mix("#e4576b", "#ffd166", (x % 3) / 3))


def sushi(c: Canvas) -> None:
    c.rect(12, 56, 76, 7, "#5b3a26", round_by=1.4)
    c.rect(16, 62, 8, 4, "#442918")
    c.rect(76, 62, 8, 4, "#442918")
    for x, fish in ((18, "#f5875b"), (40, "#d8433b")):
        c.rect(x + 1, 46, 18, 10, "#fbfaf4", round_by=4)
        for dx, dy in ((4, 49), (8, 52), (12, 49), (15, 53), (6, 54)):
            c.ellipse(x + dx, dy, 1, 0.6, fill="#e4e1d3")
        c.shape([(x - 1, 47), (x + 3, 41), (x + 12, 40), (x + 20, 44), (x + 21, 48), (x + 10, 46.6)], fish)
        for dx in (4, 8, 12, 16):
            c.line([(x + dx, 41.4), (x + dx + 1.4, 46)], mix(fish, "#ffffff", 0.55), 0.6)
    for x in (63, 76):
        c.rect(x, 43, 11, 13, "#22382f", round_by=2)
        c.ellipse(x + 5.5, 43.4, 5.6, 3.4, fill="#22382f")
        c.ellipse(x + 5.5, 43.2, 4.8, 2.7, fill="#fbfaf4")
        c.ellipse(x + 5.5, 43, 2, 1.2, fill="#f5875b" if x < 70 else "#7fb069")
    c.line("14,69.5 86,68", "#d2a06a", 1.3)
    c.line("16,72 87,70.5", "#c08a55", 1.3)


FOOD: tuple[Motif, ...] = (
    Motif(
        "apple", "a red apple on a table", "fruit healthy food orchard snack harvest newton", apple, "table", r"apples?"
    ),
    Motif(
        "bread",
        "a loaf of fresh bread with wheat",
        "bakery baking sourdough baguette flour loaf food breakfast baker dough",
        bread,
        "kitchen",
        r"bread|loaf|loaves",
    ),
    Motif(
        "pizza",
        "a pizza with salami, basil and olives",
        "italian food margherita pepperoni cheese naples dinner restaurant",
        pizza,
        "kitchen",
        r"pizzas?",
    ),
    Motif(
        "coffee",
        "a cup of coffee",
        "espresso cappuccino latte mug cafe drink tea beverage hot beans breakfast",
        coffee,
        "table",
        r"coffee|tea|cappuccino",
    ),
    Motif(
        "cake",
        "a birthday cake with candles",
        "dessert party celebration baking sweet pastry anniversary food",
        cake,
        "kitchen",
        r"cakes?",
    ),
    Motif(
        "sushi",
        "a plate of sushi with chopsticks",
        "japanese food japan rice fish salmon tuna roll maki nigiri restaurant",
        sushi,
        "table",
        r"sushi",
    ),
)
