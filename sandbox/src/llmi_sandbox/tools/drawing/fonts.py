"""The typeface for words inside pictures: DejaVu Sans, which matplotlib brings along."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageFont


@lru_cache(maxsize=64)
def font(size: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans in pixels. It knows Latin, Greek, Cyrillic and many symbols, unlike Pillow's own."""
    spec = find_spec("matplotlib")  # found, not imported: that would take a tenth of a second
    if spec is None or spec.origin is None:
        raise ImportError("matplotlib, which llmi-sandbox requires, is not installed: pip install matplotlib")
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(spec.origin).parent / "mpl-data/fonts/ttf" / name, size)
