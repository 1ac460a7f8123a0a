"""Scenes from prompts: a place in a light, motifs in it, weather and a style, each chosen by the prompt's words.

What the words leave open is drawn from the prompt's hash, so that prompts differ and each stays the same.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Mapping, Sequence

from PIL import Image, ImageChops, ImageFilter, ImageOps

from llmi_sandbox.tools.drawing.canvas import Canvas
from llmi_sandbox.tools.drawing.catalogue import MOTIFS
from llmi_sandbox.tools.drawing.motif import GROUND, Motif
from llmi_sandbox.tools.drawing.places import LIGHTS, PLACES

MOST_MOTIFS = 3

_LIGHT_WORDS: Mapping[str, str] = {
    "night": r"night|midnight|moon\w*|stars?|starry|nocturnal|dark|galaxy|aurora|neon|cyberpunk",
    "sunset": r"sunset|dusk|evening|twilight|golden hour|volcan\w*|fire|lava|mars|glow\w*",
    "dawn": r"dawn|sunrise|morning|spring|blossom\w*|pastel|pink|mist\w*|fog\w*|dream\w*",
    "storm": r"storm\w*|rain\w*|thunder\w*|grey|gray|gloom\w*|industrial",
    "autumn": r"autumn|fall|harvest|november|october|rustic|vintage",
    "day": r"day|noon|sunny|summer|bright|clear sky",
}

_PLACE_WORDS: Mapping[str, str] = {
    "space": r"space|planets?|galax\w*|cosm\w*|astronaut\w*|orbit\w*|nebula|solar|universe|asteroid\w*|spaceship\w*",
    "underwater": r"underwater|coral|reef|submarine|deep sea|ocean floor|aquarium|jellyfish|mermaid|whales?|clownfish",
    "city": r"city|cities|skyline|skyscraper\w*|urban|town|streets?|cyberpunk|metropolis|neon|futuristic|robots?",
    "desert": r"desert|dunes?|sahara|oasis|camels?|pyramids?|mars|martian|cact\w*",
    "snow": r"snow\w*|winter|ice|icy|arctic|polar|glacier\w*|christmas|frozen|ski\w*|penguins?",
    "sea": r"sea|ocean|beach\w*|coast\w*|waves?|islands?|harbou?r|bay|shore|lighthouse|sail\w*|boats?|ships?|pirate\w*",
    "forest": r"forest|woods?|jungle|rainforest|enchanted|fairy\w*|elf|elves|treehouse|bears?|deer|owls?|fox\w*",
    "garden": r"garden\w*|flowers?|meadow\w*|tulips?|bloom\w*|roses?|bees?|butterfl\w*|picnic|park|field",
    "mountains": r"mountain\w*|peaks?|alps|alpine|valley\w*|dragons?|castles?|volcan\w*|hik\w*|himalaya\w*|lake",
}

_STYLE_WORDS: Mapping[str, str] = {
    "watercolour": r"water-?colou?r\w*|painting|painted|impressionis\w*|aquarelle",
    "pixels": r"pixel\w*|8-?bit|retro game",
    "ink": r"ink|black[ -]and[ -]white|monochrome|charcoal|engraving|sketch|pencil|woodcut",
    "poster": r"posters?|minimal\w*|vector|art deco|screen-?print",
}

_USUAL_PLACE: Mapping[str, str] = {
    "meadow": "garden",
    "table": "garden",
    "kitchen": "garden",
    "studio": "garden",
    "stage": "city",
    "street": "city",
    "coast": "sea",
    "sea": "sea",
    "ice": "snow",
    "snow": "snow",
    "wood": "forest",
    "desert": "desert",
    "water": "underwater",
    "space": "space",
    "sky": "mountains",
    "night": "forest",
}
"""Where a motif belongs when the prompt names no place, by the backdrop it has in the gallery."""


def draw_scene(prompt: str, size: tuple[int, int]) -> Image.Image:
    """The picture of a prompt. The same prompt and size give the same pixels."""
    chance = random.Random(hashlib.sha256(prompt.encode("utf-8", "replace")).digest())
    words = prompt.lower()
    motifs = _named(words)
    place = _choose(words, _PLACE_WORDS) or (_USUAL_PLACE.get(motifs[0].backdrop) if motifs else None)
    place = place or chance.choice(("mountains", "sea", "garden", "forest"))
    light = LIGHTS[_choose(words, _LIGHT_WORDS) or chance.choice(("day", "day", "dawn", "sunset"))]
    canvas = Canvas(*size)
    PLACES[place](canvas, light, chance)
    _set(canvas, motifs, chance, afloat=place in {"space", "underwater"})
    _weather(canvas, words, chance)
    return _styled(canvas.image(), _choose(words, _STYLE_WORDS), chance)


def _choose(words: str, table: Mapping[str, str]) -> str | None:
    """The entry whose words appear most often; the one listed first when equal."""
    counts = {name: len(re.findall(rf"\b(?:{pattern})\b", words)) for name, pattern in table.items()}
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] else None


def _named(words: str) -> list[Motif]:
    """The motifs the words name, in their order."""
    found = [(match.start(), m) for m in MOTIFS if m.pattern and (match := re.search(rf"\b(?:{m.pattern})\b", words))]
    return [motif for _, motif in sorted(found, key=lambda pair: pair[0])[:MOST_MOTIFS]]


def _set(canvas: Canvas, motifs: Sequence[Motif], chance: random.Random, *, afloat: bool) -> None:
    """Put motifs side by side into a place."""
    if not motifs:
        return
    zoom = min(0.7, 1.0 / len(motifs)) * min(1.0, canvas.height / 75)
    room = 100 / len(motifs)
    for i, motif in enumerate(motifs):
        middle = room * (i + 0.5) + chance.uniform(-4, 4)
        foot = canvas.height * (0.62 if afloat or motif.floats else 0.93)
        with canvas.placed(middle - 50 * zoom, foot - GROUND * zoom, zoom):
            if not (afloat or motif.floats):
                canvas.ellipse(50, GROUND, 26, 2.4, fill="#00000030")
            motif.draw(canvas)


def _weather(canvas: Canvas, words: str, chance: random.Random) -> None:
    if re.search(r"\b(?:rain\w*|storm\w*|drizzle)\b", words):
        for _ in range(110):
            x, y = chance.uniform(0, 104), chance.uniform(-4, canvas.height)
            canvas.line([(x, y), (x - 1.2, y + 4)], "#ffffff70", 0.25)
    if re.search(r"\b(?:snow\w*|blizzard)\b", words):
        for _ in range(90):
            x, y = chance.uniform(0, 100), chance.uniform(0, canvas.height)
            canvas.ellipse(x, y, chance.uniform(0.25, 0.6), fill="#ffffffd8")
    if re.search(r"\b(?:mist\w*|fog\w*|haz[ey])\b", words):
        for i in range(5):
            y = canvas.height * (0.45 + 0.11 * i)
            canvas.rect(-5, y, 110, canvas.height * 0.07, "#ffffff48", round_by=2)


def _styled(image: Image.Image, style: str | None, chance: random.Random) -> Image.Image:
    match style:
        case "watercolour":
            soft = image.filter(ImageFilter.ModeFilter(5)).filter(ImageFilter.GaussianBlur(0.8))
            grain = Image.frombytes("L", image.size, chance.randbytes(image.width * image.height))
            paper = grain.point(lambda v: 90 + v * 76 // 255).filter(ImageFilter.GaussianBlur(1)).convert("RGB")
            return Image.blend(
                Image.blend(soft, Image.new("RGB", image.size, "#fdf8ec"), 0.18), ImageChops.overlay(soft, paper), 0.5
            )
        case "pixels":
            width, height = image.size
            small = image.resize((max(16, width // 5), max(12, height // 5)), Image.Resampling.BOX)
            return ImageOps.posterize(small, 4).resize(image.size, Image.Resampling.NEAREST)
        case "ink":
            return ImageOps.autocontrast(ImageOps.grayscale(image)).convert("RGB")
        case "poster":
            return image.quantize(12, dither=Image.Dither.NONE).convert("RGB")
        case _:
            return image
