"""Pictures as what they look like: a digest of their pixels, and a small portrait that survives handling.

The portrait is a 16 x 16 colour thumbnail without its mean brightness, compared by cosine. A difference hash was
measured beside it (`benchmarks/data.py pictures`): of its 128 bits two different charts may have all in common, while a
re-encoded copy has up to ten others, so that no threshold separates them. The portraits' cosines do. For crops the most
alike picture is cut to fit before the last word is spoken.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 16
LEAST_SHARE = 0.86
"""Of width and height: what a crop that is still recognised leaves, a little less than nine tenths."""

_CROPS = (0.95, 0.9)
_PROOF = 96  # pixels
_STEPS = (0.02, 0.01, 0.005)
_WORTH_A_SEARCH = 0.7  # copies cropped by up to a tenth, anywhere, were measured to start at 0.84

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Look:
    """What is kept of a picture: the digest of its pixels, and its portrait (768 numbers of length 1, or all 0)."""

    pixels: bytes
    portrait: NDArray[np.float32]


@dataclass(frozen=True)
class Views:
    """What is kept of a picture to recognise others by: portraits of the whole and of 18 crops, and a small copy."""

    pixels: bytes
    portraits: NDArray[np.float32]
    proof: Any


def look(data: bytes) -> Look:
    """Decode a picture. Raises ValueError when Pillow cannot."""
    image = _open(data)
    return Look(_pixels(image), _portrait(image))


def views(data: bytes) -> Views:
    """Decode a picture that others are to be compared with. Raises as `look`."""
    image = _open(data)
    proof = image.resize((_PROOF, _PROOF), reducing_gap=3.0)
    _, *crops = _boxes(_PROOF, _PROOF)
    portraits = np.stack([_portrait(image), *(_portrait(proof, box) for box in crops)])
    return Views(_pixels(image), portraits, proof)


class Album:
    """Pictures to compare one with: 85 KB of memory each."""

    def __init__(self, pictures: Iterable[Views]) -> None:
        found = tuple(pictures)
        self._exact = {seen.pixels: number for number, seen in reversed(list(enumerate(found)))}
        self._proofs = [seen.proof for seen in found]
        self._portraits = np.concatenate([seen.portraits for seen in found]) if found else None
        self._boxes = tuple(_boxes(_PROOF, _PROOF))

    def nearest(self, seen: Look) -> tuple[int, float, bool] | None:
        """The most alike picture's number, the cosine, and whether the pixels are the same; None in an empty album."""
        if self._portraits is None:
            return None
        if seen.pixels in self._exact:
            return self._exact[seen.pixels], 1.0, True
        alike = self._portraits @ seen.portrait
        best = int(alike.argmax())
        number, box = divmod(best, len(self._boxes))
        score = float(alike[best])
        if score >= _WORTH_A_SEARCH:
            score = _search(self._proofs[number], seen, self._boxes[box], score)
        return number, min(score, 1.0), False


def _search(proof: Any, seen: Look, box: Box, score: float) -> float:
    """The best cosine of any crop near the box: its edges are moved while that helps, by less and less."""
    for step in _STEPS:
        moved = True
        while moved:
            moved = False
            for edge, by in product(range(4), (-step * _PROOF, step * _PROOF)):
                sides = list(box)
                sides[edge] = min(max(sides[edge] + by, 0.0), float(_PROOF))
                if min(sides[2] - sides[0], sides[3] - sides[1]) < LEAST_SHARE * _PROOF:
                    continue
                tried = (sides[0], sides[1], sides[2], sides[3])
                found = float(_portrait(proof, tried) @ seen.portrait)
                if found > score + 1e-5:
                    box, score, moved = tried, found, True
    return score


def _open(data: bytes) -> Any:
    from PIL import Image

    try:
        image = Image.open(io.BytesIO(data))
        image.load()
        if "A" in image.getbands() or "transparency" in image.info:
            # What lies under full transparency is nobody's picture: it must not make two equal ones differ.
            whole = image.convert("RGBA")
            ground = Image.new("RGBA", whole.size, "white")
            return Image.alpha_composite(ground, whole).convert("RGB")
        return image.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f"not a picture that can be decoded ({error})") from None


def _pixels(image: Any) -> bytes:
    width, height = image.size
    return hashlib.sha256(f"{width}x{height} ".encode() + image.tobytes()).digest()


def _portrait(image: Any, box: Box | None = None) -> NDArray[np.float32]:
    from PIL import Image

    # A large picture is first halved as often as does no harm; a proof is small already.
    gap = 3.0 if box is None else None
    resized = image.resize((SIDE, SIDE), Image.Resampling.LANCZOS, box=box, reducing_gap=gap)
    small = np.asarray(resized, np.float32).ravel()
    small = small - small.mean()
    length = float(np.linalg.norm(small))
    return small / length if length else small


def _boxes(width: float, height: float) -> Iterator[Box]:
    yield 0.0, 0.0, float(width), float(height)
    for share in _CROPS:
        wide, high = width * share, height * share
        for left in (0.0, (width - wide) / 2, width - wide):
            for top in (0.0, (height - high) / 2, height - high):
                yield left, top, left + wide, top + high
