"""What `benchmarks/data.py` plants: edited copies, prompts that are alike and yet different, handled pictures, texts.

Every function takes its own random numbers and nothing else, so that a seed gives the same set on every machine.
"""

from __future__ import annotations

import io
import json
import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, pairwise, product
from pathlib import Path
from typing import Any

import numpy as np

from llmi_data import Message, Plan, Row, generate

EDITS = ("substitution", "deletion", "insertion", "swap", "mixed")
_WORD = re.compile(r"\S+")
_FIGURE = re.compile(r"\d+")


def edited(text: str, share: float, kind: str, rng: random.Random, vocabulary: Sequence[str]) -> str:
    """The text with `share` of its words edited, at least one, each in another place.

    A swap exchanges neighbours. Words that are put in come from `vocabulary`, as often as they occur there.
    """
    words = _WORD.findall(text)
    places = sorted(rng.sample(range(len(words)), max(1, int(share * len(words)))), reverse=True)
    for place in places:
        match rng.choice(EDITS[:4]) if kind == "mixed" else kind:
            case "substitution":
                words[place] = rng.choice(vocabulary)
            case "deletion":
                del words[place]
            case "insertion":
                words.insert(place, rng.choice(vocabulary))
            case "swap":
                other = place + 1 if place + 1 < len(words) else place - 1
                words[place], words[other] = words[other], words[place]
    return " ".join(words)


def vocabulary_of(rows: Sequence[Row]) -> list[str]:
    """Every word as often as it occurs, without those that hold figures."""
    return [word for row in rows for word in _WORD.findall(row.text) if not _FIGURE.search(word)]


def reworded(row: Row, text: str, *, anonymous: bool = False, **origin: Any) -> Row:
    """The row with another text; its id follows from that. `anonymous` takes its provenance away."""
    provenance = None
    if row.provenance and not anonymous:
        provenance = row.provenance.model_copy(update=origin)
    return Row(
        prompt=(Message(role="user", content=text),),
        images=row.images,
        image_count=row.image_count,
        required_tools=row.required_tools,
        provenance=provenance,
    )


def distinct(rows: Sequence[Row]) -> list[Row]:
    """One row for each topic and angle."""
    first: dict[Any, Row] = {}
    for row in rows:
        origin = row.provenance
        if origin and origin.scenario:
            first.setdefault((origin.topic, origin.scenario.angle), row)
    return list(first.values())


def same_sentences(rows: Sequence[Row]) -> list[tuple[Row, Row]]:
    """Pairs made of the same templates, with the same labels, about different topics."""
    made: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        if row.provenance:
            made[row.provenance.wordings, row.image_count, row.required_tools].append(row)
    return [
        (row, other)
        for alike in made.values()
        for row, other in pairwise(alike)
        if row.provenance and other.provenance and row.provenance.topic != other.provenance.topic
    ]


def other_figures(row: Row, rng: random.Random) -> Row | None:
    """The row with other figures; None when it has none of two digits or more."""
    text = re.sub(r"\d{2,}", lambda found: str(int(found[0]) + rng.randint(1, 60)), row.text)
    return reworded(row, text) if text != row.text else None


def other_topic(row: Row, topics: Sequence[str], rng: random.Random) -> Row | None:
    """The row about another topic, named wherever the first one is; None where the text does not name it."""
    topic = row.provenance.topic if row.provenance else ""
    other = rng.choice([candidate for candidate in topics if candidate != topic])
    bare = [re.sub(r"^(the|our|a|an) ", "", name) for name in (topic, other)]
    text = row.text.replace(bare[0], bare[1])
    return reworded(row, text, topic=other) if text != row.text else None


HANDLINGS: dict[str, Callable[[Any], Any]] = {
    "JPEG, quality 40": lambda image: _encoded(image, "JPEG", quality=40),
    "WebP, quality 50": lambda image: _encoded(image, "WEBP", quality=50),
    "half the size": lambda image: image.resize((image.width // 2, image.height // 2)),
    "twice the size": lambda image: image.resize((image.width * 2, image.height * 2)),
    "64 pixels wide": lambda image: image.resize((64, max(1, image.height * 64 // image.width))),
    "4/5 of the height": lambda image: image.resize((image.width, image.height * 4 // 5)),
    "15 % brighter": lambda image: image.point(lambda value: min(255, round(value * 1.15))),
    "cropped 5 %, centre": lambda image: _cropped(image, 0.95, 0.5),
    "cropped 10 %, centre": lambda image: _cropped(image, 0.9, 0.5),
    "cropped 10 %, corner": lambda image: _cropped(image, 0.9, 0.0),
    "cropped 7 %, off centre": lambda image: _cropped(image, 0.93, 0.3),
    "cropped 7 %, JPEG, half the size": lambda image: _encoded(
        _cropped(image, 0.93, 0.8).resize((image.width // 2, image.height // 2)), "JPEG", quality=60
    ),
}
"""What happens to pictures on their way into a dataset."""


def png(image: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def pictures(each: int, seed: int = 0) -> list[tuple[str, Any]]:
    """Pictures of three kinds, all different: the offline drawings, matplotlib charts, and clouds of colour that have
    the structure of photographs (detail at every scale).
    """
    from PIL import Image

    from llmi_data.offline.drawings import PALETTES, SUBJECTS, draw

    drawn = [Image.open(io.BytesIO(draw(s, p))).convert("RGB") for s in sorted(SUBJECTS) for p in range(len(PALETTES))]
    rng = np.random.default_rng(seed)
    return [
        *(("drawing", image) for image in drawn),
        *(("chart", _chart(rng, number)) for number in range(each)),
        *(("photograph-like", _cloud(rng)) for _ in range(each)),
    ]


def _chart(rng: np.random.Generator, number: int) -> Any:
    from matplotlib.figure import Figure
    from PIL import Image

    figure = Figure(figsize=(4, 3), dpi=80)
    axes = figure.subplots()
    bars = int(rng.integers(3, 8))
    match number % 4:
        case 0:
            axes.bar(range(bars), rng.integers(5, 100, bars))
        case 1:
            axes.plot(rng.normal(size=30).cumsum())
        case 2:
            axes.pie(rng.integers(5, 50, bars))
        case _:
            axes.scatter(rng.normal(size=60), rng.normal(size=60))
    axes.set_title(f"chart {number}")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return Image.open(buffer).convert("RGB")


def _cloud(rng: np.random.Generator) -> Any:
    from PIL import Image

    total = np.zeros((240, 320, 3))
    for cells in (4, 8, 16, 32, 64):
        grid = rng.normal(size=(cells * 3 // 4, cells, 3)).astype(np.float32)
        layers = [Image.fromarray(grid[..., c]).resize((320, 240), Image.Resampling.BICUBIC) for c in range(3)]
        total += np.stack([np.asarray(layer) for layer in layers], axis=2) * (4 / cells) ** 0.8
    return Image.fromarray(((total - total.min()) / np.ptp(total) * 255).astype(np.uint8))


def _encoded(image: Any, form: str, quality: int) -> Any:
    from PIL import Image

    buffer = io.BytesIO()
    image.save(buffer, form, quality=quality)
    return Image.open(buffer).convert("RGB")


def _cropped(image: Any, share: float, where: float) -> Any:
    wide, high = round(image.width * share), round(image.height * share)
    left, top = round((image.width - wide) * where), round((image.height - high) * where)
    return image.crop((left, top, left + wide, top + high))


def write_many(path: Path, rows: int, seed: int = 0) -> list[tuple[int, int]]:
    """A file of so many rows, streamed, and the planted copies in it as pairs of line numbers (copy, original).

    A third are the offline generator's, whose scenarios are soon used up, so that large families of near duplicates
    and of contrasts arise; the others fill 400 frames of 12 to 30 words with words of a vocabulary of 60,000 in which
    a few are common and most are rare, as in language. One row in ten repeats an earlier one with a tenth of its words
    edited, and one in fifty word for word.
    """
    rng = random.Random(seed)
    numbers = np.random.default_rng(seed)
    letters = "abcdefghijklmnopqrstuvwxyz"
    vocabulary = ["".join(found) for found in islice(product(letters, repeat=4), 60_000)]
    frames = [[rng.choice(vocabulary[:300]) for _ in range(rng.randint(12, 30))] for _ in range(400)]
    offline = _offline(seed)
    planted: list[tuple[int, int]] = []
    recent: list[tuple[int, dict[str, Any]]] = []
    with path.open("w", encoding="utf-8") as file:
        for number in range(rows):
            luck = rng.random()
            if recent and luck < 0.12:
                line, original = rng.choice(recent)
                value = dict(original)
                if luck < 0.1:
                    text = edited(original["prompt"][0]["content"], 0.1, "mixed", rng, vocabulary)
                    value["prompt"] = [{"role": "user", "content": text}]
                planted.append((number, line))
            elif luck < 0.45:
                value = next(offline)
            else:
                frame = list(rng.choice(frames))
                filled = (numbers.zipf(1.2, len(frame)) * 7 % len(vocabulary)).tolist()
                for place in rng.sample(range(len(frame)), len(frame) * 2 // 3):
                    frame[place] = vocabulary[filled[place]]
                value = {"prompt": [{"role": "user", "content": " ".join(frame)}], "image_count": rng.randint(0, 3)}
            if len(recent) < 50_000:
                recent.append((number, value))
            else:
                recent[rng.randrange(len(recent))] = (number, value)
            file.write(json.dumps(value) + "\n")
    return planted


def _offline(seed: int) -> Iterator[dict[str, Any]]:
    """The offline generator's rows for one seed after the other, without pictures and facts."""
    while True:
        for row in generate(Plan.demo(rows=4000, seed=seed)):
            if not row.images:
                yield {
                    "prompt": row.messages,
                    "image_count": row.image_count,
                    "required_tools": list(row.required_tools),
                }
        seed += 1
