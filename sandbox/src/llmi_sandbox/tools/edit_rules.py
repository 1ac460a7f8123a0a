"""The table of edits: words that ask for one, and the Pillow operation that does it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageColor, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from llmi_sandbox.tools.drawing.fonts import font

Operation = Callable[[Image.Image, re.Match[str]], Image.Image]

SMALLEST_SIDE = 32
LARGEST_SIDE = 2048

_COLOURS = "black|white|gr[ae]y|red|green|blue|yellow|orange|purple|pink|brown|gold|silver|teal|navy|beige|cream"
_SHADES = {"cream": "#f7efd9", "grey": "#808080", "gray": "#808080"}
_QUOTE = r"""(?:"(?P<double>[^"]+)"|“(?P<curly>[^”]+)”|'(?P<single>[^']+)'(?!\w))"""


@dataclass(frozen=True, slots=True)
class Rule:
    """`name` is what a refusal lists; `pattern` is searched in one clause of the instruction."""

    name: str
    pattern: re.Pattern[str]
    apply: Operation


def _strength(match: re.Match[str]) -> float:
    """How much of a change the clause asks for: 1 unless it says slightly, strongly or a percentage."""
    clause = match.string.lower()
    if percent := re.search(r"(\d{1,3})\s*(?:%|percent)", clause):
        return min(int(percent[1]), 200) / 35
    if re.search(r"\b(slight(ly)?|a (little|bit|touch)|subtl[ye]|somewhat|gently|softly)\b", clause):
        return 0.5
    if re.search(r"\b(much|very|strong(ly)?|heav(y|ily)|a lot|dramatic(ally)?|significantly|extremely)\b", clause):
        return 1.8
    return 1.0


def _less(match: re.Match[str]) -> bool:
    return bool(re.search(r"\b(less|lower|reduce|decrease|mute[ds]?|desaturate\w*|fade[ds]?)\b", match.string.lower()))


def _greyscale(image: Image.Image, match: re.Match[str]) -> Image.Image:
    return ImageOps.grayscale(image).convert("RGB")


def _sepia(image: Image.Image, match: re.Match[str]) -> Image.Image:
    return ImageOps.colorize(ImageOps.grayscale(image), black="#2b1a0c", mid="#a07a4b", white="#fbeecb")


def _invert(image: Image.Image, match: re.Match[str]) -> Image.Image:
    return ImageOps.invert(image)


def _sketch(image: Image.Image, match: re.Match[str]) -> Image.Image:
    import numpy as np

    grey = ImageOps.grayscale(image)
    soft = np.asarray(ImageOps.invert(grey).filter(ImageFilter.GaussianBlur(max(2.0, min(image.size) / 60))))
    # colour dodge: flat areas turn white, edges stay as pencil strokes
    dodged = np.asarray(grey).astype(np.uint32) * 255 // (256 - soft.astype(np.uint32))
    return Image.fromarray(dodged.clip(0, 255).astype(np.uint8)).convert("RGB")


def _rotate(image: Image.Image, match: re.Match[str]) -> Image.Image:
    clause = match.string.lower()
    if "upside" in clause:
        degrees = 180
    else:
        number = re.search(r"(-?\d{1,3})\s*(?:°|deg|$|clock|counter|anti|to)", clause)
        degrees = int(number[1]) if number else 90
    counterclockwise = re.search(r"\b(counter|anti)-?\s?clockwise\b|\bleft\b", clause)
    return image.rotate(
        degrees if counterclockwise else -degrees, Image.Resampling.BICUBIC, expand=True, fillcolor="white"
    )


def _flip(image: Image.Image, match: re.Match[str]) -> Image.Image:
    upright = re.search(r"\b(vertical(ly)?|upside|top to bottom)\b", match.string.lower())
    return ImageOps.flip(image) if upright else ImageOps.mirror(image)


def _crop(image: Image.Image, match: re.Match[str]) -> Image.Image:
    clause = match.string.lower()
    width, height = image.size
    box = (0, 0, width, height)
    if "square" in clause:
        side = min(width, height)
        box = ((width - side) // 2, (height - side) // 2, (width + side) // 2, (height + side) // 2)
    elif side_name := re.search(r"\b(left|right|top|upper|bottom|lower)\b", clause):
        share = 1 / 3 if "third" in clause else 1 / 2
        match side_name[1]:
            case "left":
                box = (0, 0, round(width * share), height)
            case "right":
                box = (width - round(width * share), 0, width, height)
            case "top" | "upper":
                box = (0, 0, width, round(height * share))
            case _:
                box = (0, height - round(height * share), width, height)
    else:
        percent = re.search(r"(\d{1,2})\s*(?:%|percent)", clause)
        kept = (100 - int(percent[1])) / 100 if percent else 0.7
        inset_x, inset_y = width * (1 - kept) / 2, height * (1 - kept) / 2
        box = (round(inset_x), round(inset_y), round(width - inset_x), round(height - inset_y))
    return image.crop((box[0], box[1], max(box[0] + 1, box[2]), max(box[1] + 1, box[3])))


def _blur(image: Image.Image, match: re.Match[str]) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(max(1.5, min(image.size) / 80) * _strength(match)))


def _sharpen(image: Image.Image, match: re.Match[str]) -> Image.Image:
    return image.filter(ImageFilter.UnsharpMask(radius=2, percent=round(150 * _strength(match))))


def _brighten(image: Image.Image, match: re.Match[str]) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(1 + 0.35 * _strength(match))


def _darken(image: Image.Image, match: re.Match[str]) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(max(0.05, 1 - 0.35 * _strength(match)))


def _contrast(image: Image.Image, match: re.Match[str]) -> Image.Image:
    amount = 0.4 * _strength(match)
    return ImageEnhance.Contrast(image).enhance(max(0.1, 1 - amount) if _less(match) else 1 + amount)


def _saturation(image: Image.Image, match: re.Match[str]) -> Image.Image:
    amount = 0.5 * _strength(match)
    return ImageEnhance.Color(image).enhance(max(0.0, 1 - amount) if _less(match) else 1 + amount)


def _scale_bands(image: Image.Image, red: float, green: float, blue: float) -> Image.Image:
    factors = (red, green, blue)
    return Image.merge(
        "RGB",
        [band.point(lambda v, f=f: min(255, round(v * f))) for band, f in zip(image.split(), factors, strict=True)],
    )


def _warmer(image: Image.Image, match: re.Match[str]) -> Image.Image:
    amount = 0.14 * _strength(match)
    return _scale_bands(image, 1 + amount, 1 + amount / 4, max(0.0, 1 - amount))


def _cooler(image: Image.Image, match: re.Match[str]) -> Image.Image:
    amount = 0.14 * _strength(match)
    return _scale_bands(image, max(0.0, 1 - amount), 1 - amount / 8, 1 + amount)


def _tint(image: Image.Image, match: re.Match[str]) -> Image.Image:
    colour = next(value for value in match.groupdict().values() if value)
    layer = Image.new("RGB", image.size, _colour(colour))
    return Image.blend(image, ImageChops.multiply(image, layer), min(1.0, 0.5 * _strength(match)))


def _border(image: Image.Image, match: re.Match[str]) -> Image.Image:
    clause = match.string.lower()
    named = re.search(rf"\b({_COLOURS})\b", clause)
    colour = _colour(named[1]) if named else ("#6b4a2b" if "wood" in clause else "#222222")
    thick = (
        2
        if re.search(r"\b(thick|wide|heavy|bold)\b", clause)
        else 0.5
        if re.search(r"\b(thin|fine|narrow)\b", clause)
        else 1
    )
    return ImageOps.expand(image, max(2, round(min(image.size) / 24 * thick)), fill=colour)


def _caption(image: Image.Image, match: re.Match[str]) -> Image.Image:
    text = " ".join((match["double"] or match["curly"] or match["single"]).split())
    size = max(11, image.height // 14)
    lines = _wrapped(text, size, image.width - size)
    face = font(size)
    strip = round(size * 1.3) * len(lines) + size
    top = bool(re.search(r"\b(top|above|title|headline)\b", match.string.lower()))
    canvas = Image.new("RGB", (image.width, image.height + strip), "white")
    canvas.paste(image, (0, strip if top else 0))
    draw = ImageDraw.Draw(canvas)
    for i, line in enumerate(lines):
        y = (0 if top else image.height) + size / 2 + i * size * 1.3
        draw.text((image.width / 2, y), line, fill="#1d1d1f", font=face, anchor="ma")
    return canvas


def _wrapped(text: str, size: int, width: float) -> list[str]:
    face = font(size)
    lines: list[str] = []
    for word in text.split():
        if lines and face.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines[:6]


def _resize(image: Image.Image, match: re.Match[str]) -> Image.Image:
    clause = match.string.lower()
    width, height = image.size
    if exact := re.search(r"(\d{2,5})\s*(?:x|×|by)\s*(\d{2,5})", clause):
        return _fit(image, int(exact[1]), int(exact[2]))
    percent = re.search(r"(\d{1,3})\s*(?:%|percent)", clause)
    bigger = re.search(r"\b(larger|bigger|enlarg\w*|double|twice|upscal\w*)\b", clause)
    if percent and re.search(r"\bto\b", clause):
        factor = int(percent[1]) / 100
    elif percent:
        factor = 1 + int(percent[1]) / 100 if bigger else 1 - int(percent[1]) / 100
    elif bigger:
        factor = 2.0 if re.search(r"\b(double|twice)\b", clause) else 1.5
    else:
        factor = 0.25 if "thumbnail" in clause or "quarter" in clause else 0.5
    return _fit(image, round(width * factor), round(height * factor))


def _fit(image: Image.Image, width: int, height: int) -> Image.Image:
    sides = [min(LARGEST_SIDE, max(SMALLEST_SIDE, side)) for side in (width, height)]
    return image.resize((sides[0], sides[1]), Image.Resampling.LANCZOS)


def _pixelate(image: Image.Image, match: re.Match[str]) -> Image.Image:
    width, height = image.size
    block = max(2, round(min(width, height) / 32 * _strength(match)))
    small = image.resize((max(1, width // block), max(1, height // block)), Image.Resampling.BOX)
    return small.resize((width, height), Image.Resampling.NEAREST)


def _posterise(image: Image.Image, match: re.Match[str]) -> Image.Image:
    return ImageOps.posterize(image, 2)


def _vignette(image: Image.Image, match: re.Match[str]) -> Image.Image:
    # radial_gradient is 0 in the middle and 255 at the corners
    edge = Image.radial_gradient("L").resize(image.size).point(lambda v: max(0, v - 90) * 3 // 2)
    return Image.composite(Image.new("RGB", image.size, "black"), image, edge)


def _colour(name: str) -> tuple[int, ...]:
    return ImageColor.getrgb(_SHADES.get(name.lower(), name.lower()))


def _rule(name: str, pattern: str, apply: Operation) -> Rule:
    return Rule(name, re.compile(pattern, re.IGNORECASE), apply)


# Order decides when two rules read the same words: the more particular one comes first.
RULES: tuple[Rule, ...] = (
    _rule(
        "add a caption (the text in quotes)",
        rf"\b(?:caption|text|title|label|heading|headline|words|write|saying)\b[^\"“']*{_QUOTE}",
        _caption,
    ),
    _rule(
        "black and white",
        r"\b(?:black[ -]?(?:and|&|n)[ -]?white|b\s?&\s?w|gr[ae]y[ -]?scale|monochrom\w*)\b",
        _greyscale,
    ),
    _rule(
        "add a border or frame",
        rf"\b(?:(?:thin|thick|wide|narrow|bold|heavy|fine|simple|dark|light|bright|warm|wooden|{_COLOURS})[ -]){{0,4}}"
        r"(?:border|frame)\b",
        _border,
    ),
    _rule("sepia", r"\b(?:sepia|vintage|old[- ](?:photo\w*|time\w*|fashioned)|antique|aged)\b", _sepia),
    _rule("invert", r"\b(?:invert\w*|negative)\b", _invert),
    _rule("pencil sketch", r"\b(?:sketch|pencil)\b", _sketch),
    _rule("flip or mirror", r"\b(?:flip\w*|mirror\w*)\b", _flip),
    _rule("rotate", r"\b(?:rotat\w*|upside[ -]down|turn (?:it |the \w+ )?-?\d+)", _rotate),
    _rule("crop", r"\b(?:crop\w*|zoom\w* in|trim\w*)\b", _crop),
    _rule("pixelate", r"\b(?:pixelat\w*|pixel[ -]art|mosaic)\b", _pixelate),
    _rule("posterise", r"\b(?:posteri[sz]\w*|poster effect|cartoon\w*)\b", _posterise),
    _rule("vignette", r"\bvignett\w*", _vignette),
    _rule("contrast", r"\bcontrast\b", _contrast),
    _rule("saturation", r"\b(?:(?:de)?saturat\w*|vivid|vibran\w*|more colou?rful|muted?|faded?)\b", _saturation),
    _rule("warmer", r"\b(?:warm(?:er|th)?)\b", _warmer),
    _rule("cooler", r"\b(?:cool(?:er)?|cold(?:er)?)\b", _cooler),
    _rule(
        "tint with a colour",
        rf"\b(?:tint\w*(?: \w+){{0,3}}? (?P<after>{_COLOURS})"
        rf"|(?P<before>{_COLOURS})(?:ish)? (?:tint|tone|hue|filter|overlay|cast))\b",
        _tint,
    ),
    _rule("blur", r"\b(?:blur\w*|soften\w*|out of focus)\b", _blur),
    _rule("sharpen", r"\bsharp\w*", _sharpen),
    _rule(
        "darken",
        r"\b(?:dark\w*|dim(?:mer)?|(?:decrease|reduce|less|lower) (?:the )?(?:bright(?:ness)?|exposure|light))\b",
        _darken,
    ),
    _rule(
        "brighten",
        r"\b(?:bright\w*|lighten\w*|lighter|(?:increase|more|raise) (?:the )?(?:exposure|light))\b",
        _brighten,
    ),
    _rule(
        "resize",
        r"\b(?:resiz\w*|(?:re|up|down)scal\w*|scale|smaller|shrink\w*|larger|bigger|enlarg\w*|thumbnail"
        r"|(?:half|double|twice) (?:the |its )?size)\b",
        _resize,
    ),
)
