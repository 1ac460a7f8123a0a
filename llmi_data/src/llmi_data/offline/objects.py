"""More things to draw, for the users of the wide scenarios. They stand on the ground that `drawings` paints."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw


def _flask(pen: ImageDraw, colour: str, light: str) -> None:
    pen.polygon([(70, 24), (90, 24), (90, 54), (114, 102), (46, 102), (70, 54)], fill=light, outline="black")
    pen.polygon([(60, 76), (100, 76), (114, 102), (46, 102)], fill=colour, outline="black")


def _lamp(pen: ImageDraw, colour: str, light: str) -> None:
    pen.polygon([(58, 58), (102, 58), (90, 26), (70, 26)], fill=colour, outline="black")
    pen.line((80, 58, 80, 98), fill="black", width=4)
    pen.ellipse((56, 94, 104, 106), fill=colour, outline="black")
    pen.polygon([(58, 60), (102, 60), (118, 84), (42, 84)], fill=light)


def _leaf(pen: ImageDraw, colour: str, light: str) -> None:
    pen.polygon([(80, 20), (108, 48), (100, 82), (80, 98), (60, 82), (52, 48)], fill="#3f8f46", outline="black")
    pen.line((80, 30, 80, 110), fill=colour, width=3)
    for y in (46, 60, 74):
        pen.line((80, y + 8, 62, y), fill=colour)
        pen.line((80, y + 8, 98, y), fill=colour)


def _book(pen: ImageDraw, colour: str, light: str) -> None:
    pen.polygon([(34, 44), (80, 54), (80, 104), (34, 94)], fill=light, outline="black")
    pen.polygon([(126, 44), (80, 54), (80, 104), (126, 94)], fill=light, outline="black")
    pen.line((80, 54, 80, 104), fill=colour, width=5)
    for y in (62, 72, 82):
        pen.line((42, y - 6, 74, y), fill="black")
        pen.line((118, y - 6, 86, y), fill="black")


def _rocket(pen: ImageDraw, colour: str, light: str) -> None:
    pen.polygon([(80, 14), (96, 44), (96, 86), (64, 86), (64, 44)], fill=light, outline="black")
    pen.polygon([(64, 66), (46, 94), (64, 86)], fill=colour, outline="black")
    pen.polygon([(96, 66), (114, 94), (96, 86)], fill=colour, outline="black")
    pen.ellipse((72, 46, 88, 62), fill=colour, outline="black")


def _fish(pen: ImageDraw, colour: str, light: str) -> None:
    pen.polygon([(104, 62), (132, 40), (132, 86)], fill=colour, outline="black")
    pen.ellipse((34, 38, 112, 88), fill=colour, outline="black")
    pen.ellipse((48, 54, 58, 64), fill=light, outline="black")


def _bottle(pen: ImageDraw, colour: str, light: str) -> None:
    pen.polygon([(72, 20), (88, 20), (88, 44), (100, 58), (100, 104), (60, 104), (60, 58), (72, 44)], fill=colour)
    pen.rectangle((60, 68, 100, 90), fill=light, outline="black")


def _heart(pen: ImageDraw, colour: str, light: str) -> None:
    pen.ellipse((44, 30, 82, 68), fill=colour)
    pen.ellipse((78, 30, 116, 68), fill=colour)
    pen.polygon([(46, 58), (114, 58), (80, 104)], fill=colour)


def _shoe(pen: ImageDraw, colour: str, light: str) -> None:
    pen.polygon([(44, 50), (74, 50), (84, 72), (122, 84), (122, 98), (44, 98)], fill=colour, outline="black")
    pen.rectangle((44, 96, 122, 104), fill=light, outline="black")


def _bicycle(pen: ImageDraw, colour: str, light: str) -> None:
    for x in (30, 92):
        pen.ellipse((x, 62, x + 40, 102), outline="black", width=3)
    pen.line((50, 82, 70, 54, 104, 54, 76, 82, 50, 82), fill=colour, width=4)
    pen.line((112, 82, 100, 44, 112, 40), fill=colour, width=4)


def _coin(pen: ImageDraw, colour: str, light: str) -> None:
    pen.ellipse((44, 30, 116, 102), fill=light, outline="black", width=3)
    pen.ellipse((54, 40, 106, 92), outline=colour, width=4)
    pen.rectangle((76, 54, 84, 78), fill=colour)


def _bridge(pen: ImageDraw, colour: str, light: str) -> None:
    pen.rectangle((10, 60, 150, 72), fill=colour, outline="black")
    for x in (20, 70, 120):
        pen.rectangle((x, 72, x + 14, 104), fill=colour, outline="black")
    pen.arc((30, 22, 130, 100), 180, 360, fill="black", width=3)


def _gear(pen: ImageDraw, colour: str, light: str) -> None:
    pen.regular_polygon((80, 64, 42), 8, fill=colour, outline="black")
    pen.regular_polygon((80, 64, 42), 8, rotation=22, fill=colour, outline="black")
    pen.ellipse((64, 48, 96, 80), fill=light, outline="black")


def _ball(pen: ImageDraw, colour: str, light: str) -> None:
    pen.ellipse((44, 32, 116, 104), fill=light, outline="black", width=2)
    pen.regular_polygon((80, 68, 16), 5, fill=colour, outline="black")


def _bell(pen: ImageDraw, colour: str, light: str) -> None:
    pen.pieslice((50, 26, 110, 106), 180, 360, fill=colour, outline="black")
    pen.polygon([(50, 66), (110, 66), (122, 92), (38, 92)], fill=colour, outline="black")
    pen.ellipse((72, 88, 88, 104), fill=light, outline="black")


def _loaf(pen: ImageDraw, colour: str, light: str) -> None:
    pen.rounded_rectangle((34, 52, 126, 102), 24, fill="#b9772f", outline="black")
    for x in (54, 76, 98):
        pen.line((x, 60, x + 10, 78), fill=light, width=4)


def _pot(pen: ImageDraw, colour: str, light: str) -> None:
    pen.rounded_rectangle((46, 56, 114, 104), 10, fill=colour, outline="black")
    pen.rectangle((40, 50, 120, 58), fill=light, outline="black")
    pen.ellipse((74, 40, 86, 52), fill=light, outline="black")


def _bus(pen: ImageDraw, colour: str, light: str) -> None:
    pen.rounded_rectangle((22, 44, 138, 96), 8, fill=colour, outline="black")
    for x in (30, 56, 82, 108):
        pen.rectangle((x, 52, x + 20, 70), fill=light, outline="black")
    for x in (40, 100):
        pen.ellipse((x, 86, x + 20, 106), fill="black")


OBJECTS = {
    "flask": _flask,
    "lamp": _lamp,
    "leaf": _leaf,
    "book": _book,
    "rocket": _rocket,
    "fish": _fish,
    "bottle": _bottle,
    "heart": _heart,
    "shoe": _shoe,
    "bicycle": _bicycle,
    "coin": _coin,
    "bridge": _bridge,
    "gear": _gear,
    "ball": _ball,
    "bell": _bell,
    "loaf": _loaf,
    "pot": _pot,
    "bus": _bus,
}
