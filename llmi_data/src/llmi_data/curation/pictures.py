"""Pictures as what they look like: a digest of their pixels, and a small portrait that survives handling.

The portrait is a 16 x 16 colour thumbnail without its mean brightness, compared by cosine. A difference hash was
measured beside it (`benchmarks/data.py pictures`): two different charts differ in as little as one of its bits, while
a re-encoded copy differs in up to eight, so no threshold separates them; the portraits' cosines do.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 16
_CROPS = (0.95, 0.9)  # of width and height; what lies between is near enough to one of them


@dataclass(frozen=True)
class Look:
    """What is kept of a picture: the digest of its pixels, and its portrait (768 numbers of length 1, or all 0)."""

    pixels: bytes
    portrait: NDArray[np.float32]


def look(data: bytes) -> Look:
    """Decode a picture. Raises ValueError when Pillow cannot."""
    image = _open(data)
    return Look(_pixels(image), _portrait(image, None))


def views(data: bytes) -> tuple[bytes, NDArray[np.float32]]:
    """The digest of a picture's pixels, and the portraits of the whole and of 18 crops of it. Raises as `look`."""
    image = _open(data)
    return _pixels(image), np.stack([_portrait(image, box) for box in _boxes(image.size)])


class Album:
    """Many pictures to compare one with."""

    def __init__(self, pictures: Iterable[tuple[bytes, NDArray[np.float32]]]) -> None:
        found = list(pictures)
        self._exact = {pixels: number for number, (pixels, _) in reversed(list(enumerate(found)))}
        self._portraits = np.concatenate([views for _, views in found]) if found else np.empty((0, 3 * SIDE * SIDE))
        self._each = len(found[0][1]) if found else 1

    def nearest(self, seen: Look) -> tuple[int, float, bool] | None:
        """The most alike picture's number, the cosine, and whether the pixels are the same; None in an empty album."""
        if seen.pixels in self._exact:
            return self._exact[seen.pixels], 1.0, True
        if not len(self._portraits):
            return None
        alike = self._portraits @ seen.portrait
        best = int(alike.argmax())
        return best // self._each, float(min(alike[best], 1.0)), False


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


def _portrait(image: Any, box: tuple[float, float, float, float] | None) -> NDArray[np.float32]:
    from PIL import Image

    small = np.asarray(image.resize((SIDE, SIDE), Image.Resampling.LANCZOS, box=box), np.float32).ravel()
    small -= small.mean()
    length = float(np.linalg.norm(small))
    return small / length if length else small


def _boxes(size: tuple[int, int]) -> Iterator[tuple[float, float, float, float] | None]:
    width, height = size
    yield None
    for share in _CROPS:
        wide, high = width * share, height * share
        for left in (0.0, (width - wide) / 2, width - wide):
            for top in (0.0, (height - high) / 2, height - high):
                yield left, top, left + wide, top + high
